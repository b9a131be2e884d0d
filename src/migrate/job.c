#include "migrate/job-state.h"

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

void
ferry_job_lock(FerryJob *job)
{
    (void)pthread_mutex_lock(&job->lock);
}

void
ferry_job_unlock(FerryJob *job)
{
    (void)pthread_mutex_unlock(&job->lock);
}

void
ferry_job_unlock_changed(FerryJob *job)
{
    job->change++;
    ferry_job_unlock(job);
    job->changed(job->data);
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
    ferry_job_lock(job);
    job->began_us = began_us;
    ferry_job_unlock(job);
}

const FerryJobIdentity *
ferry_job_identity(const FerryJob *job)
{
    return &job->identity;
}

uint64_t
ferry_job_change(FerryJob *job)
{
    uint64_t change = 0;

    ferry_job_lock(job);
    change = job->change;
    ferry_job_unlock(job);
    return change;
}

FerryJobState
ferry_job_state(FerryJob *job)
{
    FerryJobState state = FERRY_JOB_QUEUED;

    ferry_job_lock(job);
    state = job->state;
    ferry_job_unlock(job);
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
    ferry_job_lock(job);
    job->cancelled = true;
    if (job->state == FERRY_JOB_QUEUED || job->state == FERRY_JOB_RUNNING)
        job->state = FERRY_JOB_CANCELLING;
    ferry_job_unlock_changed(job);
}

bool
ferry_job_is_cancelled(FerryJob *job)
{
    bool cancelled = false;

    ferry_job_lock(job);
    cancelled = job->cancelled;
    ferry_job_unlock(job);
    return cancelled;
}

void
ferry_job_set_state(FerryJob *job, FerryJobState state)
{
    ferry_job_lock(job);
    if (job->state == state) {
        ferry_job_unlock(job);
        return;
    }
    job->state = state;
    job->since_us = job->clock->wall_us(job->clock);
    ferry_job_unlock_changed(job);
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
    ferry_job_lock(job);
    if (job->in_phase && job->phase == phase) {
        ferry_job_unlock(job);
        return;
    }
    end_phase(job);
    job->in_phase = true;
    job->phase = phase;
    job->since_us = job->clock->wall_us(job->clock);
    g_clear_pointer(&job->waiting_for, g_free);
    job->timer = NULL;
    ferry_job_unlock_changed(job);
}

/* What is left of it is reckoned when somebody looks: only another timer is a change. */
void
ferry_job_set_timer(FerryJob *job, const char *name, int64_t at_ms)
{
    bool changed = false;

    ferry_job_lock(job);
    changed = g_strcmp0(job->timer, name) != 0;
    job->timer = name;
    job->timer_ms = at_ms;
    if (changed)
        ferry_job_unlock_changed(job);
    else
        ferry_job_unlock(job);
}

void
ferry_job_set_waiting(FerryJob *job, const char *what)
{
    ferry_job_lock(job);
    if (g_strcmp0(job->waiting_for, what) == 0) {
        ferry_job_unlock(job);
        return;
    }
    g_free(job->waiting_for);
    job->waiting_for = g_strdup(what);
    ferry_job_unlock_changed(job);
}

void
ferry_job_set_progress(FerryJob *job, const FerryProgress *progress)
{
    ferry_job_lock(job);
    job->has_progress = true;
    job->progress = *progress;
    ferry_job_unlock_changed(job);
}

void
ferry_job_set_planned(FerryJob *job, int64_t predicted_ms, uint64_t parallel)
{
    ferry_job_lock(job);
    job->predicted_ms = predicted_ms;
    job->parallel = parallel;
    ferry_job_unlock_changed(job);
}

void
ferry_job_set_blackout(FerryJob *job, int64_t blackout_ms)
{
    ferry_job_lock(job);
    job->blackout_ms = blackout_ms;
    ferry_job_unlock_changed(job);
}

void
ferry_job_end(FerryJob *job, FerryJobState state, const char *outcome, const char *runs_on)
{
    ferry_job_lock(job);
    end_phase(job);
    job->state = state;
    job->ended_ms = job->clock->now_ms(job->clock);
    job->since_us = job->clock->wall_us(job->clock);
    g_clear_pointer(&job->waiting_for, g_free);
    g_free(job->outcome);
    job->outcome = g_strdup(outcome);
    g_free(job->runs_on);
    job->runs_on = g_strdup(runs_on);
    ferry_job_unlock_changed(job);
}

gint
ferry_job_compare_newest(gconstpointer a, gconstpointer b)
{
    const FerryJob *first = *(FerryJob *const *)a;
    const FerryJob *second = *(FerryJob *const *)b;

    return (second->began_us > first->began_us) - (second->began_us < first->began_us);
}
