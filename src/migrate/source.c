/*
 * The source's driver.  docs/handover.md is the protocol; the rules kept are numbered in
 * source-state.h.
 *
 *   step() = observe → ferry_decide_source() → one act of the table
 */
#include "migrate/source.h"

#include "base/error.h"
#include "migrate/source-state.h"

const FerryTimers ferry_timers_default = {
    .lease_ms = 120000,
    .prepare_ms = 60000,
    .no_progress_ms = 150000,
    .detach_ms = 30000,
    .attach_ms = 30000,
    .in_doubt_ms = 2000,
    .go_retry_ms = 50,
    .libvirt_retry_ms = 200,
    .peer_keepalive_ms = 1000,
};

void
ferry_answer_clear(FerryAnswer *answer)
{
    json_decref(answer->details);
    *answer = (FerryAnswer){ .record = FERRY_T_UNKNOWN, .domain = FERRY_TD_UNKNOWN };
}

/* ---- what the files of the driver share ---- */

int64_t
ferry_source_now_ms(const FerrySource *self)
{
    return self->world.clock->now_ms(self->world.clock);
}

FerryStep
ferry_source_retry_local(FerrySource *self, const GError *error)
{
    ferry_job_set_waiting(self->job, error->message);
    return ferry_pace_retry(&self->pace, self->world.timers->libvirt_retry_ms);
}

FerryStep
ferry_source_append(FerrySource *self, FerryRecordKind kind, FerrySourceRecord record, json_t *body)
{
    g_autoptr(GError) error = NULL;
    bool ok = self->world.journal->append(self->world.data, kind, body, &error);

    json_decref(body);
    if (!ok) {
        ferry_job_set_waiting(self->job, error->message);
        return FERRY_STEP_FAILED;
    }
    self->record = record;
    ferry_answer_clear(&self->answer);
    return ferry_pace_again(&self->pace);
}

FerryStep
ferry_source_abort(FerrySource *self, const char *code, const char *message)
{
    bool asked = self->record >= FERRY_S_TRANSFER && !self->live;

    if (self->called)
        asked = !self->world.link->seal(self->world.data);
    ferry_job_add_reason(self->job, code, message);
    if (ferry_job_state(self->job) == FERRY_JOB_IN_DOUBT)
        ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    return ferry_source_append(
        self, FERRY_RECORD_ABORTED, asked ? FERRY_S_ABORTED_ASKED : FERRY_S_ABORTED,
        json_pack("{s:s, s:s, s:b, s:b}", "code", code, "message", message, "finish_asked", asked,
                  "cancelled", ferry_job_is_cancelled(self->job)));
}

bool
ferry_source_ask(FerrySource *self, FerryAsk what, GError **error)
{
    json_t *body = what == FERRY_ASK_RESERVE ? ferry_plan_format(self->plan) : NULL;
    FerryAnswer answer = { 0 };
    bool ok = self->world.link->ask(self->world.data, what, ferry_source_word(self), body, &answer,
                                    error);

    json_decref(body);
    if (!ok)
        return false;
    ferry_answer_clear(&self->answer);
    self->answer = answer;
    ferry_source_overrule_answer(self);
    return true;
}

/* ---- acts ---- */

/*
 * No row: one of the two guests was touched by another hand, or we are wrong.  Touch nothing.  At
 * HANDOFF what T said is forgotten: it may have been of a guest that was just dying there (of a
 * zombie libvirt says "paused"), and only S11 asks again, and it never where the guest here runs.
 */
static FerryStep
do_impossible(FerrySource *self)
{
    if (self->record == FERRY_S_HANDOFF)
        ferry_answer_clear(&self->answer);
    return ferry_pace_alarm(&self->pace, self->job);
}

static FerryStep
do_answer(FerrySource *self)
{
    (void)self;
    return FERRY_STEP_END;
}

typedef FerryStep (*Act)(FerrySource *self);

static const Act acts[] = {
    [FERRY_DO_IMPOSSIBLE] = do_impossible,        [FERRY_DO_STEP] = ferry_source_do_step,
    [FERRY_DO_CALL] = ferry_source_do_call,       [FERRY_DO_WAIT] = ferry_source_do_wait,
    [FERRY_DO_ABORT] = ferry_source_do_abort,     [FERRY_DO_HANDOFF] = ferry_source_do_handoff,
    [FERRY_DO_GO] = ferry_source_do_go,           [FERRY_DO_COMMITTED] = ferry_source_do_committed,
    [FERRY_DO_RELEASE] = ferry_source_do_release, [FERRY_DO_DESTROY] = ferry_source_do_destroy,
    [FERRY_DO_CUT] = ferry_source_do_cut,         [FERRY_DO_FINISH] = ferry_source_do_finish,
    [FERRY_DO_RESUME] = ferry_source_do_resume,   [FERRY_DO_UNDO] = ferry_source_do_undo,
    [FERRY_DO_REPLUG] = ferry_source_do_replug,   [FERRY_DO_ANSWER] = do_answer,
};

/* ---- what is observed (section 5) ---- */

FerrySourceDomain
ferry_source_observe(FerrySource *self)
{
    FerryDomainLook guest = { 0 };

    if (!self->world.guest->look(self->world.data, &guest, NULL)) /* away is a word of its own */
        return FERRY_S_UNKNOWN;
    if (!guest.present || (guest.state >= 4 && guest.state <= 6)) /* shutting down, off, crashed */
        return FERRY_S_GONE;
    return guest.state == 3 ? FERRY_S_PAUSED : FERRY_S_RUN;
}

static FerryRelayState
observe_relay(FerrySource *self)
{
    if (self->called)
        return self->called_over ? FERRY_RELAY_NONE : self->world.link->relay(self->world.data);
    return self->live && self->record == FERRY_S_TRANSFER ? FERRY_RELAY_NEW : FERRY_RELAY_NONE;
}

FerryStep
ferry_source_step(FerrySource *self)
{
    FerrySourceDomain domain = FERRY_S_UNKNOWN;
    FerryRelayState relay = FERRY_RELAY_NONE;
    FerrySourceDecision decision;

    if (self->called && self->record == FERRY_S_TRANSFER)
        self->world.link->heard(self->world.data, FERRY_RECORD_TRANSFER, &self->answer);
    /* The relay before the guest: libvirt stops the guest, then asks finish.  The other way round a
     * guest seen running and a reply seen held would look like row S6. */
    relay = observe_relay(self);
    domain = ferry_source_observe(self);
    if (self->resolved && self->record != FERRY_S_ABORTED && self->record != FERRY_S_DONE)
        return ferry_source_do_resolved(self, domain);
    decision =
        ferry_decide_source(self->record, domain, relay, self->answer.record, self->answer.domain);
    g_assert(decision.act < G_N_ELEMENTS(acts));
    if (g_strcmp0(decision.row, self->row) != 0)
        self->pace.tries = 0; /* what was tried in vain was something else */
    self->row = decision.row;
    return acts[decision.act](self);
}

/* ---- life ---- */

FerrySource *
ferry_source_new(const FerrySourceWorld *world, FerryJob *job, FerryPlan *plan)
{
    FerrySource *self = g_new0(FerrySource, 1);

    self->world = *world;
    self->job = ferry_job_ref(job);
    self->plan = plan;
    self->ephemerals =
        ferry_ephemerals_new(world->guest, world->data, world->timers, plan->ephemerals);
    self->record = FERRY_S_PLANNED;
    self->live = true;
    self->blackout_ms = -1;
    self->began_ms = ferry_source_now_ms(self);
    return self;
}

/* One record of the journal taken in; the plan is in the first. */
static void
take_in(FerrySource *self, const FerryRecord *record, const json_t *body)
{
    static const FerrySourceRecord states[FERRY_RECORD_N_KINDS] = {
        [FERRY_RECORD_PLANNED] = FERRY_S_PLANNED,     [FERRY_RECORD_DETACH] = FERRY_S_DETACH,
        [FERRY_RECORD_TRANSFER] = FERRY_S_TRANSFER,   [FERRY_RECORD_HANDOFF] = FERRY_S_HANDOFF,
        [FERRY_RECORD_COMMITTED] = FERRY_S_COMMITTED, [FERRY_RECORD_ABORTED] = FERRY_S_ABORTED,
        [FERRY_RECORD_DONE] = FERRY_S_DONE,
    };
    const char *alias = json_string_value(json_object_get(body, "alias"));

    if (record->kind == FERRY_RECORD_RESOLVED) {
        self->resolved = true;
        self->kept = ferry_resolve_kept(body);
        ferry_job_add_reason(self->job, "resolved",
                             json_string_value(json_object_get(body, "because")));
        return; /* the tables go on with the record before it */
    }
    self->record = states[record->kind];
    if (record->kind == FERRY_RECORD_DETACH && alias != NULL)
        ferry_ephemerals_begin(self->ephemerals, alias, 0);
    if (record->kind == FERRY_RECORD_COMMITTED)
        self->lost = json_is_true(json_object_get(body, "lost"));
    if (record->kind != FERRY_RECORD_ABORTED)
        return;
    self->refused = g_strcmp0(json_string_value(json_object_get(body, "code")), "refused") == 0;
    if (json_is_true(json_object_get(body, "finish_asked")))
        self->record = FERRY_S_ABORTED_ASKED;
    if (json_is_true(json_object_get(body, "cancelled")))
        ferry_job_cancel(self->job);
    ferry_job_add_reason(self->job, json_string_value(json_object_get(body, "code")),
                         json_string_value(json_object_get(body, "message")));
}

FerrySource *
ferry_source_recover(const FerrySourceWorld *world,
                     FerryJob *job,
                     const GPtrArray *records,
                     GError **error)
{
    g_autoptr(FerrySource) self = NULL;

    for (guint i = 0; i < records->len; i++) {
        const FerryRecord *record = g_ptr_array_index(records, i);
        json_t *body = json_loads(record->data, 0, NULL);

        if (self == NULL) {
            FerryPlan *plan = NULL;

            if (record->kind != FERRY_RECORD_PLANNED || !ferry_plan_parse(body, &plan, error)) {
                json_decref(body);
                g_prefix_error(error, "journal of job %s: ", ferry_job_identity(job)->id);
                return NULL;
            }
            self = ferry_source_new(world, job, plan);
            self->planned = true;
            self->live = false;
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
ferry_source_reload(FerrySource *self, const GPtrArray *records)
{
    self->planned = records->len > 0;
    if (!self->planned)
        return;
    const FerryRecord *last = g_ptr_array_index(records, records->len - 1);
    json_t *body = json_loads(last->data, 0, NULL);

    if (last->kind != ferry_source_record(self)) { /* written after all, though it failed */
        ferry_answer_clear(&self->answer);
        take_in(self, last, body);
    }
    json_decref(body);
}

void
ferry_source_free(FerrySource *self)
{
    if (self == NULL)
        return;
    ferry_answer_clear(&self->answer);
    ferry_ephemerals_free(self->ephemerals);
    ferry_plan_free(self->plan);
    ferry_job_unref(self->job);
    json_decref(self->assign);
    g_free(self->target_xml);
    g_free(self);
}

const FerryPlan *
ferry_source_plan(const FerrySource *self)
{
    return self->plan;
}

int64_t
ferry_source_wait_ms(const FerrySource *self)
{
    return self->pace.wait_ms;
}

FerryRecordKind
ferry_source_record(const FerrySource *self)
{
    static const FerryRecordKind kinds[] = {
        [FERRY_S_PLANNED] = FERRY_RECORD_PLANNED,       [FERRY_S_DETACH] = FERRY_RECORD_DETACH,
        [FERRY_S_TRANSFER] = FERRY_RECORD_TRANSFER,     [FERRY_S_HANDOFF] = FERRY_RECORD_HANDOFF,
        [FERRY_S_COMMITTED] = FERRY_RECORD_COMMITTED,   [FERRY_S_ABORTED] = FERRY_RECORD_ABORTED,
        [FERRY_S_ABORTED_ASKED] = FERRY_RECORD_ABORTED, [FERRY_S_DONE] = FERRY_RECORD_DONE,
    };

    return kinds[self->record];
}

FerryRecordKind
ferry_source_word(const FerrySource *self)
{
    return self->resolved ? FERRY_RECORD_RESOLVED : ferry_source_record(self);
}
