/* The thread of a job whose guest leaves this host. */
#include "base/error.h"
#include "migrate/remember.h"
#include "migrate/run.h"

#define JOURNAL_PAUSE_MS 1000

/* Nobody learns by a new record but the target, should it ask. */
static void
publish_record(FerryRun *self)
{
    (void)pthread_mutex_lock(&self->lock);
    self->record = ferry_source_record(self->source);
    self->resolved = ferry_source_word(self->source) == FERRY_RECORD_RESOLVED;
    (void)pthread_mutex_unlock(&self->lock);
}

/* The journal failed.  What it holds is the truth; libvirt's call and the relay are as they were.
 */
static void
reload(FerryRun *self, FerryBell *bell, uint64_t rung)
{
    g_autoptr(GPtrArray) records = NULL;

    (void)ferry_bell_wait(bell, rung, JOURNAL_PAUSE_MS);
    if (ferry_journal_read(self->migrator->config.store, ferry_job_identity(self->job)->id,
                           &records, NULL))
        ferry_source_reload(self->source, records);
}

/* One line when a job starts and one when it ends; the phases' durations are in its report. */
static void
log_job(FerryRun *self, const char *what)
{
    const FerryJobIdentity *who = ferry_job_identity(self->job);

    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "JOB", who->id, "GUEST", who->guest_name,
                     "PEER", who->target, "MESSAGE", "job %s: guest %s to %s: %s", who->id,
                     who->guest_name, who->target, what);
}

/* A job that is over is shown for weeks: its connections and threads do not wait for that.  After
 * the job's end was told, for the last long poll may take seconds to return. */
static void
close_link(FerryRun *self)
{
    ferry_source_free(self->source);
    ferry_link_free(self->link);
    self->source = NULL;
    self->link = NULL;
}

static void *
source_main(void *data)
{
    FerryRun *self = data;
    const FerryPlan *plan = ferry_source_plan(self->source);
    FerryBell *bell = self->migrator->bell;
    FerryStep step = FERRY_STEP_AGAIN;
    json_t *late = NULL;

    log_job(self, "begins");
    ferry_job_set_planned(self->job, plan->predicted_ms, MAX(plan->parallel, 1));
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    while (step != FERRY_STEP_END && !ferry_migrator_is_stopping(self->migrator)) {
        uint64_t rung = ferry_bell_rung(bell);

        step = ferry_run_take_resolution(self);
        if (step == FERRY_STEP_AGAIN)
            step = ferry_source_step(self->source);
        publish_record(self);
        if (step == FERRY_STEP_WAIT)
            (void)ferry_bell_wait(bell, rung, ferry_source_wait_ms(self->source));
        else if (step == FERRY_STEP_FAILED)
            reload(self, bell, rung);
    }
    log_job(self, step == FERRY_STEP_END ? ferry_job_state_name(ferry_job_state(self->job))
                                         : "left for the next ferryd");
    if (step == FERRY_STEP_END) {
        late = ferry_source_late(self->source);
        ferry_remember(self->migrator->config.store, self->migrator->config.clock, self->job,
                       ferry_source_plan(self->source));
    }
    ferry_late_add(self->migrator, ferry_job_identity(self->job)->guest_uuid, late);
    json_decref(late);
    (void)pthread_mutex_lock(&self->lock);
    self->over = step == FERRY_STEP_END;
    (void)pthread_mutex_unlock(&self->lock);
    ferry_bell_ring(self->migrator->shown);
    if (step == FERRY_STEP_END)
        close_link(self);
    return NULL;
}

static bool
open_link(FerryRun *self, const char *address, GError **error)
{
    const FerryMigratorConfig *config = &self->migrator->config;
    const FerryLinkConfig link = { .identity = config->identity,
                                   .peer_name = ferry_job_identity(self->job)->target,
                                   .peer_address = address,
                                   .run_dir = config->run_dir,
                                   .timers = &config->timers,
                                   .bell = self->migrator->bell };

    if (config->identity == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "this host has no certificate: run \"ferry pki install FILE\" and restart "
                    "ferryd");
        return false;
    }
    return ferry_link_new(&self->hand, &link, &self->link, error);
}

static bool
start(FerryRun *self, GError **error)
{
    publish_record(self);
    if (pthread_create(&self->thread, NULL, source_main, self) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot start the job's thread");
        return false;
    }
    self->started = true;
    return true;
}

static FerrySourceWorld
world_of(const FerryRun *self)
{
    return (FerrySourceWorld){ .clock = self->migrator->config.clock,
                               .timers = &self->migrator->config.timers,
                               .journal = &ferry_hand_journal_ops,
                               .guest = &ferry_hand_guest_ops,
                               .devices = &ferry_hand_device_ops,
                               .link = &ferry_link_ops,
                               .data = self->link };
}

bool
ferry_run_begin_source(FerryRun *self, FerryPlan *plan, const char *address, GError **error)
{
    FerrySourceWorld world;

    if (!open_link(self, address, error)) {
        ferry_plan_free(plan);
        return false;
    }
    world = world_of(self);
    self->source = ferry_source_new(&world, self->job, plan);
    return start(self, error);
}

bool
ferry_run_recover_source(FerryRun *self,
                         const char *address,
                         const GPtrArray *records,
                         GError **error)
{
    FerrySourceWorld world;

    if (!open_link(self, address, error))
        return false;
    world = world_of(self);
    self->source = ferry_source_recover(&world, self->job, records, error);
    return self->source != NULL && start(self, error);
}
