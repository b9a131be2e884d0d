/*
 * A guest that another host restores.  There: POST /v1/peer/restores and GET /v1/peer/restores/ID,
 * which waits a second for a change, so that asking again and again is cheap.  Here: the job as a
 * user of this host follows it, GET /v1/hosts/NAME/restores/ID and its events.
 */
#include "api/restores.h"

#include <inttypes.h>

#include "api/migrations.h"
#include "base/error.h"

#define CHANGE_WAIT_MS  1000
#define LOOK_TIMEOUT_MS 5000

FerryRestoreHow
ferry_restore_request_read(FerryFields *fields, FerryRestoreRequest *ret)
{
    *ret = (FerryRestoreRequest){
        .file = ferry_fields_string(fields, "file"),
        .verify =
            ferry_fields_flag(fields, "unverified") ? FERRY_SAVED_UNVERIFIED : FERRY_SAVED_VERIFY,
        .again = ferry_fields_flag(fields, "again") ? FERRY_RESTORE_AGAIN : FERRY_RESTORE_ONCE,
        .accept_unknown = ferry_fields_flag(fields, "accept_unknown"),
    };
    return ferry_fields_flag(fields, "check_only") ? FERRY_RESTORE_CHECK : FERRY_RESTORE_BEGIN;
}

/* ---- there ---- */

static bool
restore(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    FerryRestoreRequest wanted;
    const FerryRestoreHow how = ferry_restore_request_read(&fields, &wanted);
    g_autoptr(FerryJob) job = NULL;
    json_t *reasons = NULL, *verdict = NULL;

    if (json_object_get(request->body, "seen") != NULL)
        wanted.seen = ferry_fields_value(&fields, "seen", JSON_OBJECT);
    if (!ferry_fields_end_lenient(&fields, error) ||
        !ferry_migrator_peer_restore(data, &wanted, how, &job, &verdict, &reasons, error))
        return false;
    if (reasons != NULL)
        ferry_response_refused(response, "this host does not restore the guest", reasons);
    else if (verdict != NULL)
        ferry_response_json(response, 200, verdict);
    else
        ferry_response_json(response, 202, ferry_job_json(job));
    return true;
}

/* Of this host's jobs a peer sees those that a peer may have asked for. */
static bool
show(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const char *after = ferry_request_query(request, "after");
    g_autoptr(FerryJob) job = ferry_migrator_job(data, request->segments[0]);
    uint64_t change = 0;

    if (job == NULL || ferry_job_identity(job)->kind != FERRY_JOB_RESTORE) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no job %s that restores a guest on this host", request->segments[0]);
        return false;
    }
    if (after != NULL)
        (void)ferry_migrator_wait(data, job, g_ascii_strtoull(after, NULL, 10), CHANGE_WAIT_MS);
    change = ferry_job_change(job); /* before the JSON: a later change is told again */
    ferry_response_json(response, 200,
                        json_pack("{s:I, s:b, s:o}", "change", (json_int_t)change, "over",
                                  ferry_job_is_over(job), "job", ferry_job_json(job)));
    return true;
}

/* ---- here ---- */

/* A look at the job there; it is over when the stream is. */
typedef struct {
    FerryClient *client;
    char *path;
    json_int_t change; /* the newest that was seen; -1 before */
    bool over;         /* and it was the last */
} Watch;

static void
watch_free(gpointer data)
{
    Watch *watch = data;

    ferry_client_free(watch->client);
    g_free(watch->path);
    g_free(watch);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)

static Watch *
watch_new(FerryMigrator *migrator, const FerryRequest *request, GError **error)
{
    g_autoptr(Watch) watch = g_new0(Watch, 1);
    g_autofree char *id = ferry_path_escape(request->segments[1]);

    watch->path = g_strconcat("/v1/peer/restores/", id, NULL);
    watch->change = -1;
    return ferry_migrator_reach(migrator, request->segments[0], &watch->client, error)
               ? g_steal_pointer(&watch)
               : NULL;
}

/* @ret: (out) (transfer full) (nullable): the job, when it has changed */
static bool
look(Watch *watch, json_t **ret, GError **error)
{
    g_autofree char *path = watch->change < 0 ? g_strdup(watch->path)
                                              : g_strdup_printf("%s?after=%" JSON_INTEGER_FORMAT,
                                                                watch->path, watch->change);
    g_auto(FerryReply) reply = { 0 };
    json_int_t change = 0;

    if (!ferry_client_call(watch->client, "GET", path, NULL, LOOK_TIMEOUT_MS, &reply, error))
        return false;
    change = json_integer_value(json_object_get(reply.body, "change"));
    if (change != watch->change)
        *ret = json_incref(json_object_get(reply.body, "job"));
    watch->change = change;
    watch->over = json_is_true(json_object_get(reply.body, "over"));
    return true;
}

/* A host that is away ends the stream: whoever listens asks again, and is told why. */
static FerryNext
next_change(void *data, int64_t timeout_ms, FerryEvent *ret)
{
    Watch *watch = data;
    json_t *job = NULL;

    (void)timeout_ms; /* the other side waits, for as long */
    if (watch->over || !look(watch, &job, NULL))
        return FERRY_NEXT_END;
    if (job == NULL)
        return FERRY_NEXT_NOTHING;
    *ret = (FerryEvent){ "job", job };
    return FERRY_NEXT_EVENT;
}

static bool
follow(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(Watch) watch = watch_new(data, request, error);
    json_t *job = NULL;

    if (watch == NULL || !look(watch, &job, error))
        return false;
    json_decref(job);
    watch->change = -1; /* the stream begins with it */
    watch->over = false;
    ferry_response_events(response, next_change, g_steal_pointer(&watch), watch_free);
    return true;
}

static bool
show_there(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(Watch) watch = watch_new(data, request, error);
    json_t *job = NULL;

    if (watch == NULL || !look(watch, &job, error))
        return false;
    ferry_response_json(response, 200, job);
    return true;
}

const FerryRoute ferry_restore_routes[] = {
    { "GET", "/v1/hosts/{}/restores/{}", FERRY_ROLE_VIEW, show_there },
    { "GET", "/v1/hosts/{}/restores/{}/events", FERRY_ROLE_VIEW, follow },
    { "POST", "/v1/peer/restores", FERRY_ROLE_PEER, restore },
    { "GET", "/v1/peer/restores/{}", FERRY_ROLE_PEER, show },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
