/* A job as the API shows it, and as its last record keeps it. */
#include "migrate/job-state.h"

static const char *const kind_names[] = {
    [FERRY_JOB_MIGRATE] = "migrate",
    [FERRY_JOB_SAVE] = "save",
    [FERRY_JOB_RESTORE] = "restore",
};
G_STATIC_ASSERT(G_N_ELEMENTS(kind_names) == FERRY_JOB_N_KINDS);

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
        "s:O, s:O, s:O, s:O, s:s*, s:o, s:o, s:o}",
        "id", who->id, "kind", kind_names[who->kind], "side",
        who->side == FERRY_SIDE_SOURCE ? "source" : "target", "guest", "name", who->guest_name,
        "uuid", who->guest_uuid, "source", who->source, "target", who->target, "state",
        ferry_job_state_name(job->state), "phase",
        job->in_phase ? json_string(ferry_phase_name(job->phase)) : json_null(), "began", began,
        "since", since, "waiting_for", nullable_string(job->waiting_for), "progress",
        job->has_progress ? ferry_progress_json(&job->progress) : json_null(), "outcome",
        nullable_string(job->outcome), "runs_on", nullable_string(job->runs_on), "blackout_ms",
        job->blackout_ms < 0 ? json_null() : json_integer(job->blackout_ms), "elapsed_ms",
        (json_int_t)(until_ms - job->began_ms), "phases", job->phases, "degraded", job->degraded,
        "reasons", job->reasons, "gaps", job->gaps, "file", who->file, "timer", timer_json(job),
        "predicted_blackout_ms",
        job->predicted_ms < 0 ? json_null() : json_integer(job->predicted_ms), "parallel",
        job->parallel == 0 ? json_null() : json_integer((json_int_t)job->parallel));
}

json_t *
ferry_job_json(FerryJob *job)
{
    json_t *json = NULL;
    json_t *copy = NULL;

    ferry_job_lock(job);
    json = job->restored != NULL ? json_incref(job->restored) : to_json(job);
    copy = json_deep_copy(json); /* the arrays inside go on growing */
    json_decref(json);
    ferry_job_unlock(job);
    return copy;
}

void
ferry_job_restore(FerryJob *job, const json_t *report)
{
    const char *state = json_string_value(json_object_get(report, "state"));

    ferry_job_lock(job);
    job->state = FERRY_JOB_FAILED;
    for (unsigned i = 0; i < FERRY_JOB_N_STATES; i++)
        if (g_strcmp0(state, ferry_job_state_name((FerryJobState)i)) == 0)
            job->state = (FerryJobState)i;
    job->restored = json_deep_copy(report);
    ferry_job_unlock_changed(job);
}
