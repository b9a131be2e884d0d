/* /v1/jobs: the list, one job, its changes as they happen, its cancellation, an operator's
 * decision. */
#include "api/json.h"
#include "api/migrations.h"
#include "base/error.h"
#include "migrate/migrator.h"

static bool
find(FerryMigrator *migrator, const char *id, FerryJob **ret, GError **error)
{
    *ret = ferry_migrator_job(migrator, id);
    if (*ret != NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "there is no job %s on this host: see \"ferry job list\"", id);
    return false;
}

static bool
list(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(GPtrArray) jobs = ferry_migrator_jobs(data);
    json_t *rows = json_array();

    (void)request;
    (void)error;
    for (guint i = 0; i < jobs->len; i++)
        json_array_append_new(rows, ferry_job_json(g_ptr_array_index(jobs, i)));
    ferry_response_json(response, 200, json_pack("{s:o}", "jobs", rows));
    return true;
}

static bool
show(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryJob) job = NULL;

    if (!find(data, request->segments[0], &job, error))
        return false;
    ferry_response_json(response, 200, ferry_job_json(job));
    return true;
}

/* A stream of one job: its state of now first, then each change, the final state last. */
typedef struct {
    FerryMigrator *migrator;
    FerryJob *job;
    uint64_t sent; /* the newest change that was sent */
    bool ended;    /* and it was the last */
} Watch;

static FerryNext
next_change(void *data, int64_t timeout_ms, FerryEvent *ret)
{
    Watch *watch = data;

    if (watch->ended)
        return FERRY_NEXT_END;
    if (!ferry_migrator_wait(watch->migrator, watch->job, watch->sent, timeout_ms))
        return FERRY_NEXT_NOTHING;
    watch->sent = ferry_job_change(watch->job); /* before the JSON: a later change is sent again */
    watch->ended = ferry_job_is_over(watch->job);
    *ret = (FerryEvent){ "job", ferry_job_json(watch->job) };
    return FERRY_NEXT_EVENT;
}

static void
watch_free(gpointer data)
{
    Watch *watch = data;

    ferry_job_unref(watch->job);
    g_free(watch);
}

static bool
events(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    FerryJob *job = NULL;
    Watch *watch = NULL;

    if (!find(data, request->segments[0], &job, error))
        return false;
    watch = g_new0(Watch, 1);
    *watch = (Watch){ .migrator = data, .job = job };
    ferry_response_events(response, next_change, watch, watch_free);
    return true;
}

/* The answer is the job: whether it still could be cancelled is seen there, truthfully. */
static bool
cancel(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryJob) job = NULL;

    if (!find(data, request->segments[0], &job, error) || !ferry_migrator_cancel(data, job, error))
        return false;
    ferry_response_json(response, 202, ferry_job_json(job));
    return true;
}

/* The caller is written down with the decision. */
static bool
resolve(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    g_autoptr(FerryJob) job = NULL;
    const char *keep = ferry_fields_string(&fields, "keep");
    FerryResolveRequest wanted = {
        .keep = g_strcmp0(keep, "source") == 0 ? FERRY_SIDE_SOURCE : FERRY_SIDE_TARGET,
        .fenced = ferry_fields_string(&fields, "fenced"),
        .reason = ferry_fields_string(&fields, "reason"),
        .by = request->caller->name,
        .journal = ferry_fields_string_or(&fields, "journal", NULL),
        .loss = ferry_fields_flag(&fields, "cold") ? FERRY_LOSS_ACCEPTED : FERRY_LOSS_REFUSED,
    };
    json_t *reasons = NULL;

    if (!ferry_fields_end(&fields, error) || !find(data, request->segments[0], &job, error))
        return false;
    if (g_strcmp0(keep, ferry_side_name(wanted.keep)) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"keep\" is \"%s\": it must be \"source\" or \"target\"", keep);
        return false;
    }
    if (!ferry_migrator_resolve(data, job, &wanted, &reasons, error))
        return false;
    if (reasons != NULL)
        ferry_response_refused(response, "the job cannot be resolved so", reasons);
    else
        ferry_response_json(response, 202, ferry_job_json(job));
    return true;
}

const FerryRoute ferry_job_routes[] = {
    { "GET", "/v1/jobs", FERRY_ROLE_VIEW, list },
    { "GET", "/v1/jobs/{}", FERRY_ROLE_VIEW, show },
    { "GET", "/v1/jobs/{}/events", FERRY_ROLE_VIEW, events },
    { "POST", "/v1/jobs/{}/cancel", FERRY_ROLE_OPERATE, cancel },
    { "POST", "/v1/jobs/{}/resolve", FERRY_ROLE_OPERATE, resolve },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
