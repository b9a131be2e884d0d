#include "migrate/guest-turns.h"

#include <pthread.h>

#include "base/clock.h"

/* One guest.  It is never forgotten: its number must not begin anew. */
typedef struct {
    uint64_t number;
    bool taken;
    bool starting;
    char *waiting_for;
} Turn;

struct _FerryGuestTurns {
    pthread_mutex_t lock; /* held for the length of a look only */
    pthread_cond_t left;
    GHashTable *guests; /* UUID: Turn */
};

static void
turn_free(gpointer data)
{
    Turn *turn = data;

    g_free(turn->waiting_for);
    g_free(turn);
}

FerryGuestTurns *
ferry_guest_turns_new(void)
{
    FerryGuestTurns *self = g_new0(FerryGuestTurns, 1);
    pthread_condattr_t monotonic;

    self->guests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, turn_free);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->left, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return self;
}

void
ferry_guest_turns_free(FerryGuestTurns *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->guests);
    (void)pthread_cond_destroy(&self->left);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

/* Locks, and finds the guest; unlock() is the caller's. */
static Turn *
lock_guest(FerryGuestTurns *self, const char *guest_uuid)
{
    Turn *turn = NULL;

    (void)pthread_mutex_lock(&self->lock);
    turn = g_hash_table_lookup(self->guests, guest_uuid);
    if (turn == NULL) {
        turn = g_new0(Turn, 1);
        g_hash_table_insert(self->guests, g_strdup(guest_uuid), turn);
    }
    return turn;
}

static void
unlock(FerryGuestTurns *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

/* Returns: whether it was free */
static bool
take(Turn *turn)
{
    if (turn->taken)
        return false;
    turn->taken = true;
    turn->number++;
    return true;
}

bool
ferry_guest_turns_enter(FerryGuestTurns *self, const char *guest_uuid, int64_t limit_ms)
{
    const struct timespec deadline = ferry_clock_deadline(limit_ms);
    Turn *turn = lock_guest(self, guest_uuid);
    bool mine = take(turn);
    int waited = 0;

    while (!mine && waited == 0) {
        waited = pthread_cond_timedwait(&self->left, &self->lock, &deadline);
        mine = take(turn);
    }
    unlock(self);
    return mine;
}

bool
ferry_guest_turns_enter_since(FerryGuestTurns *self, const char *guest_uuid, uint64_t number)
{
    Turn *turn = lock_guest(self, guest_uuid);
    bool mine = turn->number == number && take(turn);

    unlock(self);
    return mine;
}

void
ferry_guest_turns_leave(FerryGuestTurns *self, const char *guest_uuid)
{
    Turn *turn = lock_guest(self, guest_uuid);

    g_assert(turn->taken);
    turn->taken = false;
    (void)pthread_cond_broadcast(&self->left);
    unlock(self);
}

uint64_t
ferry_guest_turns_number(FerryGuestTurns *self, const char *guest_uuid)
{
    uint64_t number = lock_guest(self, guest_uuid)->number;

    unlock(self);
    return number;
}

bool
ferry_guest_turns_begin_start(FerryGuestTurns *self, const char *guest_uuid)
{
    Turn *turn = lock_guest(self, guest_uuid);
    bool first = !turn->starting;

    turn->starting = true;
    turn->number++;
    unlock(self);
    return first;
}

void
ferry_guest_turns_end_start(FerryGuestTurns *self, const char *guest_uuid)
{
    lock_guest(self, guest_uuid)->starting = false;
    unlock(self);
}

bool
ferry_guest_turns_is_starting(FerryGuestTurns *self, const char *guest_uuid)
{
    bool starting = lock_guest(self, guest_uuid)->starting;

    unlock(self);
    return starting;
}

bool
ferry_guest_turns_say(FerryGuestTurns *self, const char *guest_uuid, const char *waiting_for)
{
    Turn *turn = lock_guest(self, guest_uuid);
    bool is_new = g_strcmp0(turn->waiting_for, waiting_for) != 0;

    if (is_new) {
        g_free(turn->waiting_for);
        turn->waiting_for = g_strdup(waiting_for);
    }
    unlock(self);
    return is_new;
}

char *
ferry_guest_turns_waiting_for(FerryGuestTurns *self, const char *guest_uuid)
{
    char *waiting_for = g_strdup(lock_guest(self, guest_uuid)->waiting_for);

    unlock(self);
    return waiting_for;
}
