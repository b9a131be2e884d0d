#include "migrate/bell.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"

struct _FerryBell {
    pthread_mutex_t lock;
    pthread_cond_t rang;
    uint64_t count;
};

FerryBell *
ferry_bell_new(void)
{
    FerryBell *self = g_new0(FerryBell, 1);
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->rang, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return self;
}

void
ferry_bell_free(FerryBell *self)
{
    if (self == NULL)
        return;
    (void)pthread_cond_destroy(&self->rang);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

void
ferry_bell_ring(void *bell)
{
    FerryBell *self = bell;

    (void)pthread_mutex_lock(&self->lock);
    self->count++;
    (void)pthread_cond_broadcast(&self->rang);
    (void)pthread_mutex_unlock(&self->lock);
}

uint64_t
ferry_bell_rung(FerryBell *self)
{
    uint64_t count = 0;

    (void)pthread_mutex_lock(&self->lock);
    count = self->count;
    (void)pthread_mutex_unlock(&self->lock);
    return count;
}

bool
ferry_bell_wait(FerryBell *self, uint64_t after, int64_t timeout_ms)
{
    const struct timespec until = ferry_clock_deadline(MAX(timeout_ms, 0));
    bool rang = false;

    (void)pthread_mutex_lock(&self->lock);
    while (self->count <= after && pthread_cond_timedwait(&self->rang, &self->lock, &until) == 0)
        continue;
    rang = self->count > after;
    (void)pthread_mutex_unlock(&self->lock);
    return rang;
}
