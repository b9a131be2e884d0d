/* What a user asks for: a check, or a migration. */
#include "base/error.h"
#include "client/client.h"
#include "migrate/begin.h"
#include "migrate/run.h"
#include "store/host.h"

#define CHECK_TIMEOUT_MS 15000

bool
ferry_run_find_host(FerryMigrator *self, const char *name, FerryHostRow **ret, GError **error)
{
    if (self->config.identity == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED,
                    "this host has no certificate, so no other host would talk to it: run \"ferry "
                    "pki install FILE\", set [tls] in ferryd.conf and restart ferryd");
        return false;
    }
    if (!ferry_store_host_find(self->config.store, name, ret, error))
        return false;
    if (*ret == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "host %s is not known here: run \"ferry host add %s --address HOST:PORT\"",
                    name, name);
        return false;
    }
    return true;
}

static bool
ask_target(FerryMigrator *self,
           const FerryHostRow *host,
           const FerryPlan *plan,
           json_t **ret_devices,
           json_t *reasons,
           GError **error)
{
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    json_t *body = NULL;
    bool ok = false;

    if (!ferry_client_new_peer(self->config.identity, host->name, host->address, &client, error))
        return false;
    body = json_pack("{s:o}", "plan", ferry_plan_format(plan));
    ok = ferry_client_call(client, "POST", "/v1/peer/check", body, CHECK_TIMEOUT_MS, &reply, error);
    json_decref(body);
    if (!ok) {
        g_prefix_error(error, "cannot check with %s: ", host->name);
        return false;
    }
    json_array_extend(reasons, json_object_get(reply.body, "reasons"));
    *ret_devices = json_incref(json_object_get(reply.body, "devices"));
    return true;
}

/* Plan and both halves of the check; the reasons are all that speaks against it. */
static bool
plan_and_check(FerryMigrator *self,
               const FerryMigrationRequest *request,
               FerryHostRow **ret_host,
               FerryPlan **ret_plan,
               json_t **ret_devices,
               json_t *reasons,
               GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryPlan) plan = NULL;

    if (g_strcmp0(request->to, self->config.name) == 0) {
        json_array_append_new(reasons,
                              json_pack("{s:s, s:s}", "code", "already-there", "message",
                                        "the target is this host: the guest is already there"));
        return true;
    }
    if (!ferry_run_find_host(self, request->to, &host, error) ||
        !ferry_begin_plan(self, request, &plan, reasons, error) ||
        !ferry_run_check_free(self, plan->guest_uuid, error) ||
        !ask_target(self, host, plan, ret_devices, reasons, error))
        return false;
    *ret_host = g_steal_pointer(&host);
    *ret_plan = g_steal_pointer(&plan);
    return true;
}

static json_t *
ephemeral_aliases(const FerryPlan *plan)
{
    json_t *aliases = json_array();

    for (guint i = 0; plan != NULL && i < plan->ephemerals->len; i++) {
        const FerryPlanDevice *device = g_ptr_array_index(plan->ephemerals, i);

        json_array_append_new(aliases, json_string(device->alias));
    }
    return aliases;
}

/* "unknown" is what accept_unknown turns into a yes: nothing else may speak against it. */
const char *
ferry_begin_verdict(const json_t *reasons)
{
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i,
                       reason) if (g_strcmp0(json_string_value(json_object_get(reason, "code")),
                                             "unknown") != 0) return "no";
    return json_array_size(reasons) == 0 ? "yes" : "unknown";
}

bool
ferry_migrator_check(FerryMigrator *self,
                     const FerryMigrationRequest *request,
                     json_t **ret,
                     GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryPlan) plan = NULL;
    json_t *reasons = json_array();
    json_t *devices = NULL;

    if (!plan_and_check(self, request, &host, &plan, &devices, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    *ret = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "guest", request->guest, "source",
                     self->config.name, "target", request->to, "verdict",
                     ferry_begin_verdict(reasons), "reasons", reasons, "ephemerals",
                     ephemeral_aliases(plan), "devices", devices != NULL ? devices : json_array());
    return true;
}

/* Whether the key began a job before; then it is in @ret_job, unless something else was asked. */
static bool
was_begun(FerryMigrator *self,
          const FerryMigrationRequest *request,
          FerryJob **ret_job,
          GError **error)
{
    FerryRun *run = request->key == NULL ? NULL : ferry_run_of_key(self, request->key);

    if (run == NULL)
        return false;
    if (g_strcmp0(run->digest, request->digest) == 0)
        *ret_job = ferry_job_ref(run->job);
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "this Idempotency-Key began job %s with another request: take a new key",
                    ferry_job_identity(run->job)->id);
    return true;
}

bool
ferry_migrator_start(FerryMigrator *self,
                     const FerryMigrationRequest *request,
                     FerryJob **ret_job,
                     json_t **ret_reasons,
                     GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryPlan) plan = NULL;
    json_t *reasons = json_array();
    json_t *devices = NULL;
    FerryRun *run = NULL;
    FerryJobIdentity identity;
    g_autoptr(GError) busy = NULL;

    if (was_begun(self, request, ret_job, error)) {
        json_decref(reasons);
        return *ret_job != NULL;
    }
    if (!ferry_store_make_room(self->config.store, error) || /* a migration needs its journal */
        !plan_and_check(self, request, &host, &plan, &devices, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    json_decref(devices);
    if (plan != NULL && ferry_run_count(self, FERRY_SIDE_SOURCE) >= self->config.max_out)
        json_array_append_new(reasons, json_pack("{s:s, s:s}", "code", "source-busy", "message",
                                                 "as many migrations leave this host as max_out "
                                                 "allows: try again when one has ended"));
    if (json_array_size(reasons) > 0) {
        *ret_reasons = reasons;
        return true;
    }
    json_decref(reasons);
    identity = (FerryJobIdentity){ .id = plan->job,
                                   .side = FERRY_SIDE_SOURCE,
                                   .guest_name = plan->guest_name,
                                   .guest_uuid = plan->guest_uuid,
                                   .source = plan->source,
                                   .target = plan->target };
    plan->request_key = g_strdup(request->key);
    plan->request_digest = g_strdup(request->digest);
    run = ferry_run_claim(self, &identity, plan, &busy);
    if (run == NULL) { /* perhaps by the same request, sent again while this one was checked */
        if (was_begun(self, request, ret_job, error))
            return *ret_job != NULL;
        g_propagate_error(error, g_steal_pointer(&busy));
        return false;
    }
    if (!ferry_run_begin_source(run, g_steal_pointer(&plan), host->address, error))
        return false;
    *ret_job = ferry_job_ref(run->job);
    return true;
}

bool
ferry_migrator_cancel(FerryMigrator *self, FerryJob *job, GError **error)
{
    const FerryJobIdentity *who = ferry_job_identity(job);
    FerryRun *run = ferry_run_find(self, who->id);
    FerryRecordKind record = FERRY_RECORD_NONE;

    if (ferry_job_is_over(job)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "job %s is over (%s): see \"ferry job show %s\"", who->id,
                    ferry_job_state_name(ferry_job_state(job)), who->id);
        return false;
    }
    if (who->side != FERRY_SIDE_SOURCE && who->kind == FERRY_JOB_MIGRATE) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "job %s is led by %s: run \"ferry job cancel %s\" there", who->id, who->source,
                    who->id);
        return false;
    }
    (void)pthread_mutex_lock(&run->lock);
    record = run->record;
    (void)pthread_mutex_unlock(&run->lock);
    if (who->kind != FERRY_JOB_MIGRATE && ferry_saved_is_too_late(record)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "too late: job %s only goes forward now; see \"ferry job show %s\"", who->id,
                    who->id);
        return false;
    }
    if (record == FERRY_RECORD_HANDOFF || record == FERRY_RECORD_COMMITTED) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "too late: job %s is handing the guest over to %s; see \"ferry job show %s\"",
                    who->id, who->target, who->id);
        return false;
    }
    ferry_job_cancel(job);
    ferry_bell_ring(self->bell);
    return true;
}
