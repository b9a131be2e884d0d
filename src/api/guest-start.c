/* A guest's start and stop: answered when it is done. */
#include "api/guest-life.h"

#include "api/json.h"
#include "base/error.h"
#include "migrate/start.h"

#define MAX_TIMEOUT_S   3600
#define START_TIMEOUT_S 30
#define STOP_TIMEOUT_S  60

static void
respond(FerryResponse *response, const char *refusal, json_t *answer, json_t *reasons)
{
    if (reasons != NULL)
        ferry_response_refused(response, refusal, reasons);
    else
        ferry_response_json(response, 200, answer);
}

static bool
start(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const int64_t timeout_s =
        ferry_fields_integer_or(&fields, "timeout_s", 0, MAX_TIMEOUT_S, START_TIMEOUT_S);
    const FerryStartExtent extent =
        ferry_fields_flag(&fields, "allow_degraded") ? FERRY_START_DEGRADED : FERRY_START_WHOLE;
    json_t *answer = NULL, *reasons = NULL;

    if (!ferry_fields_end(&fields, error) ||
        !ferry_start_guest(data, request->segments[0], extent, timeout_s * 1000, &answer, &reasons,
                           error))
        return false;
    respond(response, "the guest is not started", answer, reasons);
    return true;
}

static bool
stop(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const int64_t timeout_s =
        ferry_fields_integer_or(&fields, "timeout_s", 0, MAX_TIMEOUT_S, STOP_TIMEOUT_S);
    const FerryStopManner manner =
        ferry_fields_flag(&fields, "force") ? FERRY_STOP_FORCE : FERRY_STOP_ASK;
    json_t *answer = NULL, *reasons = NULL;

    if (!ferry_fields_end(&fields, error) ||
        !ferry_stop_guest(data, request->segments[0], manner, timeout_s * 1000, &answer, &reasons,
                          error))
        return false;
    respond(response, "the guest still runs", answer, reasons);
    return true;
}

/* What a start that goes on waits for: its own answer comes at its end only. */
static bool
get_start(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryLife *life = data;
    g_autoptr(FerryGuest) guest = NULL;
    g_autofree char *waiting_for = NULL;

    if (!life->guests->find(life->guests_data, request->segments[0], &guest, error))
        return false;
    if (guest == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no guest %s here: see \"ferry guest list\"", request->segments[0]);
        return false;
    }
    waiting_for = ferry_guest_turns_waiting_for(life->turns, guest->uuid);
    ferry_response_json(response, 200,
                        json_pack("{s:b, s:s?}", "starting",
                                  ferry_guest_turns_is_starting(life->turns, guest->uuid),
                                  "waiting_for", waiting_for));
    return true;
}

const FerryRoute ferry_guest_start_routes[] = {
    { "POST", "/v1/guests/{}/start", FERRY_ROLE_OPERATE, start },
    { "GET", "/v1/guests/{}/start", FERRY_ROLE_VIEW, get_start },
    { "POST", "/v1/guests/{}/stop", FERRY_ROLE_OPERATE, stop },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
