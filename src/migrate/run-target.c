/*
 * The thread of a job whose guest comes to this host, and what its source asks.
 *
 *   HTTP thread   puts S's word into the inbox, waits for an answer published after it
 *   job's thread  hears it, steps, publishes
 *
 * So the driver has one thread, and an answer never waits for a device that takes long to attach.
 */
#include "base/error.h"
#include "client/client.h"
#include "migrate/peer-words.h"
#include "migrate/remember.h"
#include "migrate/run.h"
#include "store/host.h"

#define JOURNAL_PAUSE_MS  1000
#define ASK_TIMEOUT_MS    2000
#define ANSWER_MS         300  /* for a status: a newer answer than the published one */
#define GO_ANSWER_MS      1200 /* S asks again after 1.5 s */
#define RESERVE_ANSWER_MS 8000

static void
lock(FerryRun *self)
{
    (void)pthread_mutex_lock(&self->lock);
}

static void
unlock(FerryRun *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

/* ---- the driver's ops ---- */

static void
publish(void *data)
{
    FerryRun *self = data;
    FerryAnswer answer = { 0 };
    bool finished = false;

    ferry_target_answer(self->target, &answer);
    finished = json_is_true(json_object_get(answer.details, "finished"));
    lock(self);
    if (answer.record != self->answer.record || answer.domain != self->answer.domain ||
        finished != self->finished)
        self->change++;
    ferry_answer_clear(&self->answer);
    self->answer = answer;
    self->finished = finished;
    unlock(self);
    ferry_bell_ring(self->migrator->shown);
}

/* DONE says how it ended; that is what counts for the table. */
static FerrySaid
said_of_reply(const json_t *body)
{
    const char *record = json_string_value(json_object_get(body, "record"));
    const char *outcome = json_string_value(json_object_get(body, "outcome"));
    FerryRecordKind kind = FERRY_RECORD_NONE;

    if (record == NULL || !ferry_record_kind_parse(record, &kind))
        return FERRY_SAID_UNKNOWN;
    if (json_is_true(json_object_get(body, "resolved")))
        return FERRY_SAID_RESOLVED;
    if (kind != FERRY_RECORD_DONE)
        return ferry_said_of_record(kind);
    return g_strcmp0(outcome, "migrated") == 0 || g_strcmp0(outcome, "lost") == 0
               ? FERRY_SAID_COMMITTED
               : FERRY_SAID_ABORTED;
}

static bool
ask_source(void *data, FerrySaid *ret)
{
    FerryRun *self = data;
    const FerryMigratorConfig *config = &self->migrator->config;
    const FerryJobIdentity *who = ferry_job_identity(self->job);
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryClient) client = NULL;
    g_autofree char *path = g_strdup_printf("/v1/peer/jobs/%s/record", who->id);
    g_auto(FerryReply) reply = { 0 };

    if (!ferry_store_host_find(config->store, who->source, &host, NULL) || host == NULL ||
        config->identity == NULL ||
        !ferry_client_new_peer(config->identity, who->source, host->address, &client, NULL) ||
        !ferry_client_call(client, "GET", path, NULL, ASK_TIMEOUT_MS, &reply, NULL))
        return false; /* out of reach: asked again later */
    *ret = said_of_reply(reply.body);
    return true;
}

static const FerryFarOps far_ops = {
    .close_relay = ferry_run_close_relay,
    .relay = ferry_run_relay_state,
    .ask_source = ask_source,
    .publish = publish,
};

/* ---- the thread ---- */

/* Returns: how many words were heard with this */
static uint64_t
take_inbox(FerryRun *self)
{
    uint64_t delivered = 0;
    FerrySaid said = FERRY_SAID_UNKNOWN;
    bool has = false;

    lock(self);
    has = self->has_inbox;
    said = self->inbox;
    self->has_inbox = false;
    self->inbox = FERRY_SAID_UNKNOWN;
    delivered = self->delivered;
    unlock(self);
    if (has)
        ferry_target_hear(self->target, said);
    return delivered;
}

static void
reload(FerryRun *self, FerryBell *bell, uint64_t rung)
{
    g_autoptr(GPtrArray) records = NULL;

    (void)ferry_bell_wait(bell, rung, JOURNAL_PAUSE_MS);
    if (ferry_journal_read(self->migrator->config.store, self->hand.row.id, &records, NULL))
        ferry_target_reload(self->target, records);
}

static void *
target_main(void *data)
{
    FerryRun *self = data;
    FerryBell *bell = self->migrator->bell;
    FerryStep step = FERRY_STEP_AGAIN;
    json_t *late = NULL;

    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    while (step != FERRY_STEP_END && !ferry_migrator_is_stopping(self->migrator)) {
        uint64_t rung = ferry_bell_rung(bell);
        uint64_t heard = take_inbox(self);

        step = ferry_run_take_resolution(self);
        if (step == FERRY_STEP_AGAIN)
            step = ferry_target_step(self->target);
        if (step != FERRY_STEP_AGAIN) { /* everything that follows from what was heard is done */
            publish(self);
            lock(self);
            self->processed = heard;
            unlock(self);
            ferry_bell_ring(self->migrator->shown);
        }
        if (step == FERRY_STEP_WAIT)
            (void)ferry_bell_wait(bell, rung, ferry_target_wait_ms(self->target));
        else if (step == FERRY_STEP_FAILED)
            reload(self, bell, rung);
    }
    if (step == FERRY_STEP_END && ferry_target_plan(self->target) != NULL)
        ferry_remember(self->migrator->config.store, self->migrator->config.clock, self->job,
                       ferry_target_plan(self->target));
    late = step == FERRY_STEP_END ? ferry_target_late(self->target) : NULL;
    ferry_late_add(self->migrator, ferry_job_identity(self->job)->guest_uuid, late);
    json_decref(late);
    lock(self);
    self->over = step == FERRY_STEP_END;
    unlock(self);
    ferry_run_drop_relay(self);
    ferry_bell_ring(self->migrator->shown);
    ferry_bell_ring(self->migrator->bell);
    return NULL;
}

static FerryTargetWorld
world_of(FerryRun *self)
{
    return (FerryTargetWorld){ .clock = self->migrator->config.clock,
                               .timers = &self->migrator->config.timers,
                               .journal = &ferry_hand_journal_ops,
                               .guest = &ferry_hand_guest_ops,
                               .devices = &ferry_hand_device_ops,
                               .far = &far_ops,
                               .data = self };
}

static bool
start(FerryRun *self)
{
    if (pthread_create(&self->thread, NULL, target_main, self) != 0)
        return false;
    self->started = true;
    return true;
}

bool
ferry_run_begin_target(FerryRun *self, FerryPlan *plan, GError **error)
{
    FerryTargetWorld world = world_of(self);

    self->target = ferry_target_new(&world, self->job, plan);
    /* What begins it is its first word: a step that had heard nothing would end it. */
    ferry_target_hear(self->target, plan != NULL ? FERRY_SAID_EARLY : FERRY_SAID_ABORTED);
    if (start(self))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot start the job's thread");
    return false;
}

bool
ferry_run_recover_target(FerryRun *self, const GPtrArray *records, GError **error)
{
    FerryTargetWorld world = world_of(self);

    self->target = ferry_target_recover(&world, self->job, records, error);
    if (self->target == NULL)
        return false;
    if (start(self))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot start the job's thread");
    return false;
}

/* ---- what S asks ---- */

/* What an answer must be like to be worth sending at once; @since: deliveries at the question. */
static bool
is_answered(FerryRun *self, const char *what, uint64_t since, uint64_t after)
{
    if (self->over)
        return true;
    if (g_str_equal(what, "wait"))
        return self->change > after;
    if (g_str_equal(what, "go"))
        return self->answer.record == FERRY_T_RUNNING || self->answer.record == FERRY_T_LOST ||
               self->answer.record == FERRY_T_ABORTED || self->answer.record == FERRY_T_RESOLVED;
    return self->processed >= since;
}

static int64_t
answer_limit_ms(const char *what, int64_t asked_ms)
{
    if (g_str_equal(what, "wait"))
        return asked_ms;
    if (g_str_equal(what, "go"))
        return GO_ANSWER_MS;
    return g_str_equal(what, "reserve") || g_str_equal(what, "prepare") ? RESERVE_ANSWER_MS
                                                                        : ANSWER_MS;
}

json_t *
ferry_run_ask_target(FerryRun *self,
                     const char *what,
                     FerrySaid said,
                     uint64_t after,
                     int64_t wait_ms)
{
    const FerryClock *clock = self->migrator->config.clock;
    int64_t until_ms = clock->now_ms(clock) + answer_limit_ms(what, wait_ms);
    uint64_t since = 0;
    json_t *answer = NULL;

    lock(self);
    self->has_inbox = true;
    if (said != FERRY_SAID_UNKNOWN)
        self->inbox = said;
    since = ++self->delivered;
    unlock(self);
    ferry_bell_ring(self->migrator->bell);
    for (;;) {
        uint64_t rung = ferry_bell_rung(self->migrator->shown);
        int64_t left_ms = until_ms - clock->now_ms(clock);
        bool last = left_ms <= 0 || ferry_migrator_is_stopping(self->migrator);

        lock(self);
        if (last || is_answered(self, what, since, after))
            answer = ferry_answer_format(&self->answer, self->change);
        unlock(self);
        if (answer != NULL)
            return answer;
        (void)ferry_bell_wait(self->migrator->shown, rung, MIN(left_ms, 1000));
    }
}
