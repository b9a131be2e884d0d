#include "pool/turns.h"

#include <pthread.h>

#include <glib.h>

struct _FerryTurns {
    pthread_mutex_t lock;
    pthread_cond_t given;
    GHashTable *taken; /* of int64_t */
};

FerryTurns *
ferry_turns_new(void)
{
    FerryTurns *self = g_new0(FerryTurns, 1);

    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->given, NULL);
    self->taken = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return self;
}

void
ferry_turns_free(FerryTurns *self)
{
    if (self == NULL)
        return;
    g_assert(g_hash_table_size(self->taken) == 0);
    g_hash_table_unref(self->taken);
    (void)pthread_cond_destroy(&self->given);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

void
ferry_turns_take(FerryTurns *self, int64_t generation)
{
    (void)pthread_mutex_lock(&self->lock);
    while (g_hash_table_contains(self->taken, &generation))
        (void)pthread_cond_wait(&self->given, &self->lock);
    g_hash_table_add(self->taken, g_memdup2(&generation, sizeof(generation)));
    (void)pthread_mutex_unlock(&self->lock);
}

void
ferry_turns_give(FerryTurns *self, int64_t generation)
{
    (void)pthread_mutex_lock(&self->lock);
    (void)g_hash_table_remove(self->taken, &generation);
    (void)pthread_cond_broadcast(&self->given);
    (void)pthread_mutex_unlock(&self->lock);
}
