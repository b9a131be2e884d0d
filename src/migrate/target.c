/*
 * The target's driver.  docs/handover.md is the protocol.
 *
 *   hear() → step() = observe → ferry_decide_target() → one act of the table
 *
 * Rules kept here; tests cite the numbers, sections are those of docs/handover.md:
 *   Q1  A record is durable before the act that it announces; after a failed append nothing more
 *       is done in this run.
 *   Q2  Between COMMIT and the guest's run stands nothing that can fail but libvirt's resume.
 *   Q3  "complete" is said only with the hold marker set (section 5).
 *   Q4  A lease ends a job without a domain only; a domain that is complete waits for S.
 *   Q5  Undoing, the marker goes last, when domain and definition are seen gone.
 */
#include "migrate/target.h"

#include "base/error.h"
#include "migrate/ephemeral.h"

#define POLL_MS           250
#define COMPLETE_POLL_MS  2 /* libvirt tells of no event when its finish job is over (section 5) */
#define SILENT_KEEPALIVES 5
#define ASK_PAUSE_MS      2000 /* S silent: asked, at this pace */
#define RETRY_MAX_MS      5000
#define ALARM_PAUSE_MS    5000

struct _FerryTarget {
    FerryTargetWorld world;
    FerryJob *job;
    FerryPlan *plan; /* (nullable) in a tombstone */
    FerryEphemerals *ephemerals;
    FerryTargetRecord record;
    bool aborted; /* of DONE: its outcome */
    bool lost;    /* LOST was written */
    bool ran;     /* RUNNING was written: the definition here is ours */
    FerrySaid said;
    FerryDomainLook look;
    FerryTargetDomain domain;
    bool marked;
    bool attached; /* or given up, see the job's degraded */
    bool defined;
    json_t *reasons; /* of a refusal */
    unsigned tries;
    int64_t heard_ms;
    int64_t asked_ms;
    int64_t complete_ms; /* since when complete is seen; 0 = not */
    int64_t wait_ms;
};

static int64_t
now_ms(const FerryTarget *self)
{
    return self->world.clock->now_ms(self->world.clock);
}

static FerryStep
pause_for(FerryTarget *self, int64_t wait_ms)
{
    self->wait_ms = wait_ms;
    return FERRY_STEP_WAIT;
}

static FerryStep
again(FerryTarget *self)
{
    self->tries = 0;
    return FERRY_STEP_AGAIN;
}

static FerryStep
retry(FerryTarget *self, const GError *error)
{
    int64_t pause_ms = self->world.timers->libvirt_retry_ms << MIN(self->tries, 16U);

    self->tries++;
    ferry_job_set_waiting(self->job, error->message);
    return pause_for(self, MIN(pause_ms, RETRY_MAX_MS));
}

/* Q1.  @body: (transfer full) */
static FerryStep
append(FerryTarget *self, FerryRecordKind kind, FerryTargetRecord record, json_t *body)
{
    g_autoptr(GError) error = NULL;
    bool ok = self->world.journal->append(self->world.data, kind, body, &error);

    json_decref(body);
    if (!ok) {
        ferry_job_set_waiting(self->job, error->message);
        return FERRY_STEP_FAILED;
    }
    self->record = record;
    return again(self);
}

static FerryStep
write_aborted(FerryTarget *self, const char *code, const char *message)
{
    ferry_job_add_reason(self->job, code, message);
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING); /* no doubt any more */
    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    return append(self, FERRY_RECORD_ABORTED, FERRY_TR_ABORTED,
                  json_pack("{s:s, s:s}", "code", code, "message", message));
}

static FerryStep
write_done(FerryTarget *self, FerryJobState state, const char *outcome, const char *runs_on)
{
    self->aborted = state != FERRY_JOB_DONE && !self->lost;
    ferry_job_end(self->job, state, outcome, runs_on);
    return append(self, FERRY_RECORD_DONE, FERRY_TR_DONE,
                  json_pack("{s:s, s:b, s:o}", "outcome", outcome, "aborted", self->aborted,
                            "report", ferry_job_json(self->job)));
}

/* ---- what is observed (section 5) ---- */

static FerryTargetDomain
domain_of(const FerryTarget *self)
{
    const FerryDomainLook *look = &self->look;
    bool decided = self->record == FERRY_TR_COMMIT || self->record == FERRY_TR_RUNNING ||
                   self->record == FERRY_TR_LOST || self->record == FERRY_TR_DONE;

    if (!look->present || (look->state >= 4 && look->state <= 6)) /* shutting down, off, crashed */
        return FERRY_TD_NONE;
    if (look->state != 3) /* not paused */
        return FERRY_TD_RUN;
    if (look->reason == 1) /* paused by "user": libvirt's word for a migration that is complete */
        return look->has_job_info && look->job_type == 0 && (self->marked || decided)
                   ? FERRY_TD_COMPLETE
                   : FERRY_TD_INCOMING;
    /* Any reason but "migration", once decided: it ran, and an error stopped it. */
    return decided && look->reason != 2 ? FERRY_TD_RUN : FERRY_TD_INCOMING;
}

/*
 * The marker is set when the domain is seen paused by the migration: its own start has passed the
 * hook's "prepare" by then.  Paused for "starting up" (11) it has not.
 */
static void
mark(FerryTarget *self)
{
    if (self->marked || self->record != FERRY_TR_PREPARED || !self->look.present ||
        self->look.state != 3 || (self->look.reason != 1 && self->look.reason != 2))
        return;
    self->marked = self->world.guest->mark(self->world.data, NULL); /* tried at each look */
}

static void
observe(FerryTarget *self)
{
    if (!self->world.guest->look(self->world.data, &self->look, NULL)) { /* a word of its own */
        self->domain = FERRY_TD_UNKNOWN;
        return;
    }
    mark(self);
    self->domain = domain_of(self);
    if (self->domain != FERRY_TD_COMPLETE || self->record != FERRY_TR_PREPARED)
        self->complete_ms = 0;
    else if (self->complete_ms == 0)
        self->complete_ms = now_ms(self);
}

/* ---- acts ---- */

static FerryStep
do_impossible(FerryTarget *self)
{
    ferry_job_set_state(self->job, FERRY_JOB_IN_DOUBT);
    ferry_job_set_waiting(self->job,
                          "a person: what is seen of the two guests cannot be (was one of them "
                          "resumed or destroyed by hand?); nothing is touched; compare \"ferry job "
                          "show\" and \"virsh domstate --reason\" on both hosts");
    return pause_for(self, ALARM_PAUSE_MS);
}

/* Row T1.  A guest that is here already is no place for its copy. */
static FerryStep
do_reserved(FerryTarget *self)
{
    if (self->plan == NULL)
        return pause_for(self, POLL_MS);
    if (self->domain == FERRY_TD_UNKNOWN || self->look.present) {
        json_decref(self->reasons);
        self->reasons = json_pack(
            "[{s:s, s:s}]", "code", self->look.present ? "guest-exists" : "libvirt-away", "message",
            self->look.present ? "a guest of that UUID is at the target already: see \"virsh list "
                                 "--all\" there"
                               : "the target's libvirt does not answer");
        return FERRY_STEP_END;
    }
    ferry_job_set_phase(self->job, FERRY_PHASE_RESERVE);
    return append(self, FERRY_RECORD_RESERVED, FERRY_TR_RESERVED, ferry_plan_format(self->plan));
}

static bool
lease_is_over(const FerryTarget *self)
{
    return now_ms(self) - self->heard_ms >= self->world.timers->lease_ms;
}

static FerryStep
do_prepared(FerryTarget *self)
{
    if (lease_is_over(self))
        return write_aborted(self, "lease-over", "the source was silent for lease_s");
    ferry_job_set_phase(self->job, FERRY_PHASE_PREPARE);
    return append(self, FERRY_RECORD_PREPARED, FERRY_TR_PREPARED, json_object());
}

/* Row T7, Q4. */
static FerryStep
do_lease(FerryTarget *self)
{
    if (lease_is_over(self))
        return write_aborted(self, "lease-over", "the source was silent for lease_s");
    return pause_for(self, POLL_MS);
}

/* Rows T8 and T13. */
static FerryStep
do_wait(FerryTarget *self)
{
    int64_t silent_ms = now_ms(self) - self->heard_ms;

    if (self->domain == FERRY_TD_COMPLETE) {
        ferry_job_set_phase(self->job, FERRY_PHASE_HANDOVER);
        if (now_ms(self) - self->complete_ms >= self->world.timers->in_doubt_ms) {
            ferry_job_set_state(self->job, FERRY_JOB_IN_DOUBT);
            ferry_job_set_waiting(self->job, "the source to hand the guest over or to give up: the "
                                             "guest is here, complete and stopped");
        }
        return pause_for(self, POLL_MS);
    }
    if (self->domain == FERRY_TD_INCOMING) {
        ferry_job_set_phase(self->job, FERRY_PHASE_TRANSFER);
        /* The link is gone: libvirt's auto-destroy ends what is not complete. */
        if (silent_ms >= SILENT_KEEPALIVES * self->world.timers->peer_keepalive_ms &&
            self->world.far->relay(self->world.data) == FERRY_RELAY_OPEN)
            self->world.far->close_relay(self->world.data);
    }
    return pause_for(self,
                     self->look.present && self->look.reason == 1 ? COMPLETE_POLL_MS : POLL_MS);
}

static FerryStep
do_aborted(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;

    /* Row T14: overruled.  What may have run goes before the record says that it never counts. */
    if (self->record != FERRY_TR_NONE && self->record != FERRY_TR_RESERVED &&
        self->record != FERRY_TR_PREPARED && self->domain != FERRY_TD_NONE &&
        !self->world.guest->destroy(self->world.data, &error))
        return retry(self, error);
    if (self->said == FERRY_SAID_HANDOFF)
        return write_aborted(self, "copy-gone", "the guest's copy ended here before it ever ran");
    return write_aborted(self, "source-aborted", "the source gave the migration up");
}

/* Row T9.  Q2: the next steps are resume and nothing else. */
static FerryStep
do_commit(FerryTarget *self)
{
    return append(self, FERRY_RECORD_COMMIT, FERRY_TR_COMMIT, json_object());
}

static FerryStep
do_running(FerryTarget *self)
{
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    ferry_job_set_phase(self->job, FERRY_PHASE_ATTACH);
    self->ran = true;
    return append(self, FERRY_RECORD_RUNNING, FERRY_TR_RUNNING, json_object());
}

static FerryStep
do_resume(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;

    if (self->plan->user_paused)
        return do_running(self);
    if (!self->world.guest->resume(self->world.data, &error)) {
        ferry_job_set_state(self->job, FERRY_JOB_IN_DOUBT); /* an alarm; nothing leads back */
        return retry(self, error);
    }
    return again(self);
}

static FerryStep
do_lost(FerryTarget *self)
{
    self->lost = true;
    return append(self, FERRY_RECORD_LOST, FERRY_TR_LOST, json_object());
}

static bool
define(FerryTarget *self, GError **error)
{
    if (!self->defined && self->plan->inactive_xml != NULL &&
        !self->world.guest->define(self->world.data, self->plan->inactive_xml, error))
        return false;
    self->defined = true;
    return true;
}

/* What T does on its own while its record is RUNNING or LOST, whatever S says: step 9. */
static bool
settle(FerryTarget *self, FerryStep *ret)
{
    g_autoptr(GError) error = NULL;
    bool up = self->domain == FERRY_TD_RUN || self->domain == FERRY_TD_COMPLETE;

    if (self->domain == FERRY_TD_UNKNOWN) {
        *ret = pause_for(self, POLL_MS);
        return false;
    }
    if (!define(self, &error)) {
        *ret = retry(self, error);
        return false;
    }
    if (up && !self->attached &&
        ferry_ephemerals_attach(self->ephemerals, self->job, now_ms(self)) ==
            FERRY_EPHEMERAL_WAIT) {
        *ret = pause_for(self, POLL_MS);
        return false;
    }
    self->attached = true;
    return true;
}

/* Row T15, section 2, step 9. */
static FerryStep
do_finish(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;
    FerryStep step = FERRY_STEP_AGAIN;

    if (!settle(self, &step))
        return step;
    ferry_job_set_phase(self->job, FERRY_PHASE_FINISH);
    if (self->domain == FERRY_TD_NONE)
        ferry_job_add_reason(self->job, "guest-ended",
                             "the guest was handed over and ended here since: start it from disk");
    self->world.far->close_relay(self->world.data);
    if ((self->plan->autostart && self->plan->inactive_xml != NULL &&
         !self->world.guest->set_autostart(self->world.data, FERRY_AUTOSTART_ON, &error)) ||
        !self->world.guest->unmark(self->world.data, &error))
        return retry(self, error);
    return self->lost ? write_done(self, FERRY_JOB_FAILED, "lost", NULL)
                      : write_done(self, FERRY_JOB_DONE, "migrated",
                                   self->domain == FERRY_TD_NONE ? NULL : self->plan->target);
}

/* Row T17, Q5.  What is removed is this job's: a definition only if it ran here. */
static FerryStep
do_undo(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;

    if (self->plan == NULL) /* a tombstone: nothing was ever begun here */
        return write_done(self, FERRY_JOB_FAILED, "aborted", NULL);
    self->world.far->close_relay(self->world.data);
    if (self->domain != FERRY_TD_NONE && !self->world.guest->destroy(self->world.data, &error))
        return retry(self, error);
    if (self->ran && !self->world.guest->undefine(self->world.data, &error))
        return retry(self, error);
    observe(self);
    if (self->domain != FERRY_TD_NONE)
        return pause_for(self, POLL_MS);
    if (!self->world.guest->unmark(self->world.data, &error))
        return retry(self, error);
    return write_done(self, FERRY_JOB_FAILED, "aborted", NULL);
}

/* Rows T3, T16 and T18: the answer is the record; what is left to do here goes on. */
static FerryStep
do_answer(FerryTarget *self)
{
    FerryStep step = FERRY_STEP_AGAIN;

    if (self->record == FERRY_TR_DONE)
        return FERRY_STEP_END;
    if (self->record == FERRY_TR_NONE)
        return FERRY_STEP_END; /* nothing was begun: nothing is kept */
    if (!settle(self, &step))
        return step;
    if (!self->plan->user_paused)
        self->world.far->close_relay(self->world.data);
    ferry_job_set_waiting(self->job, "the source to end its side");
    return pause_for(self, POLL_MS);
}

typedef FerryStep (*Act)(FerryTarget *self);

static const Act acts[] = {
    [FERRY_TARGET_IMPOSSIBLE] = do_impossible,
    [FERRY_TARGET_RESERVED] = do_reserved,
    [FERRY_TARGET_ABORTED] = do_aborted,
    [FERRY_TARGET_ANSWER] = do_answer,
    [FERRY_TARGET_PREPARED] = do_prepared,
    [FERRY_TARGET_LEASE] = do_lease,
    [FERRY_TARGET_WAIT] = do_wait,
    [FERRY_TARGET_COMMIT] = do_commit,
    [FERRY_TARGET_RESUME] = do_resume,
    [FERRY_TARGET_RUNNING] = do_running,
    [FERRY_TARGET_LOST] = do_lost,
    [FERRY_TARGET_FINISH] = do_finish,
    [FERRY_TARGET_UNDO] = do_undo,
};

/* ---- steps ---- */

/* S silent: it may have ended while we were away, so it is asked.  Never while it may be about to
 * say GO over a link that works: then it is not silent. */
static void
ask_source(FerryTarget *self)
{
    FerrySaid said = FERRY_SAID_UNKNOWN;
    int64_t ms = now_ms(self);

    if (self->record == FERRY_TR_NONE || self->record == FERRY_TR_DONE ||
        ms - self->heard_ms < SILENT_KEEPALIVES * self->world.timers->peer_keepalive_ms ||
        ms - self->asked_ms < ASK_PAUSE_MS)
        return;
    if (self->world.far->ask_source(self->world.data, &said))
        ferry_target_hear(self, said);
    self->asked_ms = now_ms(self);
}

FerryStep
ferry_target_step(FerryTarget *self)
{
    FerryTargetDecision decision;

    ask_source(self);
    observe(self);
    self->world.far->publish(self->world.data);
    decision = ferry_decide_target(self->record, self->domain, self->said);
    g_assert(decision.act < G_N_ELEMENTS(acts));
    return acts[decision.act](self);
}

void
ferry_target_hear(FerryTarget *self, FerrySaid said)
{
    /* A late request says less than what was heard since; the last words are final. */
    static const unsigned rank[] = {
        [FERRY_SAID_UNKNOWN] = 0,   [FERRY_SAID_EARLY] = 1,   [FERRY_SAID_HANDOFF] = 2,
        [FERRY_SAID_COMMITTED] = 3, [FERRY_SAID_ABORTED] = 3, [FERRY_SAID_RESOLVED] = 4,
    };

    self->heard_ms = now_ms(self);
    if (rank[said] > rank[self->said])
        self->said = said;
}

int64_t
ferry_target_wait_ms(const FerryTarget *self)
{
    return self->wait_ms;
}

static FerryTargetAnswer
answer_of(const FerryTarget *self)
{
    static const FerryTargetAnswer answers[] = {
        [FERRY_TR_NONE] = FERRY_T_NONE,         [FERRY_TR_RESERVED] = FERRY_T_RESERVED,
        [FERRY_TR_PREPARED] = FERRY_T_PREPARED, [FERRY_TR_COMMIT] = FERRY_T_COMMIT,
        [FERRY_TR_RUNNING] = FERRY_T_RUNNING,   [FERRY_TR_LOST] = FERRY_T_LOST,
        [FERRY_TR_ABORTED] = FERRY_T_ABORTED,   [FERRY_TR_DONE] = FERRY_T_RUNNING,
    };

    if (self->record == FERRY_TR_DONE && self->aborted)
        return FERRY_T_ABORTED;
    /* RUNNING is an observation: answered before it is a record (section 2, step 7). */
    if (self->record == FERRY_TR_COMMIT && self->domain == FERRY_TD_RUN)
        return FERRY_T_RUNNING;
    return answers[self->record];
}

void
ferry_target_answer(const FerryTarget *self, FerryAnswer *ret)
{
    json_t *job = ferry_job_json(self->job);
    bool finished = self->record == FERRY_TR_DONE ||
                    (self->record == FERRY_TR_RUNNING && self->attached && self->defined);
    json_t *reasons = self->reasons != NULL ? self->reasons : json_object_get(job, "reasons");

    ret->record = answer_of(self);
    ret->domain = self->domain;
    ret->details = json_pack("{s:b, s:O, s:O}", "finished", finished, "degraded",
                             json_object_get(job, "degraded"), "reasons", reasons);
    json_decref(job);
}

/* ---- life ---- */

FerryTarget *
ferry_target_new(const FerryTargetWorld *world, FerryJob *job, FerryPlan *plan)
{
    FerryTarget *self = g_new0(FerryTarget, 1);

    self->world = *world;
    self->job = ferry_job_ref(job);
    self->plan = plan;
    if (plan != NULL) {
        self->ephemerals =
            ferry_ephemerals_new(world->guest, world->data, world->timers, plan->ephemerals);
        ferry_ephemerals_begin_all(self->ephemerals);
    }
    self->record = FERRY_TR_NONE;
    self->domain = FERRY_TD_UNKNOWN;
    self->heard_ms = now_ms(self);
    return self;
}

static void
take_in(FerryTarget *self, const FerryRecord *record, const json_t *body)
{
    static const FerryTargetRecord states[FERRY_RECORD_N_KINDS] = {
        [FERRY_RECORD_RESERVED] = FERRY_TR_RESERVED, [FERRY_RECORD_PREPARED] = FERRY_TR_PREPARED,
        [FERRY_RECORD_COMMIT] = FERRY_TR_COMMIT,     [FERRY_RECORD_RUNNING] = FERRY_TR_RUNNING,
        [FERRY_RECORD_LOST] = FERRY_TR_LOST,         [FERRY_RECORD_ABORTED] = FERRY_TR_ABORTED,
        [FERRY_RECORD_DONE] = FERRY_TR_DONE,
    };

    self->record = states[record->kind];
    self->lost = self->lost || record->kind == FERRY_RECORD_LOST;
    self->ran = self->ran || record->kind == FERRY_RECORD_RUNNING;
    if (record->kind == FERRY_RECORD_DONE)
        self->aborted = json_is_true(json_object_get(body, "aborted"));
}

FerryTarget *
ferry_target_recover(const FerryTargetWorld *world,
                     FerryJob *job,
                     const GPtrArray *records,
                     GError **error)
{
    g_autoptr(FerryTarget) self = NULL;

    for (guint i = 0; i < records->len; i++) {
        const FerryRecord *record = g_ptr_array_index(records, i);
        json_t *body = json_loads(record->data, 0, NULL);

        if (self == NULL) {
            FerryPlan *plan = NULL;

            if (record->kind == FERRY_RECORD_RESERVED && !ferry_plan_parse(body, &plan, error)) {
                json_decref(body);
                g_prefix_error(error, "journal of job %s: ", ferry_job_identity(job)->id);
                return NULL;
            }
            self = ferry_target_new(world, job, plan);
        }
        take_in(self, record, body);
        json_decref(body);
    }
    if (self == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT, "journal of job %s: no record",
                    ferry_job_identity(job)->id);
    return g_steal_pointer(&self);
}

void
ferry_target_reload(FerryTarget *self, const GPtrArray *records)
{
    const FerryRecord *last =
        records->len == 0 ? NULL : g_ptr_array_index(records, records->len - 1);
    json_t *body = last == NULL ? NULL : json_loads(last->data, 0, NULL);

    if (last != NULL)
        take_in(self, last, body);
    json_decref(body);
}

void
ferry_target_free(FerryTarget *self)
{
    if (self == NULL)
        return;
    ferry_ephemerals_free(self->ephemerals);
    ferry_plan_free(self->plan);
    ferry_job_unref(self->job);
    json_decref(self->reasons);
    g_free(self);
}
