#include "host/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "base/error.h"
#include "base/file.h"

/* Events may go on for ever; a look is due all the same. */
#define QUIETS_AT_MOST 10
/* Between two looks when nothing tells of changes. */
#define BLIND_QUIETS 50

struct _FerryWatch {
    int root;
    const FerryWatchOps *ops;
    void *data;
    int quiet_ms;
    int stop; /* an eventfd */
    pthread_t thread;
    pthread_mutex_t looking; /* one look at a time, so that an older one never replaces a newer */
    pthread_mutex_t lock;    /* of the four below */
    pthread_cond_t changed;  /* on CLOCK_MONOTONIC */
    FerryInventory *inventory;
    uint64_t generation;
    uint64_t n_heard; /* times that events were there */
    uint64_t n_seen;  /* as n_heard was when @inventory was begun */
};

typedef enum { STOPPED, EVENTS, QUIET } Heard;

/* @limit_ms: -1 to wait for ever */
static Heard
listen(FerryWatch *self, int limit_ms)
{
    struct pollfd fds[] = { { .fd = self->stop, .events = POLLIN },
                            { .fd = self->ops != NULL ? self->ops->fd(self->data) : -1,
                              .events = POLLIN } };
    int n = 0;

    do
        n = poll(fds, G_N_ELEMENTS(fds), limit_ms);
    while (n < 0 && errno == EINTR);
    if (fds[0].revents != 0 || n < 0)
        return STOPPED;
    if (n == 0)
        return QUIET;
    (void)pthread_mutex_lock(&self->lock); /* first, or is_missing_some() finds neither of both */
    self->n_heard++;
    (void)pthread_mutex_unlock(&self->lock);
    self->ops->drain(self->data);
    return EVENTS;
}

/* One event seldom comes alone: making 7 VFs is some 30 of them. */
static bool
await_quiet(FerryWatch *self)
{
    const gint64 latest = g_get_monotonic_time() + (gint64)self->quiet_ms * QUIETS_AT_MOST * 1000;
    Heard heard = listen(self, self->quiet_ms);

    while (heard == EVENTS && g_get_monotonic_time() < latest)
        heard = listen(self, self->quiet_ms);
    return heard != STOPPED;
}

static uint64_t
count_heard(FerryWatch *self)
{
    uint64_t n_heard = 0;

    (void)pthread_mutex_lock(&self->lock);
    n_heard = self->n_heard;
    (void)pthread_mutex_unlock(&self->lock);
    return n_heard;
}

static void
publish(FerryWatch *self, FerryInventory *inventory, uint64_t n_heard)
{
    FerryInventory *before = NULL;

    (void)pthread_mutex_lock(&self->lock);
    before = self->inventory;
    self->inventory = inventory;
    self->generation++;
    self->n_seen = n_heard;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    ferry_inventory_unref(before);
}

static void
look(FerryWatch *self)
{
    FerryInventory *inventory = NULL;
    uint64_t n_heard = 0;

    (void)pthread_mutex_lock(&self->looking);
    n_heard = count_heard(self);
    /* It fails only without /sys: keep what we have. */
    if (ferry_inventory_read(self->root, &inventory, NULL))
        publish(self, inventory, n_heard);
    (void)pthread_mutex_unlock(&self->looking);
}

/* Returns: whether a look is due; false when it is to stop */
static bool
await_reason(FerryWatch *self)
{
    const Heard heard = listen(self, self->ops != NULL ? -1 : self->quiet_ms * BLIND_QUIETS);

    return heard == QUIET || (heard == EVENTS && await_quiet(self));
}

static void *
run(void *data)
{
    FerryWatch *self = data;

    while (await_reason(self))
        look(self);
    return NULL;
}

/* Events wait to be taken, or were taken since the newest look began. */
static bool
is_missing_some(FerryWatch *self)
{
    struct pollfd fd = { .fd = self->ops != NULL ? self->ops->fd(self->data) : -1,
                         .events = POLLIN };
    bool missing = poll(&fd, 1, 0) > 0;

    (void)pthread_mutex_lock(&self->lock);
    missing = missing || self->n_heard != self->n_seen;
    (void)pthread_mutex_unlock(&self->lock);
    return missing;
}

FerryInventory *
ferry_watch_current(FerryWatch *self)
{
    if (is_missing_some(self))
        look(self);
    return ferry_watch_inventory(self, NULL);
}

FerryInventory *
ferry_watch_look(FerryWatch *self)
{
    look(self);
    return ferry_watch_inventory(self, NULL);
}

static bool
start(FerryWatch *self, GError **error)
{
    pthread_condattr_t monotonic;
    int code = 0;

    (void)pthread_mutex_init(&self->looking, NULL);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    self->stop = eventfd(0, EFD_CLOEXEC);
    code = self->stop < 0 ? errno : pthread_create(&self->thread, NULL, run, self);
    if (code == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot watch for devices: %s",
                g_strerror(code));
    return false;
}

static void
clear(FerryWatch *self)
{
    ferry_fd_clear(&self->stop);
    ferry_inventory_unref(self->inventory);
    (void)pthread_mutex_destroy(&self->looking);
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_cond_destroy(&self->changed);
    g_free(self);
}

FerryWatch *
ferry_watch_new(int root, const FerryWatchOps *ops, void *data, unsigned quiet_ms, GError **error)
{
    FerryInventory *inventory = NULL;
    FerryWatch *self = g_new0(FerryWatch, 1);

    if (!ferry_inventory_read(root, &inventory, NULL))
        inventory = ferry_inventory_new_empty();
    self->root = root;
    self->ops = ops;
    self->data = data;
    self->quiet_ms = (int)quiet_ms;
    self->inventory = inventory;
    self->generation = 1;
    if (!start(self, error)) {
        clear(self);
        return NULL;
    }
    return self;
}

FerryInventory *
ferry_watch_inventory(FerryWatch *self, uint64_t *ret_generation)
{
    FerryInventory *inventory = NULL;

    (void)pthread_mutex_lock(&self->lock);
    inventory = ferry_inventory_ref(self->inventory);
    if (ret_generation != NULL)
        *ret_generation = self->generation;
    (void)pthread_mutex_unlock(&self->lock);
    return inventory;
}

bool
ferry_watch_wait(FerryWatch *self, uint64_t generation, unsigned limit_ms)
{
    const gint64 latest_us = g_get_monotonic_time() + (gint64)limit_ms * 1000;
    const struct timespec latest = { latest_us / G_USEC_PER_SEC,
                                     latest_us % G_USEC_PER_SEC * 1000 };
    bool newer = false;
    int code = 0;

    (void)pthread_mutex_lock(&self->lock);
    while (self->generation <= generation && code == 0)
        code = pthread_cond_timedwait(&self->changed, &self->lock, &latest);
    newer = self->generation > generation;
    (void)pthread_mutex_unlock(&self->lock);
    return newer;
}

void
ferry_watch_free(FerryWatch *self)
{
    if (self == NULL)
        return;
    (void)eventfd_write(self->stop, 1);
    (void)pthread_join(self->thread, NULL);
    clear(self);
}
