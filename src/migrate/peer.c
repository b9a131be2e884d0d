/* What another host's ferryd asks. */
#include "base/error.h"
#include "migrate/begin.h"
#include "migrate/guard.h"
#include "migrate/objection.h"
#include "migrate/peer-words.h"
#include "migrate/run.h"
#include "store/history.h"

#define WAIT_MAX_MS 10000

/* A host that cannot write its journal takes no guest. */
static void
check_journal(FerryMigrator *self, json_t *reasons)
{
    g_autoptr(GError) error = NULL;

    if (!ferry_store_make_room(self->config.store, &error))
        ferry_object(reasons, "journal-unwritable", "%s", error->message);
}

/* What this host remembers of the guest's leaving it. */
static json_t *
moves_of(FerryMigrator *self, const FerryPlan *plan)
{
    g_autoptr(GPtrArray) moves = NULL;
    json_t *list = json_array();

    if (!ferry_history_moves(self->config.store, plan->guest_uuid, &moves, NULL))
        return list;
    for (guint i = 0; i < moves->len; i++)
        json_array_append_new(
            list, json_integer(((FerryHistoryRow *)g_ptr_array_index(moves, i))->blackout_ms));
    return list;
}

bool
ferry_migrator_peer_check(FerryMigrator *self,
                          const char *caller,
                          const json_t *json,
                          json_t **ret,
                          GError **error)
{
    g_autoptr(FerryPlan) plan = NULL;
    json_t *devices = NULL;
    json_t *reasons = NULL;

    if (!ferry_plan_parse(json, &plan, error))
        return false;
    if (g_strcmp0(plan->source, caller) != 0 || g_strcmp0(plan->target, self->config.name) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED,
                    "%s asks for a migration from %s to %s, this is %s", caller, plan->source,
                    plan->target, self->config.name);
        return false;
    }
    reasons = json_array();
    if (!ferry_begin_check(self, plan, &devices, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    check_journal(self, reasons);
    *ret = json_pack("{s:o, s:o, s:o, s:I}", "reasons", reasons, "devices", devices, "moves_ms",
                     moves_of(self, plan), "link_bps", (json_int_t)self->config.link_bps);
    return true;
}

static bool
is_callers(FerryRun *run, const char *caller, GError **error)
{
    const FerryJobIdentity *who = ferry_job_identity(run->job);
    const char *other = who->side == FERRY_SIDE_SOURCE ? who->target : who->source;

    if (g_strcmp0(other, caller) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED, "job %s is not one with %s", who->id,
                caller);
    return false;
}

/* A job that is new here: RESERVE begins it, ABORT leaves a tombstone, anything else knows none. */
static bool
begin(FerryMigrator *self,
      const char *caller,
      const char *job_id,
      const char *what,
      const json_t *body,
      FerryRun **ret,
      json_t **ret_reasons,
      GError **error)
{
    bool reserve = g_str_equal(what, "reserve");
    g_autoptr(FerryPlan) plan = NULL;
    g_autoptr(GError) busy = NULL;
    FerryJobIdentity identity = { .id = job_id,
                                  .side = FERRY_SIDE_TARGET,
                                  .guest_name = "",
                                  .guest_uuid = "",
                                  .source = caller,
                                  .target = self->config.name };

    if (!reserve && !g_str_equal(what, "abort"))
        return true;
    if (reserve) {
        if (!ferry_plan_parse(json_object_get(body, "plan"), &plan, error))
            return false;
        if (g_strcmp0(plan->job, job_id) != 0 || g_strcmp0(plan->source, caller) != 0) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED, "the plan is not %s's job %s",
                        caller, job_id);
            return false;
        }
        *ret_reasons = json_array();
        if (!ferry_begin_check(self, plan, NULL, *ret_reasons, error))
            return false;
        if (json_array_size(*ret_reasons) > 0)
            return true;
        json_decref(*ret_reasons);
        *ret_reasons = NULL;
        identity.guest_name = plan->guest_name;
        identity.guest_uuid = plan->guest_uuid;
    }
    *ret = ferry_run_claim(self, &identity, NULL, &busy);
    if (*ret != NULL)
        return ferry_run_begin_target(*ret, g_steal_pointer(&plan), error);
    *ret = ferry_run_find(self, job_id); /* the same request, sent again, was faster */
    if (*ret == NULL)
        *ret_reasons = ferry_objection("busy", "%s", busy->message);
    return true;
}

static FerrySaid
said_of(const json_t *body)
{
    const char *record = json_string_value(json_object_get(body, "record"));
    FerryRecordKind kind = FERRY_RECORD_NONE;

    return record != NULL && ferry_record_kind_parse(record, &kind) ? ferry_said_of_record(kind)
                                                                    : FERRY_SAID_UNKNOWN;
}

bool
ferry_migrator_peer_ask(FerryMigrator *self,
                        const char *caller,
                        const char *job_id,
                        const char *what,
                        const json_t *body,
                        json_t **ret,
                        json_t **ret_reasons,
                        GError **error)
{
    g_autoptr(FerryRun) run = ferry_run_find(self, job_id);
    json_int_t after = json_integer_value(json_object_get(body, "after"));
    json_int_t wait_ms = json_integer_value(json_object_get(body, "timeout_ms"));

    if (run == NULL && !begin(self, caller, job_id, what, body, &run, ret_reasons, error)) {
        json_decref(*ret_reasons);
        *ret_reasons = NULL;
        return false;
    }
    if (*ret_reasons != NULL)
        return true;
    if (run == NULL) {
        FerryAnswer none = { .record = FERRY_T_NONE, .domain = FERRY_TD_NONE };

        *ret = ferry_answer_format(&none, 0);
        return true;
    }
    if (!is_callers(run, caller, error))
        return false;
    if (ferry_job_identity(run->job)->side != FERRY_SIDE_TARGET) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "job %s leaves this host", job_id);
        return false;
    }
    *ret = ferry_run_ask_target(run, what, said_of(body), after < 0 ? 0 : (uint64_t)after,
                                CLAMP(wait_ms, 0, WAIT_MAX_MS));
    return true;
}

bool
ferry_migrator_peer_record(FerryMigrator *self,
                           const char *caller,
                           const char *job_id,
                           json_t **ret,
                           GError **error)
{
    g_autoptr(FerryRun) run = ferry_run_find(self, job_id);
    FerryRecordKind record = FERRY_RECORD_NONE;
    bool resolved = false;
    json_t *job = NULL;

    if (run == NULL || ferry_job_identity(run->job)->side != FERRY_SIDE_SOURCE) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "no job %s leaves this host",
                    job_id);
        return false;
    }
    if (!is_callers(run, caller, error))
        return false;
    (void)pthread_mutex_lock(&run->lock);
    record = run->record;
    resolved = run->resolved;
    (void)pthread_mutex_unlock(&run->lock);
    job = ferry_job_json(run->job);
    *ret = json_pack("{s:s, s:O, s:b}", "record", ferry_record_kind_name(record), "outcome",
                     json_object_get(job, "outcome"), "resolved", resolved);
    json_decref(job);
    return true;
}

void
ferry_migrator_guard(FerryMigrator *self, const FerryDomain *incoming, json_t *reasons)
{
    g_autoptr(FerryRun) run = ferry_run_of_guest(self, incoming->uuid);
    json_t *assign = NULL;

    if (ferry_run_count(self, FERRY_SIDE_TARGET) == 0)
        return;
    if (run != NULL && ferry_job_identity(run->job)->side == FERRY_SIDE_TARGET) {
        (void)pthread_mutex_lock(&run->lock);
        assign = json_deep_copy(json_object_get(run->answer.details, "assign"));
        (void)pthread_mutex_unlock(&run->lock);
    }
    ferry_guard_check(incoming, assign, reasons);
    json_decref(assign);
}

bool
ferry_migrator_peer_may_relay(FerryMigrator *self,
                              const char *caller,
                              const char *job_id,
                              GError **error)
{
    g_autoptr(FerryRun) run = ferry_run_find(self, job_id);

    if (run == NULL || ferry_job_identity(run->job)->side != FERRY_SIDE_TARGET) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "no job %s comes to this host",
                    job_id);
        return false;
    }
    return is_callers(run, caller, error);
}

void
ferry_migrator_peer_relay(FerryMigrator *self, const char *job_id, int fd)
{
    g_autoptr(FerryRun) run = ferry_run_find(self, job_id);

    if (run != NULL)
        ferry_run_relay(run, fd);
}
