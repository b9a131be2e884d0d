/* POST /v1/guests/NAME/save and /v1/restores: guests in files. */
#include "api/json.h"
#include "api/migrations.h"
#include "api/restores.h"
#include "migrate/migrator.h"

#define NOT_RESTORED "the guest is not restored"

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
restore_here(FerryMigrator *migrator,
             const FerryRestoreRequest *wanted,
             FerryRestoreHow how,
             FerryResponse *response,
             GError **error)
{
    g_autoptr(FerryJob) job = NULL;
    json_t *reasons = NULL, *verdict = NULL;

    if (how == FERRY_RESTORE_CHECK) {
        if (!ferry_migrator_restore_check(migrator, wanted, &verdict, error))
            return false;
        ferry_response_json(response, 200, verdict);
        return true;
    }
    if (!ferry_migrator_restore(migrator, wanted, &job, &reasons, error))
        return false;
    respond(response, job, NOT_RESTORED, reasons);
    return true;
}

static bool
restore(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const char *host = ferry_fields_string_or(&fields, "on_host", NULL);
    FerryRestoreRequest wanted;
    const FerryRestoreHow how = ferry_restore_request_read(&fields, &wanted);
    json_t *answer = NULL, *reasons = NULL;

    if (!ferry_fields_end(&fields, error))
        return false;
    if (host == NULL || ferry_migrator_is_named(data, host))
        return restore_here(data, &wanted, how, response, error);
    if (!ferry_migrator_restore_there(data, host, &wanted, how, &answer, &reasons, error))
        return false;
    if (reasons != NULL)
        ferry_response_refused(response, NOT_RESTORED, reasons);
    else
        ferry_response_json(response, how == FERRY_RESTORE_CHECK ? 200 : 202, answer);
    return true;
}

const FerryRoute ferry_saved_routes[] = {
    { "POST", "/v1/guests/{}/save", FERRY_ROLE_OPERATE, save },
    { "POST", "/v1/restores", FERRY_ROLE_OPERATE, restore },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
