#include "migrate/restore-there.h"

#include "migrate/objection.h"
#include "migrate/request-saved.h"

#define ASK_TIMEOUT_MS 30000 /* it reads the head of the file, and judges its devices */

bool
ferry_migrator_is_named(const FerryMigrator *self, const char *host)
{
    return g_strcmp0(self->config.name, host) == 0;
}

bool
ferry_migrator_reach(FerryMigrator *self, const char *host, FerryClient **ret, GError **error)
{
    g_autoptr(FerryHostRow) row = NULL;

    return ferry_run_find_host(self, host, &row, error) &&
           ferry_client_new_peer(self->config.identity, row->name, row->address, ret, error);
}

/*
 * @ret_seen: (out) (nullable) (transfer full): what the other host's file is to be; NULL when there
 *            is none here, which is fine: that host has it
 */
static bool
look_here(FerryMigrator *self,
          const FerryRestoreRequest *request,
          json_t **ret_seen,
          json_t *reasons,
          GError **error)
{
    FerryHand hand = { .guests = self->config.guests };
    const FerrySavedWorld world = ferry_run_saved_world(self, &hand);
    g_autoptr(FerrySaved) saved = NULL;

    if (!ferry_saved_check_path(request->file, error))
        return false;
    if (!g_file_test(request->file, G_FILE_TEST_EXISTS))
        return true;
    if (!ferry_saved_open(&world, request->file, request->verify, &saved, reasons, error) ||
        !ferry_request_check_down(self, saved->plan, reasons, error))
        return false;
    *ret_seen = ferry_saved_print(saved);
    return true;
}

json_t *
ferry_restore_there_format(const FerryRestoreRequest *request, FerryRestoreHow how)
{
    return json_pack("{s:s, s:b, s:b, s:b, s:b, s:O*}", "file", request->file, "accept_unknown",
                     request->accept_unknown, "unverified",
                     request->verify == FERRY_SAVED_UNVERIFIED, "again",
                     request->again == FERRY_RESTORE_AGAIN, "check_only",
                     how == FERRY_RESTORE_CHECK, "seen", request->seen);
}

static bool
ask(FerryMigrator *self,
    const char *host,
    json_t *body,
    json_t **ret,
    json_t **ret_reasons,
    GError **error)
{
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    json_t *reasons = NULL;

    if (!ferry_migrator_reach(self, host, &client, error))
        return false;
    if (!ferry_client_call(client, "POST", "/v1/peer/restores", body, ASK_TIMEOUT_MS, &reply,
                           error)) {
        g_prefix_error(error, "cannot restore on %s: ", host);
        return false;
    }
    reasons = json_object_get(reply.body, "reasons");
    if (reply.status == 409)
        *ret_reasons = json_is_array(reasons) ? json_incref(reasons) : json_array();
    else
        *ret = json_incref(reply.body);
    return true;
}

bool
ferry_migrator_restore_there(FerryMigrator *self,
                             const char *host,
                             const FerryRestoreRequest *request,
                             FerryRestoreHow how,
                             json_t **ret,
                             json_t **ret_reasons,
                             GError **error)
{
    FerryRestoreRequest wanted = *request;
    json_t *reasons = json_array();
    json_t *seen = NULL;
    json_t *body = NULL;
    bool ok = look_here(self, request, &seen, reasons, error);

    if (ok && json_array_size(reasons) > 0) {
        *ret_reasons = json_incref(reasons);
    } else if (ok) {
        wanted.seen = seen;
        body = ferry_restore_there_format(&wanted, how);
        ok = ask(self, host, body, ret, ret_reasons, error);
    }
    json_decref(body);
    json_decref(seen);
    json_decref(reasons);
    return ok;
}

bool
ferry_migrator_peer_restore(FerryMigrator *self,
                            const FerryRestoreRequest *request,
                            FerryRestoreHow how,
                            FerryJob **ret_job,
                            json_t **ret_verdict,
                            json_t **ret_reasons,
                            GError **error)
{
    if (!ferry_saved_check_path(request->file, error))
        return false;
    if (!g_file_test(request->file, G_FILE_TEST_EXISTS)) {
        *ret_reasons = json_array();
        ferry_object(*ret_reasons, "no-such-file", "%s has no %s", self->config.name,
                     request->file);
        ferry_object_remedy(*ret_reasons, "put it on storage that both hosts have, or copy it "
                                          "there with its sidecar, FILE.ferry");
        return true;
    }
    return how == FERRY_RESTORE_CHECK
               ? ferry_migrator_restore_check(self, request, ret_verdict, error)
               : ferry_migrator_restore(self, request, ret_job, ret_reasons, error);
}
