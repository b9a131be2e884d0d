/* /v1/reservations, and what peers ask about them. */
#include "api/json.h"
#include "api/migrations.h"
#include "base/error.h"
#include "migrate/hold.h"
#include "migrate/reservation.h"

#define DEFAULT_TTL_S 600

static bool
list(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    json_t *all = NULL;

    (void)request;
    if (!ferry_migrator_reservations(data, &all, error))
        return false;
    ferry_response_json(response, 200, json_pack("{s:o}", "reservations", all));
    return true;
}

static bool
show(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    json_t *one = NULL;

    if (!ferry_migrator_reservation(data, request->segments[0], &one, error))
        return false;
    ferry_response_json(response, 200, one);
    return true;
}

/* One or the other of the two, as both sides of it answer. */
static void
answer(FerryResponse *response, unsigned status, json_t *made, json_t *reasons)
{
    if (reasons != NULL)
        ferry_response_refused(response, "nothing was reserved", reasons);
    else
        ferry_response_json(response, status, made);
}

static bool
reserve(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const FerryMigrationRequest wanted = {
        .guest = ferry_fields_string(&fields, "guest"),
        .to = ferry_fields_string(&fields, "to"),
        .accept_unknown = ferry_fields_flag(&fields, "accept_unknown"),
        .allow_degraded = ferry_fields_flag(&fields, "allow_degraded"),
        .devices = json_object_get(request->body, "devices") == NULL
                       ? NULL
                       : ferry_fields_value(&fields, "devices", JSON_OBJECT),
    };
    const int64_t ttl_s = ferry_fields_integer_or(&fields, "ttl_s", 1,
                                                  FERRY_RESERVATION_MAX_MS / 1000, DEFAULT_TTL_S);
    json_t *made = NULL;
    json_t *reasons = NULL;

    if (!ferry_fields_end(&fields, error) ||
        !ferry_migrator_reserve(data, &wanted, 1000 * ttl_s, &made, &reasons, error))
        return false;
    answer(response, 201, made, reasons);
    return true;
}

static bool
cancel(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    if (!ferry_migrator_reservation_cancel(data, request->segments[0], error))
        return false;
    ferry_response_json(response, 204, NULL);
    return true;
}

static bool
peer_reserve(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    json_t *made = NULL;
    json_t *reasons = NULL;

    if (!ferry_migrator_peer_reserve(data, request->caller->name, request->segments[0],
                                     request->body, &made, &reasons, error))
        return false;
    answer(response, 201, made, reasons);
    return true;
}

static bool
peer_release(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    if (!ferry_migrator_peer_release(data, request->caller->name, request->segments[0], error))
        return false;
    ferry_response_json(response, 204, NULL);
    return true;
}

const FerryRoute ferry_reservation_routes[] = {
    { "GET", "/v1/reservations", FERRY_ROLE_VIEW, list },
    { "POST", "/v1/reservations", FERRY_ROLE_OPERATE, reserve },
    { "GET", "/v1/reservations/{}", FERRY_ROLE_VIEW, show },
    { "DELETE", "/v1/reservations/{}", FERRY_ROLE_OPERATE, cancel },
    { "POST", "/v1/peer/reservations/{}", FERRY_ROLE_PEER, peer_reserve },
    { "DELETE", "/v1/peer/reservations/{}", FERRY_ROLE_PEER, peer_release },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
