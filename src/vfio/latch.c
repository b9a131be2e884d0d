#include "vfio/latch.h"

#include <time.h>

#include "base/clock.h"

void
ferry_latch_init(FerryLatch *self)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    self->error = NULL;
}

void
ferry_latch_clear(FerryLatch *self)
{
    g_clear_error(&self->error);
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->lock);
}

void
ferry_latch_fail(FerryLatch *self, GError *error)
{
    (void)pthread_mutex_lock(&self->lock);
    if (self->error == NULL)
        self->error = g_steal_pointer(&error);
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    g_clear_error(&error);
}

bool
ferry_latch_failed(FerryLatch *self)
{
    (void)pthread_mutex_lock(&self->lock);
    bool failed = self->error != NULL;
    (void)pthread_mutex_unlock(&self->lock);
    return failed;
}

void
ferry_latch_wait_locked(FerryLatch *self, int ms)
{
    const struct timespec end = ferry_clock_deadline(ms);

    (void)pthread_cond_timedwait(&self->changed, &self->lock, &end);
}

void
ferry_latch_wake(FerryLatch *self)
{
    (void)pthread_mutex_lock(&self->lock);
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
}
