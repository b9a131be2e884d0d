#include "migrate/job.h"

#include <pthread.h>
#include <string.h>

struct _FerryJob {
    FerryJobIdentity identity;
    const FerryClock *clock;
    void (*changed)(void *data);
    void *data;
    gint refs;

    pthread_mutex_t lock; /* of all below */
    uint64_t change;
    bool cancelled;
    FerryJobState state;
    FerryPhase phase;
    bool in_phase;
    int64_t phase_began_ms;
    int64_t began_ms;
    int64_t ended_ms; /* 0 = not yet */
    int64_t began_us;
    int64_t since_us; /* of the state or the phase, whichever changed last */
    char *waiting_for;
    const char *timer; /* (nullable): its name */
    int64_t timer_ms;  /* when it is over */
    bool has_progress;
    FerryProgress progress;
    int64_t blackout_ms;  /* -1 = not measured */
    int64_t predicted_ms; /* of it, before it began; -1 = no figure */
    char *outcome;
    char *runs_on;
    json_t *phases; /* ended ones: {phase, duration_ms} */
    json_t *reasons;
    json_t *degraded;
    json_t *gaps;     /* {alias, step, duration_ms} */
    json_t *restored; /* (nullable): the report of a job that ended before this ferryd began */
};

static const char *const state_names[] = {
    [FERRY_JOB_QUEUED] = "queued",
    [FERRY_JOB_RUNNING] = "running",
    [FERRY_JOB_CANCELLING] = "cancelling",
    [FERRY_JOB_IN_DOUBT] = "in_doubt",
    [FERRY_JOB_DONE] = "done",
    [FERRY_JOB_REFUSED] = "refused",
    [FERRY_JOB_FAILED] = "failed",
    [FERRY_JOB_CANCELLED] = "cancelled",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == FERRY_JOB_N_STATES);

static const char *const phase_names[] = {
    [FERRY_PHASE_PLAN] = "plan",         [FERRY_PHASE_CHECK] = "check",
    [FERRY_PHASE_RESERVE] = "reserve",   [FERRY_PHASE_PREPARE] = "prepare",
    [FERRY_PHASE_DETACH] = "detach",     [FERRY_PHASE_TRANSFER] = "transfer",
    [FERRY_PHASE_HANDOVER] = "handover", [FERRY_PHASE_ATTACH] = "attach",
    [FERRY_PHASE_FINISH] = "finish",     [FERRY_PHASE_UNDO] = "undo",
    [FERRY_PHASE_VERIFY] = "verify",
};
G_STATIC_ASSERT(G_N_ELEMENTS(phase_names) == FERRY_N_PHASES);

static const char *const kind_names[] = {
    [FERRY_JOB_MIGRATE] = "migrate",
    [FERRY_JOB_SAVE] = "save",
    [FERRY_JOB_RESTORE] = "restore",
};
G_STATIC_ASSERT(G_N_ELEMENTS(kind_names) == FERRY_JOB_N_KINDS);

static const char *const gap_names[] = {
    [FERRY_GAP_OFF] = "off",
    [FERRY_GAP_ON] = "on",
};
G_STATIC_ASSERT(G_N_ELEMENTS(gap_names) == FERRY_N_GAPS);

const char *
ferry_job_state_name(FerryJobState state)
{
    g_assert(state < FERRY_JOB_N_STATES);
    return state_names[state];
}

const char *
ferry_phase_name(FerryPhase phase)
{
    g_assert(phase < FERRY_N_PHASES);
    return phase_names[phase];
}

static void
lock(FerryJob *job)
{
    (void)pthread_mutex_lock(&job->lock);
}

static void
unlock(FerryJob *job)
{
    (void)pthread_mutex_unlock(&job->lock);
}

FerryJob *
ferry_job_new(const FerryJobIdentity *identity,
              const FerryClock *clock,
              void (*changed)(void *data),
              void *data)
{
    FerryJob *job = g_new0(FerryJob, 1);

    job->identity = (FerryJobIdentity){ .kind = identity->kind,
                                        .file = g_strdup(identity->file),
                                        .id = g_strdup(identity->id),
                                        .side = identity->side,
                                        .guest_name = g_strdup(identity->guest_name),
                                        .guest_uuid = g_strdup(identity->guest_uuid),
                                        .source = g_strdup(identity->source),
                                        .target = g_strdup(identity->target) };
    job->clock = clock;
    job->changed = changed;
    job->data = data;
    job->refs = 1;
    (void)pthread_mutex_init(&job->lock, NULL);
    job->change = 1;
    job->began_ms = clock->now_ms(clock);
    job->began_us = job->since_us = clock->wall_us(clock);
    job->blackout_ms = -1;
    job->predicted_ms = -1;
    job->phases = json_array();
    job->reasons = json_array();
    job->degraded = json_array();
    job->gaps = json_array();
    return job;
}

FerryJob *
ferry_job_ref(FerryJob *job)
{
    g_atomic_int_inc(&job->refs);
    return job;
}

void
ferry_job_unref(FerryJob *job)
{
    if (job == NULL || !g_atomic_int_dec_and_test(&job->refs))
        return;
    g_free((char *)job->identity.file);
    g_free((char *)job->identity.id);
    g_free((char *)job->identity.guest_name);
    g_free((char *)job->identity.guest_uuid);
    g_free((char *)job->identity.source);
    g_free((char *)job->identity.target);
    (void)pthread_mutex_destroy(&job->lock);
    g_free(job->waiting_for);
    g_free(job->outcome);
    g_free(job->runs_on);
    json_decref(job->phases);
    json_decref(job->reasons);
    json_decref(job->degraded);
    json_decref(job->gaps);
    json_decref(job->restored);
    g_free(job);
}

void
ferry_job_set_began(FerryJob *job, int64_t began_us)
{
    lock(job);
    job->began_us = began_us;
    unlock(job);
}

const FerryJobIdentity *
ferry_job_identity(const FerryJob *job)
{
    return &job->identity;
}

/* Ends a change: the number goes up under the lock, the word goes out without it. */
static void
unlock_changed(FerryJob *job)
{
    job->change++;
    unlock(job);
    job->changed(job->data);
}

uint64_t
ferry_job_change(FerryJob *job)
{
    uint64_t change = 0;

    lock(job);
    change = job->change;
    unlock(job);
    return change;
}

FerryJobState
ferry_job_state(FerryJob *job)
{
    FerryJobState state = FERRY_JOB_QUEUED;

    lock(job);
    state = job->state;
    unlock(job);
    return state;
}

bool
ferry_job_is_over(FerryJob *job)
{
    return ferry_job_state(job) >= FERRY_JOB_DONE;
}

void
ferry_job_cancel(FerryJob *job)
{
    lock(job);
    job->cancelled = true;
    if (job->state == FERRY_JOB_QUEUED || job->state == FERRY_JOB_RUNNING)
        job->state = FERRY_JOB_CANCELLING;
    unlock_changed(job);
}

bool
ferry_job_is_cancelled(FerryJob *job)
{
    bool cancelled = false;

    lock(job);
    cancelled = job->cancelled;
    unlock(job);
    return cancelled;
}

void
ferry_job_set_state(FerryJob *job, FerryJobState state)
{
    lock(job);
    if (job->state == state) {
        unlock(job);
        return;
    }
    job->state = state;
    job->since_us = job->clock->wall_us(job->clock);
    unlock_changed(job);
}

/* Called with the lock held. */
static void
end_phase(FerryJob *job)
{
    int64_t now_ms = job->clock->now_ms(job->clock);

    if (job->in_phase)
        json_array_append_new(job->phases,
                              json_pack("{s:s, s:I}", "phase", phase_names[job->phase],
                                        "duration_ms", (json_int_t)(now_ms - job->phase_began_ms)));
    job->in_phase = false;
    job->phase_began_ms = now_ms;
}

void
ferry_job_set_phase(FerryJob *job, FerryPhase phase)
{
    lock(job);
    if (job->in_phase && job->phase == phase) {
        unlock(job);
        return;
    }
    end_phase(job);
    job->in_phase = true;
    job->phase = phase;
    job->since_us = job->clock->wall_us(job->clock);
    g_clear_pointer(&job->waiting_for, g_free);
    job->timer = NULL;
    unlock_changed(job);
}

/* What is left of it is reckoned when somebody looks: only another timer is a change. */
void
ferry_job_set_timer(FerryJob *job, const char *name, int64_t at_ms)
{
    bool changed = false;

    lock(job);
    changed = g_strcmp0(job->timer, name) != 0;
    job->timer = name;
    job->timer_ms = at_ms;
    if (changed)
        unlock_changed(job);
    else
        unlock(job);
}

void
ferry_job_set_waiting(FerryJob *job, const char *what)
{
    lock(job);
    if (g_strcmp0(job->waiting_for, what) == 0) {
        unlock(job);
        return;
    }
    g_free(job->waiting_for);
    job->waiting_for = g_strdup(what);
    unlock_changed(job);
}

void
ferry_job_set_progress(FerryJob *job, const FerryProgress *progress)
{
    lock(job);
    job->has_progress = true;
    job->progress = *progress;
    unlock_changed(job);
}

void
ferry_job_set_predicted(FerryJob *job, int64_t predicted_ms)
{
    lock(job);
    job->predicted_ms = predicted_ms;
    unlock_changed(job);
}

void
ferry_job_set_blackout(FerryJob *job, int64_t blackout_ms)
{
    lock(job);
    job->blackout_ms = blackout_ms;
    unlock_changed(job);
}

void
ferry_job_add_reason(FerryJob *job, const char *code, const char *message)
{
    lock(job);
    json_array_append_new(job->reasons, json_pack("{s:s, s:s}", "code", code, "message", message));
    unlock_changed(job);
}

void
ferry_job_add_reasons(FerryJob *job, const json_t *reasons)
{
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i, reason)
    {
        const char *code = json_string_value(json_object_get(reason, "code"));
        const char *message = json_string_value(json_object_get(reason, "message"));

        if (code != NULL && message != NULL)
            ferry_job_add_reason(job, code, message);
    }
}

void
ferry_job_add_degraded(FerryJob *job, const char *alias, const char *message)
{
    lock(job);
    json_array_append_new(job->degraded,
                          json_pack("{s:s, s:s}", "alias", alias, "message", message));
    unlock_changed(job);
}

bool
ferry_job_is_degraded(FerryJob *job)
{
    bool degraded = false;

    lock(job);
    degraded = json_array_size(job->degraded) > 0;
    unlock(job);
    return degraded;
}

static void
add_gap(FerryJob *job, const char *alias, FerryGap gap, int64_t duration_ms)
{
    lock(job);
    json_array_append_new(job->gaps,
                          json_pack("{s:s, s:s, s:I}", "alias", alias, "step", gap_names[gap],
                                    "duration_ms", (json_int_t)duration_ms));
    unlock_changed(job);
}

void
ferry_job_add_gap(FerryJob *job, const char *alias, FerryGap gap, int64_t since_ms)
{
    add_gap(job, alias, gap, job->clock->now_ms(job->clock) - since_ms);
}

void
ferry_job_add_gaps(FerryJob *job, const json_t *gaps)
{
    const json_t *one = NULL;
    size_t i = 0;

    json_array_foreach(gaps, i, one)
    {
        const char *alias = json_string_value(json_object_get(one, "alias"));
        const char *step = json_string_value(json_object_get(one, "step"));
        const json_t *duration = json_object_get(one, "duration_ms");

        for (unsigned gap = 0; gap < FERRY_N_GAPS; gap++)
            if (alias != NULL && g_strcmp0(step, gap_names[gap]) == 0 && json_is_integer(duration))
                add_gap(job, alias, (FerryGap)gap, json_integer_value(duration));
    }
}

void
ferry_job_end(FerryJob *job, FerryJobState state, const char *outcome, const char *runs_on)
{
    lock(job);
    end_phase(job);
    job->state = state;
    job->ended_ms = job->clock->now_ms(job->clock);
    job->since_us = job->clock->wall_us(job->clock);
    g_clear_pointer(&job->waiting_for, g_free);
    g_free(job->outcome);
    job->outcome = g_strdup(outcome);
    g_free(job->runs_on);
    job->runs_on = g_strdup(runs_on);
    unlock_changed(job);
}

static json_t *
nullable_string(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *
timer_json(const FerryJob *job)
{
    int64_t left_ms = job->timer_ms - job->clock->now_ms(job->clock);

    return job->timer == NULL || job->ended_ms != 0
               ? json_null()
               : json_pack("{s:s, s:I}", "name", job->timer, "left_ms",
                           (json_int_t)MAX(left_ms, 0));
}

/* Called with the lock held. */
static json_t *
to_json(const FerryJob *job)
{
    const FerryJobIdentity *who = &job->identity;
    g_autofree char *began = ferry_clock_format(job->began_us);
    g_autofree char *since = ferry_clock_format(job->since_us);
    int64_t until_ms = job->ended_ms != 0 ? job->ended_ms : job->clock->now_ms(job->clock);

    return json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, "
        "s:O, s:O, s:O, s:O, s:s*, s:o, s:o}",
        "id", who->id, "kind", kind_names[who->kind], "side",
        who->side == FERRY_SIDE_SOURCE ? "source" : "target", "guest", "name", who->guest_name,
        "uuid", who->guest_uuid, "source", who->source, "target", who->target, "state",
        state_names[job->state], "phase",
        job->in_phase ? json_string(phase_names[job->phase]) : json_null(), "began", began, "since",
        since, "waiting_for", nullable_string(job->waiting_for), "progress",
        job->has_progress ? ferry_progress_json(&job->progress) : json_null(), "outcome",
        nullable_string(job->outcome), "runs_on", nullable_string(job->runs_on), "blackout_ms",
        job->blackout_ms < 0 ? json_null() : json_integer(job->blackout_ms), "elapsed_ms",
        (json_int_t)(until_ms - job->began_ms), "phases", job->phases, "degraded", job->degraded,
        "reasons", job->reasons, "gaps", job->gaps, "file", who->file, "timer", timer_json(job),
        "predicted_blackout_ms",
        job->predicted_ms < 0 ? json_null() : json_integer(job->predicted_ms));
}

json_t *
ferry_job_json(FerryJob *job)
{
    json_t *json = NULL;
    json_t *copy = NULL;

    lock(job);
    json = job->restored != NULL ? json_incref(job->restored) : to_json(job);
    copy = json_deep_copy(json); /* the arrays inside go on growing */
    json_decref(json);
    unlock(job);
    return copy;
}

json_t *
ferry_job_remarks(FerryJob *job)
{
    json_t *remarks = NULL;

    lock(job);
    remarks = json_pack("{s:o, s:o, s:o}", "degraded", json_deep_copy(job->degraded), "reasons",
                        json_deep_copy(job->reasons), "gaps", json_deep_copy(job->gaps));
    unlock(job);
    return remarks;
}

void
ferry_job_restore(FerryJob *job, const json_t *report)
{
    const char *state = json_string_value(json_object_get(report, "state"));

    lock(job);
    job->state = FERRY_JOB_FAILED;
    for (unsigned i = 0; i < FERRY_JOB_N_STATES; i++)
        if (g_strcmp0(state, state_names[i]) == 0)
            job->state = (FerryJobState)i;
    job->restored = json_deep_copy(report);
    unlock_changed(job);
}

gint
ferry_job_compare_newest(gconstpointer a, gconstpointer b)
{
    const FerryJob *first = *(FerryJob *const *)a;
    const FerryJob *second = *(FerryJob *const *)b;

    return (second->began_us > first->began_us) - (second->began_us < first->began_us);
}
