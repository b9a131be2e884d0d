/* /v1/peer/…: what another host's ferryd asks about a job.  docs/handover.md is the protocol. */
#include "api/json.h"
#include "api/migrations.h"
#include "migrate/migrator.h"

static bool
check(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    json_t *answer = NULL;

    if (!ferry_migrator_peer_check(data, request->caller->name,
                                   json_object_get(request->body, "plan"), &answer, error))
        return false;
    ferry_response_json(response, 200, answer);
    return true;
}

static bool
ask(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const char *what = request->segments[1];
    json_t *answer = NULL;
    json_t *reasons = NULL;

    if (!ferry_migrator_peer_ask(data, request->caller->name, request->segments[0], what,
                                 request->body, &answer, &reasons, error))
        return false;
    if (reasons != NULL)
        ferry_response_refused(response, "this host does not take the guest", reasons);
    else
        ferry_response_json(response, 200, answer);
    return true;
}

static bool
record(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    json_t *answer = NULL;

    if (!ferry_migrator_peer_record(data, request->caller->name, request->segments[0], &answer,
                                    error))
        return false;
    ferry_response_json(response, 200, answer);
    return true;
}

typedef struct {
    FerryMigrator *migrator;
    char *job;
} Relay;

static void
relay_run(int fd, void *data)
{
    Relay *relay = data;

    ferry_migrator_peer_relay(relay->migrator, relay->job, fd);
}

static void
relay_free(gpointer data)
{
    Relay *relay = data;

    g_free(relay->job);
    g_free(relay);
}

static bool
relay(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const char *job = request->segments[0];
    Relay *self = NULL;

    if (!ferry_migrator_peer_may_relay(data, request->caller->name, job, error))
        return false;
    self = g_new0(Relay, 1);
    *self = (Relay){ .migrator = data, .job = g_strdup(job) };
    ferry_response_upgrade(response, "ferry-relay", relay_run, self, relay_free);
    return true;
}

const FerryRoute ferry_peer_job_routes[] = {
    { "POST", "/v1/peer/check", FERRY_ROLE_PEER, check },
    { "GET", "/v1/peer/jobs/{}/record", FERRY_ROLE_PEER, record },
    { "GET", "/v1/peer/jobs/{}/relay", FERRY_ROLE_PEER, relay },
    { "POST", "/v1/peer/jobs/{}/{}", FERRY_ROLE_PEER, ask },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
