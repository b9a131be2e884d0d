/* POST /v1/migrations and /v1/checks. */
#include "api/migrations.h"

#include "api/json.h"
#include "migrate/hold.h"
#include "migrate/migrator.h"
#include "migrate/repeat.h"

#define DAY_S                   (24 * 3600)
#define MAX_PARALLEL            255 /* QEMU's multifd-channels: a uint8 (qapi/migration.json) */
#define DEFAULT_MAX_DOWNTIME_MS 300 /* QEMU's own */

/* (nullable): {alias: UUID} */
static const json_t *
read_devices(FerryFields *fields, const json_t *body)
{
    return json_object_get(body, "devices") == NULL
               ? NULL
               : ferry_fields_value(fields, "devices", JSON_OBJECT);
}

/* The same body for both: a check is a migration that stops before anything is touched. */
static bool
read_request(const FerryRequest *request, FerryMigrationRequest *ret, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };

    *ret = (FerryMigrationRequest){
        .guest = ferry_fields_string(&fields, "guest"),
        .to = ferry_fields_string_or(&fields, "to", NULL),
        .reservation = ferry_fields_string_or(&fields, "reservation", NULL),
        .max_downtime_ms = ferry_fields_integer_or(&fields, "max_downtime_ms", 1, DAY_S * 1000LL,
                                                   DEFAULT_MAX_DOWNTIME_MS),
        .timeout_ms = 1000 * ferry_fields_integer_or(&fields, "timeout_s", 1, DAY_S, 0),
        .bandwidth_bps =
            (uint64_t)ferry_fields_integer_or(&fields, "bandwidth_bps", 1, INT64_MAX / 2, 0),
        .parallel = (uint64_t)ferry_fields_integer_or(&fields, "parallel", 1, MAX_PARALLEL, 0),
        .auto_converge = ferry_fields_flag(&fields, "auto_converge"),
        .accept_unknown = ferry_fields_flag(&fields, "accept_unknown"),
        .allow_degraded = ferry_fields_flag(&fields, "allow_degraded"),
        .devices = read_devices(&fields, request->body),
    };
    return ferry_fields_end(&fields, error);
}

static bool
check(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    FerryMigrationRequest wanted;
    json_t *terms = NULL;
    json_t *verdict = NULL;
    bool ok = read_request(request, &wanted, error);
    bool all = ok && wanted.to == NULL && wanted.reservation == NULL; /* hosts are asked */

    ok = ok && (all || ferry_migrator_take_terms(data, &wanted, &terms, error)) &&
         ferry_migrator_check(data, &wanted, &verdict, error);

    if (ok)
        ferry_response_json(response, 200, verdict);
    json_decref(terms);
    return ok;
}

static bool
migrate(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    FerryMigrationRequest wanted;
    g_autoptr(FerryJob) job = NULL;
    g_autofree char *key = NULL;
    g_autofree char *digest = ferry_repeat_digest(request->body);
    json_t *reasons = NULL;
    json_t *terms = NULL;
    bool ok = read_request(request, &wanted, error) &&
              ferry_repeat_key(request->caller->name, request->key, &key, error) &&
              ferry_migrator_take_terms(data, &wanted, &terms, error);

    wanted.key = key;
    wanted.digest = digest;
    ok = ok && ferry_migrator_start(data, &wanted, &job, &reasons, error);
    json_decref(terms);
    if (!ok)
        return false;
    if (job == NULL) {
        ferry_response_refused(response, "the guest cannot move to that host", reasons);
        return true;
    }
    if (wanted.reservation != NULL)
        ferry_migrator_reservation_used(data, wanted.reservation, ferry_job_identity(job)->id);
    ferry_response_json(response, 202, ferry_job_json(job));
    return true;
}

const FerryRoute ferry_migration_routes[] = {
    { "POST", "/v1/checks", FERRY_ROLE_OPERATE, check },
    { "POST", "/v1/migrations", FERRY_ROLE_OPERATE, migrate },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
