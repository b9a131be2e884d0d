/* Why a job was refused or failed, what it went on without, how long devices were away. */
#include "migrate/job-state.h"
#include "migrate/objection.h"

static const char *const gap_names[] = {
    [FERRY_GAP_OFF] = "off",
    [FERRY_GAP_ON] = "on",
};
G_STATIC_ASSERT(G_N_ELEMENTS(gap_names) == FERRY_N_GAPS);

void
ferry_job_add_reason(FerryJob *job, const char *code, const char *message)
{
    ferry_job_lock(job);
    ferry_object(job->reasons, code, "%s", message);
    ferry_job_unlock_changed(job);
}

void
ferry_job_add_reasons(FerryJob *job, const json_t *reasons)
{
    const json_t *reason = NULL;
    size_t i = 0;

    ferry_job_lock(job);
    json_array_foreach(reasons, i, reason)
    {
        const char *code = NULL, *alias = NULL, *message = NULL, *remedy = NULL;

        if (json_unpack((json_t *)reason, "{s:s, s?s, s:s, s?s}", "code", &code, "alias", &alias,
                        "message", &message, "remedy", &remedy) == 0)
            json_array_append_new(job->reasons,
                                  json_pack("{s:s, s:s*, s:s, s:s*}", "code", code, "alias", alias,
                                            "message", message, "remedy", remedy));
    }
    ferry_job_unlock_changed(job);
}

void
ferry_job_add_degraded(FerryJob *job, const char *alias, const char *message)
{
    ferry_job_lock(job);
    json_array_append_new(job->degraded,
                          json_pack("{s:s, s:s}", "alias", alias, "message", message));
    ferry_job_unlock_changed(job);
}

bool
ferry_job_is_degraded(FerryJob *job)
{
    bool degraded = false;

    ferry_job_lock(job);
    degraded = json_array_size(job->degraded) > 0;
    ferry_job_unlock(job);
    return degraded;
}

static void
add_gap(FerryJob *job, const char *alias, FerryGap gap, int64_t duration_ms)
{
    ferry_job_lock(job);
    json_array_append_new(job->gaps,
                          json_pack("{s:s, s:s, s:I}", "alias", alias, "step", gap_names[gap],
                                    "duration_ms", (json_int_t)duration_ms));
    ferry_job_unlock_changed(job);
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

json_t *
ferry_job_remarks(FerryJob *job)
{
    json_t *remarks = NULL;

    ferry_job_lock(job);
    remarks = json_pack("{s:o, s:o, s:o}", "degraded", json_deep_copy(job->degraded), "reasons",
                        json_deep_copy(job->reasons), "gaps", json_deep_copy(job->gaps));
    ferry_job_unlock(job);
    return remarks;
}
