#include "migrate/saved-world.h"

#include <pthread.h>

#include "base/error.h"
#include "migrate/life.h"

#define LOOK_MS         200
#define JOURNAL_MS      1000
#define RELEASE_TRIES   25
#define PAUSED          3
#define PAUSED_SAVE     3  /* VIR_DOMAIN_PAUSED_SAVE */
#define PAUSED_STARTING 11 /* VIR_DOMAIN_PAUSED_STARTING_UP */

/* Shared by the job's thread and the call's; whoever is last frees it. */
typedef struct {
    gint refs;
    bool (*run)(void *data, const char *path, const char *xml, GError **error);
    void *data;
    char *path, *xml;
    pthread_mutex_t lock;
    bool is_over;
    GError *error;
} Call;

static void
call_unref(Call *self)
{
    if (!g_atomic_int_dec_and_test(&self->refs))
        return;
    g_free(self->path);
    g_free(self->xml);
    g_clear_error(&self->error);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_unref)

static void *
call_main(void *data)
{
    Call *self = data;
    g_autoptr(GError) error = NULL;

    (void)self->run(self->data, self->path, self->xml, &error);
    (void)pthread_mutex_lock(&self->lock);
    self->is_over = true;
    self->error = g_steal_pointer(&error);
    (void)pthread_mutex_unlock(&self->lock);
    call_unref(self);
    return NULL;
}

static Call *
call_new(const FerrySavedWorld *world, const FerrySavedCall *what)
{
    Call *self = g_new0(Call, 1);

    self->refs = 1;
    self->run = what->run;
    self->data = world->data;
    self->path = g_strdup(what->path);
    self->xml = g_strdup(what->xml);
    (void)pthread_mutex_init(&self->lock, NULL);
    return self;
}

static bool
call_start(Call *self, GError **error)
{
    pthread_t thread;

    g_atomic_int_inc(&self->refs);
    if (pthread_create(&thread, NULL, call_main, self) == 0) {
        (void)pthread_detach(thread); /* whether it is over is seen in the call */
        return true;
    }
    call_unref(self);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot start a thread");
    return false;
}

static bool
call_is_over(Call *self, GError **error)
{
    bool is_over = false;

    (void)pthread_mutex_lock(&self->lock);
    is_over = self->is_over;
    if (is_over && self->error != NULL)
        g_propagate_error(error, g_steal_pointer(&self->error));
    (void)pthread_mutex_unlock(&self->lock);
    return is_over;
}

FerryCallEnd
ferry_saved_call(const FerrySavedWorld *world,
                 FerryJob *job,
                 const FerrySavedCall *what,
                 GError **error)
{
    g_autoptr(Call) call = call_new(world, what);
    FerryProgress progress = { 0 };

    if (!call_start(call, error))
        return FERRY_CALL_RETURNED;
    while (!call_is_over(call, error)) {
        FerryTransferStats stats = { 0 };

        if (world->saved->stats(world->data, &stats) && stats.total_bytes > 0) {
            ferry_progress_take(&progress, &stats, 0, world->clock->now_ms(world->clock));
            ferry_job_set_progress(job, &progress);
        }
        /* asked again each time: it may not have begun yet */
        if (what->cancel == FERRY_CALL_CAN_END && ferry_job_is_cancelled(job))
            (void)world->saved->abort_work(world->data, NULL);
        if (!world->saved->wait(world->data, LOOK_MS))
            return FERRY_CALL_LEFT;
    }
    return FERRY_CALL_RETURNED;
}

bool
ferry_saved_record(const FerrySavedWorld *world,
                   FerryJob *job,
                   FerryRecordKind kind,
                   json_t *record)
{
    g_autoptr(GError) error = NULL;
    bool ok = false, goes_on = true;

    while (!ok && goes_on) {
        g_clear_error(&error);
        ok = world->journal->append(world->data, kind, record, &error);
        if (!ok) {
            ferry_job_set_waiting(job, error->message);
            goes_on = world->saved->wait(world->data, JOURNAL_MS);
        }
    }
    json_decref(record);
    return ok;
}

/* libvirt is not always said to be at work while a guest comes or goes; a guest may keep such a
 * reason, when libvirt could not let it go on. */
static bool
is_in_between(const FerryDomainLook *look, unsigned n_idle)
{
    static const struct {
        int reason; /* of being paused */
        unsigned n_looks;
    } rows[] = { { PAUSED_SAVE, 25 }, { PAUSED_STARTING, 1500 } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (look->present && look->state == PAUSED && look->reason == rows[i].reason)
            return n_idle < rows[i].n_looks;
    return false;
}

bool
ferry_saved_settle(const FerrySavedWorld *world, FerryJob *job, bool *ret_up)
{
    for (unsigned n_idle = 0;; n_idle++) {
        FerryDomainLook look = { 0 };
        FerryGuestWork work = FERRY_GUEST_AT_WORK;
        g_autoptr(GError) error = NULL;

        if (world->saved->work(world->data, &work, &error) &&
            world->guest->look(world->data, &look, &error) && work == FERRY_GUEST_IDLE &&
            !is_in_between(&look, n_idle)) {
            *ret_up = ferry_life_is_up(&look);
            return true;
        }
        if (work == FERRY_GUEST_AT_WORK || error != NULL)
            n_idle = 0;
        ferry_job_set_waiting(job, error != NULL ? error->message : "libvirt to end its part");
        if (!world->saved->wait(world->data, LOOK_MS))
            return false;
    }
}

void
ferry_saved_release(const FerrySavedWorld *world,
                    FerryJob *job,
                    bool (*release)(void *data, GError **error))
{
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < RELEASE_TRIES; i++) {
        g_clear_error(&error);
        if (release(world->data, &error) || !world->saved->wait(world->data, LOOK_MS))
            return;
    }
    ferry_job_add_degraded(job, "devices", error->message);
}

bool
ferry_saved_is_too_late(FerryRecordKind record)
{
    return record == FERRY_RECORD_COMMITTED || record == FERRY_RECORD_COMMIT ||
           record == FERRY_RECORD_RUNNING;
}

void
ferry_saved_tell(FerryJob *job, uint64_t done_bytes, uint64_t total_bytes)
{
    g_autofree char *text =
        g_strdup_printf("the checksums: %u %% of the file is read",
                        total_bytes == 0 ? 0 : (unsigned)MIN(100, done_bytes * 100 / total_bytes));

    ferry_job_set_waiting(job, text);
}
