#include "vfio/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <glib.h>

#include "base/clock.h"

typedef enum { IDLE, ASKED, DONE, ENDED } Phase;

/* Counted: the thread holds one reference, its owner the other.  The count is C11's, not a box of
 * GLib's, so that TSan sees the order. */
struct _FerryWorker {
    atomic_uint refs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Phase phase;
    bool stuck;
    void (*run)(void *argument);
    void *argument;
};

static void
unref(FerryWorker *self)
{
    if (atomic_fetch_sub(&self->refs, 1) > 1)
        return;
    /* Asked for too late to have begun: it must not be made now, its descriptor may be another's.
     */
    if (self->argument != NULL)
        g_atomic_rc_box_release(self->argument);
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

static void *
work(void *data)
{
    FerryWorker *self = data;

    (void)pthread_mutex_lock(&self->lock);
    while (self->phase != ENDED) {
        if (self->argument == NULL) {
            (void)pthread_cond_wait(&self->changed, &self->lock);
            continue;
        }
        void (*run)(void *) = self->run;
        void *argument = g_steal_pointer(&self->argument);

        (void)pthread_mutex_unlock(&self->lock);
        run(argument);
        g_atomic_rc_box_release(argument);
        (void)pthread_mutex_lock(&self->lock);
        if (self->phase == ASKED)
            self->phase = DONE;
        (void)pthread_cond_broadcast(&self->changed);
    }
    (void)pthread_mutex_unlock(&self->lock);
    unref(self);
    return NULL;
}

FerryWorker *
ferry_worker_new(void)
{
    FerryWorker *self = g_new0(FerryWorker, 1);
    pthread_condattr_t attributes;
    pthread_t thread;

    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    atomic_init(&self->refs, 2);
    g_assert(pthread_create(&thread, NULL, work, self) == 0);
    (void)pthread_detach(thread);
    return self;
}

void
ferry_worker_free(FerryWorker *self)
{
    (void)pthread_mutex_lock(&self->lock);
    self->phase = ENDED;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    unref(self);
}

bool
ferry_worker_run(FerryWorker *self, void (*run)(void *argument), void *argument, int timeout_ms)
{
    const struct timespec end = ferry_clock_deadline(timeout_ms);
    int status = 0;

    (void)pthread_mutex_lock(&self->lock);
    if (!self->stuck) {
        self->run = run;
        self->argument = g_atomic_rc_box_acquire(argument);
        self->phase = ASKED;
        (void)pthread_cond_broadcast(&self->changed);
        while (self->phase == ASKED && status != ETIMEDOUT)
            status = pthread_cond_timedwait(&self->changed, &self->lock, &end);
        self->stuck = self->phase == ASKED;
        self->phase = self->stuck ? ENDED : IDLE;
    }
    bool done = !self->stuck;
    (void)pthread_mutex_unlock(&self->lock);
    return done;
}
