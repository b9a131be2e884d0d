/*
 * The target's driver.  docs/handover.md is the protocol; the rules kept are numbered in
 * target-state.h.
 *
 *   hear() → step() = observe → ferry_decide_target() → one act of the table
 */
#include "migrate/target.h"

#include "base/error.h"
#include "migrate/target-state.h"

#define ASK_PAUSE_MS 2000 /* S silent: asked, at this pace */

int64_t
ferry_target_now_ms(const FerryTarget *self)
{
    return self->world.clock->now_ms(self->world.clock);
}

FerryStep
ferry_target_retry(FerryTarget *self, const GError *error)
{
    ferry_job_set_waiting(self->job, error->message);
    return ferry_pace_retry(&self->pace, self->world.timers->libvirt_retry_ms);
}

/* Q1.  @body: (transfer full) */
FerryStep
ferry_target_append(FerryTarget *self, FerryRecordKind kind, FerryTargetRecord record, json_t *body)
{
    g_autoptr(GError) error = NULL;
    bool ok = self->world.journal->append(self->world.data, kind, body, &error);

    json_decref(body);
    if (!ok) {
        ferry_job_set_waiting(self->job, error->message);
        return FERRY_STEP_FAILED;
    }
    self->record = record;
    return ferry_pace_again(&self->pace);
}

FerryStep
ferry_target_abort(FerryTarget *self, const char *code, const char *message)
{
    ferry_job_add_reason(self->job, code, message);
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING); /* no doubt any more */
    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    return ferry_target_append(self, FERRY_RECORD_ABORTED, FERRY_TR_ABORTED,
                               json_pack("{s:s, s:s}", "code", code, "message", message));
}

FerryStep
ferry_target_write_done(FerryTarget *self,
                        FerryJobState state,
                        const char *outcome,
                        const char *runs_on)
{
    self->aborted = state != FERRY_JOB_DONE && !self->lost;
    ferry_job_end(self->job, state, outcome, runs_on);
    return ferry_target_append(self, FERRY_RECORD_DONE, FERRY_TR_DONE,
                               json_pack("{s:s, s:b, s:b, s:o, s:o}", "outcome", outcome, "aborted",
                                         self->aborted, "resolved", self->resolved, "report",
                                         ferry_job_json(self->job), "late",
                                         ferry_target_late(self)));
}

json_t *
ferry_target_late(const FerryTarget *self)
{
    return self->aborted || self->ephemerals == NULL ? json_array()
                                                     : ferry_ephemerals_late(self->ephemerals);
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
    if (look->reason == 1) { /* paused by "user": libvirt's word for a migration that is complete */
        if (!look->has_job_info || look->job_type != 0)
            return FERRY_TD_INCOMING;
        /* Q3: whole without its marker is not to be said; but it is not incoming any more, which
         * after HANDOFF could not be. */
        return self->marked || self->record != FERRY_TR_PREPARED ? FERRY_TD_COMPLETE
                                                                 : FERRY_TD_UNKNOWN;
    }
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

void
ferry_target_observe(FerryTarget *self)
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
        self->complete_ms = ferry_target_now_ms(self);
}

/* ---- acts ---- */

static FerryStep
do_impossible(FerryTarget *self)
{
    return ferry_pace_alarm(&self->pace, self->job);
}

typedef FerryStep (*Act)(FerryTarget *self);

static const Act acts[] = {
    [FERRY_TARGET_IMPOSSIBLE] = do_impossible,
    [FERRY_TARGET_RESERVED] = ferry_target_do_reserved,
    [FERRY_TARGET_ABORTED] = ferry_target_do_aborted,
    [FERRY_TARGET_ANSWER] = ferry_target_do_answer,
    [FERRY_TARGET_PREPARED] = ferry_target_do_prepared,
    [FERRY_TARGET_LEASE] = ferry_target_do_lease,
    [FERRY_TARGET_WAIT] = ferry_target_do_wait,
    [FERRY_TARGET_COMMIT] = ferry_target_do_commit,
    [FERRY_TARGET_RESUME] = ferry_target_do_resume,
    [FERRY_TARGET_RUNNING] = ferry_target_do_running,
    [FERRY_TARGET_LOST] = ferry_target_do_lost,
    [FERRY_TARGET_FINISH] = ferry_target_do_finish,
    [FERRY_TARGET_UNDO] = ferry_target_do_undo,
};

/* ---- steps ---- */

/* S silent: it may have ended while we were away, so it is asked.  Never while it may be about to
 * say GO over a link that works: then it is not silent. */
static void
ask_source(FerryTarget *self)
{
    FerrySaid said = FERRY_SAID_UNKNOWN;
    int64_t ms = ferry_target_now_ms(self);

    if (self->record == FERRY_TR_NONE || self->record == FERRY_TR_DONE ||
        ms - self->heard_ms < FERRY_TARGET_SILENCES * self->world.timers->peer_keepalive_ms ||
        ms - self->asked_ms < ASK_PAUSE_MS)
        return;
    if (self->world.far->ask_source(self->world.data, &said))
        ferry_target_hear(self, said);
    self->asked_ms = ferry_target_now_ms(self);
}

FerryStep
ferry_target_step(FerryTarget *self)
{
    FerryTargetDecision decision;

    ask_source(self);
    ferry_target_observe(self);
    self->world.far->publish(self->world.data);
    if (self->resolved && self->record == FERRY_TR_PREPARED)
        return ferry_target_do_resolved(self);
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

    self->heard_ms = ferry_target_now_ms(self);
    if (self->resolved && said != FERRY_SAID_COMMITTED)
        return;
    if (rank[said] > rank[self->said])
        self->said = said;
}

int64_t
ferry_target_wait_ms(const FerryTarget *self)
{
    return self->pace.wait_ms;
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

    if (self->resolved)
        return FERRY_T_RESOLVED;
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
    bool finished = self->record == FERRY_TR_DONE ||
                    (self->record == FERRY_TR_RUNNING && self->attached && self->defined);

    ret->record = answer_of(self);
    ret->domain = self->domain;
    ret->details = ferry_job_remarks(self->job);
    json_object_set_new(ret->details, "finished", json_boolean(finished));
    if (self->reasons != NULL)
        json_object_set(ret->details, "reasons", self->reasons);
    if (self->assign != NULL)
        json_object_set(ret->details, "assign", self->assign);
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
    self->heard_ms = ferry_target_now_ms(self);
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

    if (record->kind == FERRY_RECORD_RESOLVED) {
        ferry_target_take_resolved(self, body);
        return; /* the tables go on with the record before it */
    }
    self->record = states[record->kind];
    self->lost = self->lost || record->kind == FERRY_RECORD_LOST;
    self->ran = self->ran || self->lost || record->kind == FERRY_RECORD_RUNNING;
    if (record->kind == FERRY_RECORD_PREPARED)
        ferry_target_take_assign(self, json_object_get(body, "assign"));
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
    json_decref(self->assign);
    g_free(self);
}

const FerryPlan *
ferry_target_plan(const FerryTarget *self)
{
    return self->plan;
}
