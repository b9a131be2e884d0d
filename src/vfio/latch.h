#pragma once

#include <pthread.h>
#include <stdbool.h>

#include <glib.h>

/** What the threads of one pump share: a lock, a wake-up, and the first error, which ends them all.
 *  Safe in any thread. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GError *error; /* the first; (nullable) */
} FerryLatch;

void ferry_latch_init(FerryLatch *self);
void ferry_latch_clear(FerryLatch *self);
/** @error: (transfer full): kept if it is the first, else freed */
void ferry_latch_fail(FerryLatch *self, GError *error);
bool ferry_latch_failed(FerryLatch *self);
/** Waits at most @ms, less when something changed; the lock must be held. */
void ferry_latch_wait_locked(FerryLatch *self, int ms);
void ferry_latch_wake(FerryLatch *self);
