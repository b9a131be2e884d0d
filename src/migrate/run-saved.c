/* The thread of a job that saves a guest in a file, or starts one from a file. */
#include "base/error.h"
#include "migrate/run.h"

/* ---- the world: @data of all ops is a FerryHand, but of wait(), whose is a FerryRun ---- */

static bool
save(void *data, const char *path, const char *xml, GError **error)
{
    const FerryHand *hand = data;

    return ferry_guests_save(hand->guests, hand->row.guest_uuid, path, xml, error);
}

static bool
restore(void *data, const char *path, const char *xml, GError **error)
{
    return ferry_guests_restore(((const FerryHand *)data)->guests, path, xml, error);
}

static bool
saved_xml(void *data, const char *path, char **ret, GError **error)
{
    return ferry_guests_saved_xml(((const FerryHand *)data)->guests, path, ret, error);
}

static bool
work(void *data, FerryGuestWork *ret, GError **error)
{
    const FerryHand *hand = data;

    return ferry_guests_work(hand->guests, hand->row.guest_uuid, ret, error);
}

static bool
abort_work(void *data, GError **error)
{
    const FerryHand *hand = data;

    return ferry_guests_abort_job(hand->guests, hand->row.guest_uuid, error);
}

static bool
stats(void *data, FerryTransferStats *ret)
{
    const FerryHand *hand = data;

    return ferry_guests_transfer_stats(hand->guests, hand->row.guest_uuid, ret, NULL);
}

/* What the drivers know of the job's newest record is what others ask the run for. */
static void
publish_record(FerryRun *self)
{
    (void)pthread_mutex_lock(&self->lock);
    self->record = self->save != NULL ? ferry_save_record(self->save)
                                      : ferry_guest_restore_record(self->restore);
    (void)pthread_mutex_unlock(&self->lock);
}

static bool
wait_for(void *data, int64_t limit_ms)
{
    FerryRun *run = data;
    FerryBell *bell = run->migrator->bell;

    publish_record(run);
    if (limit_ms > 0)
        (void)ferry_bell_wait(bell, ferry_bell_rung(bell), limit_ms);
    return !ferry_migrator_is_stopping(run->migrator);
}

static const FerrySavedOps ops = { .save = save,
                                   .restore = restore,
                                   .saved_xml = saved_xml,
                                   .work = work,
                                   .abort_work = abort_work,
                                   .stats = stats,
                                   .wait = wait_for };

FerrySavedWorld
ferry_run_saved_world(const FerryMigrator *migrator, FerryHand *hand)
{
    return (FerrySavedWorld){ .clock = migrator->config.clock,
                              .timers = &migrator->config.timers,
                              .journal = &ferry_hand_journal_ops,
                              .guest = &ferry_hand_guest_ops,
                              .devices = &ferry_hand_device_ops,
                              .saved = &ops,
                              .data = hand,
                              .host = migrator->config.name };
}

/* ---- the thread ---- */

static void
log_job(FerryRun *self, const char *what)
{
    const FerryJobIdentity *who = ferry_job_identity(self->job);

    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "JOB", who->id, "GUEST", who->guest_name,
                     "MESSAGE", "job %s: %s guest %s: %s", who->id,
                     self->save != NULL ? "save" : "restore", who->guest_name, what);
}

static void
add_late(FerryRun *self)
{
    json_t *late = ferry_save_late(self->save);

    ferry_late_add(self->migrator, ferry_job_identity(self->job)->guest_uuid, late);
    json_decref(late);
}

static void *
saved_main(void *data)
{
    FerryRun *self = data;
    bool ended = false;

    log_job(self, "begins");
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    ended =
        self->save != NULL ? ferry_save_run(self->save) : ferry_guest_restore_run(self->restore);
    log_job(self,
            ended ? ferry_job_state_name(ferry_job_state(self->job)) : "left for the next ferryd");
    if (ended && self->save != NULL)
        add_late(self);
    publish_record(self);
    (void)pthread_mutex_lock(&self->lock);
    self->over = ended;
    (void)pthread_mutex_unlock(&self->lock);
    ferry_bell_ring(self->migrator->shown);
    return NULL;
}

static bool
start(FerryRun *self, GError **error)
{
    publish_record(self);
    if (pthread_create(&self->thread, NULL, saved_main, self) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot start the job's thread");
        return false;
    }
    self->started = true;
    return true;
}

bool
ferry_run_begin_save(FerryRun *self,
                     FerryPlan *plan,
                     const char *file,
                     FerrySaveOver over,
                     GError **error)
{
    const FerrySavedWorld world = ferry_run_saved_world(self->migrator, &self->hand);

    self->save = ferry_save_new(&world, self->job, plan, file, over);
    return start(self, error);
}

bool
ferry_run_begin_restore(FerryRun *self, FerrySaved *saved, GError **error)
{
    const FerrySavedWorld world = ferry_run_saved_world(self->migrator, &self->hand);

    self->restore = ferry_guest_restore_new(&world, self->job, saved);
    return start(self, error);
}

bool
ferry_run_recover_saved(FerryRun *self, const GPtrArray *records, GError **error)
{
    const FerrySavedWorld world = ferry_run_saved_world(self->migrator, &self->hand);

    if (ferry_job_identity(self->job)->kind == FERRY_JOB_SAVE)
        self->save = ferry_save_recover(&world, self->job, records, error);
    else
        self->restore = ferry_guest_restore_recover(&world, self->job, records, error);
    return (self->save != NULL || self->restore != NULL) && start(self, error);
}
