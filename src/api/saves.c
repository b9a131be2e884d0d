/* POST /v1/guests/NAME/save and /v1/restores: guests in files. */
#include "api/json.h"
#include "api/migrations.h"
#include "migrate/migrator.h"

static void
respond(FerryResponse *response, FerryJob *job, const char *refusal, json_t *reasons)
{
    if (job == NULL)
        ferry_response_refused(response, refusal, reasons);
    else
        ferry_response_json(response, 202, ferry_job_json(job));
}

static bool
save(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const FerrySaveRequest wanted = {
        .guest = request->segments[0],
        .file = ferry_fields_string(&fields, "file"),
        .over = ferry_fields_flag(&fields, "force") ? FERRY_SAVE_OVER : FERRY_SAVE_NEW,
    };
    g_autoptr(FerryJob) job = NULL;
    json_t *reasons = NULL;

    if (!ferry_fields_end(&fields, error) ||
        !ferry_migrator_save(data, &wanted, &job, &reasons, error))
        return false;
    respond(response, job, "the guest is not saved", reasons);
    return true;
}

static bool
restore(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const FerryRestoreRequest wanted = {
        .file = ferry_fields_string(&fields, "file"),
        .verify =
            ferry_fields_flag(&fields, "unverified") ? FERRY_SAVED_UNVERIFIED : FERRY_SAVED_VERIFY,
        .again = ferry_fields_flag(&fields, "again") ? FERRY_RESTORE_AGAIN : FERRY_RESTORE_ONCE,
        .accept_unknown = ferry_fields_flag(&fields, "accept_unknown"),
    };
    const bool check_only = ferry_fields_flag(&fields, "check_only");
    g_autoptr(FerryJob) job = NULL;
    json_t *reasons = NULL, *verdict = NULL;

    if (!ferry_fields_end(&fields, error))
        return false;
    if (check_only) {
        if (!ferry_migrator_restore_check(data, &wanted, &verdict, error))
            return false;
        ferry_response_json(response, 200, verdict);
        return true;
    }
    if (!ferry_migrator_restore(data, &wanted, &job, &reasons, error))
        return false;
    respond(response, job, "the guest is not restored", reasons);
    return true;
}

const FerryRoute ferry_saved_routes[] = {
    { "POST", "/v1/guests/{}/save", FERRY_ROLE_OPERATE, save },
    { "POST", "/v1/restores", FERRY_ROLE_OPERATE, restore },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
