/* What a user asks for: a migration, and its end. */
#include "base/error.h"
#include "migrate/begin.h"
#include "migrate/check.h"
#include "migrate/forecast.h"
#include "migrate/objection.h"

/* What the check found out and the job needs: the forecast, to be held against what is measured and
 * for what the link gives, and into which kind of device each state goes. */
static void
keep_findings(FerryPlan *plan, const json_t *answer)
{
    const json_t *forecast = json_object_get(answer, "blackout");
    const json_t *predicted = json_object_get(forecast, "blackout_ms");
    const json_t *device = NULL;
    size_t i = 0;

    plan->predicted_ms = json_is_integer(predicted) ? json_integer_value(predicted) : -1;
    if (plan->parallel == 0)
        plan->parallel = ferry_forecast_connections(forecast, plan->bandwidth_bps);
    json_array_foreach(json_object_get(answer, "devices"), i, device)
    {
        const char *alias = json_string_value(json_object_get(device, "alias"));
        const json_t *slot = json_object_get(device, "slot");

        for (guint j = 0; j < plan->needs->len; j++) {
            FerryPlanNeed *need = g_ptr_array_index(plan->needs, j);

            if (need->target_print == NULL && g_strcmp0(need->alias, alias) == 0)
                need->target_print = g_strdup(json_string_value(json_object_get(slot, "print")));
        }
    }
}

/* Plan and both halves of the check; the reasons are all that speaks against it. */
static bool
plan_and_check(FerryMigrator *self,
               const FerryMigrationRequest *request,
               FerryHostRow **ret_host,
               FerryPlan **ret_plan,
               json_t *reasons,
               GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryPlan) plan = NULL;
    json_t *answer = NULL;
    json_t *own = json_array();
    bool ok = false;

    if (g_strcmp0(request->to, self->config.name) == 0) {
        ferry_object(reasons, "already-there",
                     "the target is this host: the guest is already there");
        json_decref(own);
        return true;
    }
    ok = ferry_run_find_host(self, request->to, &host, error) &&
         ferry_begin_plan(self, request, &plan, own, error) &&
         ferry_run_check_free(self, plan->guest_uuid, error) &&
         ferry_check_host(self, host, plan, own, &answer, error);
    json_decref(own);
    if (!ok)
        return false;
    json_array_extend(reasons, json_object_get(answer, "reasons"));
    keep_findings(plan, answer);
    json_decref(answer);
    *ret_host = g_steal_pointer(&host);
    *ret_plan = g_steal_pointer(&plan);
    return true;
}

/* Whether the key began a job before; then it is in @ret_job, unless something else was asked. */
static bool
was_begun(FerryMigrator *self,
          const FerryMigrationRequest *request,
          FerryJob **ret_job,
          GError **error)
{
    g_autoptr(FerryRun) run = request->key == NULL ? NULL : ferry_run_of_key(self, request->key);

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
    g_autoptr(FerryRun) run = NULL;
    FerryJobIdentity identity;
    g_autoptr(GError) busy = NULL;

    if (was_begun(self, request, ret_job, error)) {
        json_decref(reasons);
        return *ret_job != NULL;
    }
    if (!ferry_store_make_room(self->config.store, error) || /* a migration needs its journal */
        !plan_and_check(self, request, &host, &plan, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    if (plan != NULL && ferry_run_count(self, FERRY_SIDE_SOURCE) >= self->config.max_out)
        ferry_object(reasons, "source-busy",
                     "as many migrations leave this host as max_out allows: try again when one "
                     "has ended");
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
    g_autoptr(FerryRun) run = ferry_run_find(self, who->id);
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
