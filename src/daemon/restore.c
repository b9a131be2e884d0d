#include "daemon/restore.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "host/sriov.h"

/* How long a stop waits for the thread, at most. */
#define WAIT_MS 200

struct _FerryRestore {
    const GPtrArray *pfs;
    FerryWatch *watch;
    const FerryKernel *kernel;
    bool *is_done; /* of each PF: since it appeared; the thread's */
    pthread_t thread;
    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t changed;
    bool is_complete; /* every one was done at a time */
    bool stops;
};

static void
restore(const FerryRestore *self, const FerryPfConfig *wanted, const FerryHostDevice *pf)
{
    const unsigned n_vfs = ferry_host_device_n_vfs(pf);
    g_autoptr(GError) error = NULL;

    if (n_vfs == wanted->n_vfs)
        return;
    if (n_vfs != 0)
        g_message("%s has %u VFs and not the %u of the configuration: going on with those; \"ferry "
                  "pf set-vfs %s %u\" changes it",
                  wanted->name, n_vfs, wanted->n_vfs, wanted->name, wanted->n_vfs);
    else if (ferry_sriov_set_vfs(self->kernel, pf->name, wanted->n_vfs, &error))
        g_message("%s has its %u VFs again", wanted->name, wanted->n_vfs);
    else
        g_warning("going on without the VFs of %s: %s", wanted->name, error->message);
}

/* Without a driver nobody can make VFs; it counts as not there. */
static const FerryHostDevice *
find(const FerryInventory *inventory, const char *name)
{
    const FerryHostDevice *device = ferry_inventory_find(inventory, name);

    if (device == NULL)
        device = ferry_inventory_find_netdev(inventory, name);
    return device != NULL && (device->roles & FERRY_HOST_PF) != 0 && device->driver != NULL ? device
                                                                                            : NULL;
}

/* Returns: whether all are done */
static bool
look_after(FerryRestore *self, const FerryInventory *inventory)
{
    bool is_complete = true;

    for (guint i = 0; i < self->pfs->len; i++) {
        const FerryPfConfig *wanted = g_ptr_array_index(self->pfs, i);
        const FerryHostDevice *pf = find(inventory, wanted->name);

        if (pf != NULL && !self->is_done[i])
            restore(self, wanted, pf);
        self->is_done[i] = pf != NULL;
        is_complete = is_complete && self->is_done[i];
    }
    return is_complete;
}

/* Returns: whether to go on */
static bool
report(FerryRestore *self, bool is_complete)
{
    bool stops = false;

    (void)pthread_mutex_lock(&self->lock);
    self->is_complete = self->is_complete || is_complete;
    stops = self->stops;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    return !stops;
}

static void *
run(void *data)
{
    FerryRestore *self = data;
    uint64_t generation = 0;
    bool is_complete = false;
    bool goes_on = true;

    while (goes_on) {
        uint64_t newest = 0;
        g_autoptr(FerryInventory) inventory = ferry_watch_inventory(self->watch, &newest);

        if (newest != generation)
            is_complete = look_after(self, inventory);
        generation = newest;
        goes_on = report(self, is_complete);
        if (goes_on)
            (void)ferry_watch_wait(self->watch, generation, WAIT_MS);
    }
    return NULL;
}

FerryRestore *
ferry_restore_new(const GPtrArray *pfs,
                  FerryWatch *watch,
                  const FerryKernel *kernel,
                  GError **error)
{
    FerryRestore *self = g_new0(FerryRestore, 1);
    pthread_condattr_t monotonic;
    int code = 0;

    self->pfs = pfs;
    self->watch = watch;
    self->kernel = kernel;
    self->is_done = g_new0(bool, pfs->len);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    code = pthread_create(&self->thread, NULL, run, self);
    if (code == 0)
        return self;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot look after the PFs: %s",
                g_strerror(code));
    g_free(self->is_done);
    g_free(self);
    return NULL;
}

bool
ferry_restore_wait(FerryRestore *self, int64_t limit_ms)
{
    const struct timespec deadline = ferry_clock_deadline(limit_ms);
    bool is_complete = false;
    int code = 0;

    (void)pthread_mutex_lock(&self->lock);
    while (!self->is_complete && code == 0)
        code = pthread_cond_timedwait(&self->changed, &self->lock, &deadline);
    is_complete = self->is_complete;
    (void)pthread_mutex_unlock(&self->lock);
    return is_complete;
}

void
ferry_restore_free(FerryRestore *self)
{
    if (self == NULL)
        return;
    (void)pthread_mutex_lock(&self->lock);
    self->stops = true;
    (void)pthread_mutex_unlock(&self->lock);
    (void)pthread_join(self->thread, NULL);
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_cond_destroy(&self->changed);
    g_free(self->is_done);
    g_free(self);
}
