/*
 * "ferry resolve": the safeguards, and the way of a decision to the job's thread.
 *
 *   user's thread   checks, reads the evidence, leaves the decision in the run, waits
 *   job's thread    takes it between two steps, answers
 */
#include "base/error.h"
#include "client/client.h"
#include "migrate/objection.h"
#include "migrate/run.h"
#include "store/evidence.h"
#include "store/host.h"

#define ALIVE_MS 2000  /* a host that answers within this is not fenced */
#define TAKE_MS  20000 /* a step may wait for a peer, or 10 s for libvirt's call to end */

typedef struct _FerryResolveCall {
    const FerryResolution *resolution;
    bool taken, answered;
    FerryStep step;
    json_t *reasons;
    GError *error;
} FerryResolveCall;

/* ---- the job's thread ---- */

static FerryStep
ask_driver(FerryRun *self, FerryResolveCall *call)
{
    if (self->source != NULL)
        return ferry_source_resolve(self->source, call->resolution, call->reasons, &call->error);
    return ferry_target_resolve(self->target, call->resolution, call->reasons, &call->error);
}

FerryStep
ferry_run_take_resolution(FerryRun *self)
{
    FerryResolveCall *call = NULL;
    FerryStep step = FERRY_STEP_AGAIN;

    (void)pthread_mutex_lock(&self->lock);
    call = self->resolve;
    if (call != NULL)
        call->taken = true;
    self->resolve = NULL;
    (void)pthread_mutex_unlock(&self->lock);
    if (call == NULL)
        return FERRY_STEP_AGAIN;
    step = ask_driver(self, call);
    (void)pthread_mutex_lock(&self->lock);
    call->step = step;
    call->answered = true; /* from here on it is the caller's again */
    (void)pthread_mutex_unlock(&self->lock);
    ferry_bell_ring(self->migrator->shown);
    return step == FERRY_STEP_FAILED ? step : FERRY_STEP_AGAIN;
}

/* ---- the user's thread ---- */

/* Returns: whether the decision was taken up; what the driver said is in @call then. */
static bool
deliver(FerryRun *run, FerryResolveCall *call)
{
    const FerryClock *clock = run->migrator->config.clock;
    int64_t until_ms = clock->now_ms(clock) + TAKE_MS;
    bool waiting = false;

    (void)pthread_mutex_lock(&run->lock);
    waiting = run->resolve == NULL && !run->over;
    if (waiting)
        run->resolve = call;
    (void)pthread_mutex_unlock(&run->lock);
    ferry_bell_ring(run->migrator->bell);
    while (waiting) {
        uint64_t rung = ferry_bell_rung(run->migrator->shown);
        bool late = clock->now_ms(clock) >= until_ms || ferry_migrator_is_stopping(run->migrator);

        (void)pthread_mutex_lock(&run->lock);
        waiting = !call->answered;
        if (!call->taken && (run->over || late)) {
            run->resolve = NULL;
            waiting = false;
        }
        (void)pthread_mutex_unlock(&run->lock);
        if (waiting)
            (void)ferry_bell_wait(run->migrator->shown, rung, 250);
    }
    return call->answered;
}

static const char *
other_host(const FerryJobIdentity *who)
{
    return who->side == FERRY_SIDE_SOURCE ? who->target : who->source;
}

static bool invalid(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
invalid(GError **error, const char *format, ...)
{
    va_list values;
    g_autofree char *message = NULL;

    va_start(values, format);
    message = g_strdup_vprintf(format, values);
    va_end(values);
    g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID, message);
    return false;
}

static bool
check_request(FerryJob *job, const FerryResolveRequest *request, GError **error)
{
    const FerryJobIdentity *who = ferry_job_identity(job);

    if (ferry_job_is_over(job))
        return invalid(error, "job %s is over (%s): see \"ferry job show %s\"", who->id,
                       ferry_job_state_name(ferry_job_state(job)), who->id);
    if (request->keep != who->side)
        return invalid(error,
                       "this is the job's %s: a decision is given on the host that is kept, so run "
                       "it on %s",
                       ferry_side_name(who->side), other_host(who));
    if (g_strcmp0(request->fenced, other_host(who)) != 0)
        return invalid(error,
                       "the job's other host is %s, not %s: switch that one off or cut it off from "
                       "the guest's disks, then type its name",
                       other_host(who), request->fenced);
    return true;
}

/* Whose ferryd answers is not off, and the job ends by itself. */
static bool
answers(FerryMigrator *self, const char *host_name)
{
    const FerryMigratorConfig *config = &self->config;
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };

    return config->identity != NULL &&
           ferry_store_host_find(config->store, host_name, &host, NULL) && host != NULL &&
           ferry_client_new_peer(config->identity, host_name, host->address, &client, NULL) &&
           ferry_client_call(client, "GET", "/v1/peer/version", NULL, ALIVE_MS, &reply, NULL);
}

static bool
read_evidence(FerryMigrator *self,
              const FerryJobIdentity *who,
              const char *path,
              GPtrArray **ret,
              GError **error)
{
    const FerryEvidence wanted = { .job = who->id,
                                   .side = who->side == FERRY_SIDE_SOURCE ? FERRY_SIDE_TARGET
                                                                          : FERRY_SIDE_SOURCE,
                                   .guest_uuid = who->guest_uuid };

    return path == NULL || ferry_evidence_read(path, self->config.marker_dir, &wanted, ret, error);
}

/* What people must find again later: a line of its own, beside the journal's record. */
static void
log_decision(const FerryJobIdentity *who, const FerryResolveRequest *request)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "JOB", who->id, "GUEST", who->guest_name,
                     "PEER", request->fenced, "MESSAGE",
                     "job %s: %s resolved it for the %s, with %s fenced: %s", who->id, request->by,
                     ferry_side_name(request->keep), request->fenced, request->reason);
}

bool
ferry_migrator_resolve(FerryMigrator *self,
                       FerryJob *job,
                       const FerryResolveRequest *request,
                       json_t **ret_reasons,
                       GError **error)
{
    const FerryJobIdentity *who = ferry_job_identity(job);
    g_autoptr(FerryRun) run = ferry_run_find(self, who->id);
    g_autoptr(GPtrArray) records = NULL;
    FerryResolution resolution = { .fenced = request->fenced,
                                   .reason = request->reason,
                                   .by = request->by,
                                   .journal = request->journal,
                                   .loss = request->loss };
    FerryResolveCall call = { .resolution = &resolution };

    if (!check_request(job, request, error) ||
        !read_evidence(self, who, request->journal, &records, error))
        return false;
    resolution.peer_records = records;
    call.reasons = json_array();
    if (answers(self, request->fenced))
        ferry_object(call.reasons, "not-fenced",
                     "%s answers, so it is not fenced: the job ends by itself", request->fenced);
    else if (!deliver(run, &call) && check_request(job, request, &call.error)) /* not over now */
        g_set_error(&call.error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                    "job %s did not take the decision within %d s: nothing was changed, ask again",
                    who->id, TAKE_MS / 1000);
    if (call.error != NULL || json_array_size(call.reasons) == 0)
        g_clear_pointer(&call.reasons, json_decref);
    if (call.error != NULL) {
        g_propagate_error(error, call.error);
        return false;
    }
    if (call.reasons == NULL)
        log_decision(who, request);
    *ret_reasons = call.reasons;
    return true;
}
