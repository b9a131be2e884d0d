#include "migrate/hold.h"

#include "base/error.h"
#include "client/client.h"
#include "migrate/begin.h"
#include "migrate/run.h"

#define PEER_TIMEOUT_MS 15000

FerryReservations
ferry_run_reservations(FerryMigrator *migrator)
{
    return (FerryReservations){ .store = migrator->config.store,
                                .reserve = ferry_run_reserve(migrator),
                                .clock = migrator->config.clock };
}

static int64_t
now_us(const FerryMigrator *self)
{
    return self->config.clock->wall_us(self->config.clock);
}

static bool
find(FerryMigrator *self, const char *id, FerryReservationRow **ret, GError **error)
{
    if (!ferry_store_reservation_find(self->config.store, id, ret, error))
        return false;
    if (*ret != NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "reservation %s is not known here: see \"ferry reservation list\"", id);
    return false;
}

/* ---- reserve, at the source ---- */

/* What the migration will be asked with, for it names the reservation alone. */
static char *
terms_of(const FerryMigrationRequest *request)
{
    json_t *json =
        json_pack("{s:b, s:b, s:O*}", "accept_unknown", request->accept_unknown, "allow_degraded",
                  request->allow_degraded, "devices", request->devices);
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    return text;
}

/* Kept so that this host finds it again; the peer has made it already. */
static bool
keep_row(FerryMigrator *self,
         const FerryMigrationRequest *request,
         const FerryPlan *plan,
         int64_t ttl_ms,
         const json_t *answer,
         GError **error)
{
    const int64_t now = now_us(self);
    g_autoptr(FerryReservationRow) holder = NULL;
    char *terms = terms_of(request);
    char *devices = json_dumps(json_object_get(answer, "devices"), JSON_COMPACT);
    const FerryReservationRow row = { .id = plan->job,
                                      .side = FERRY_SIDE_SOURCE,
                                      .guest_uuid = plan->guest_uuid,
                                      .guest_name = plan->guest_name,
                                      .peer = plan->target,
                                      .terms = terms,
                                      .devices = devices != NULL ? devices : (char *)"[]",
                                      .state = FERRY_RESERVATION_HELD,
                                      .job = (char *)"",
                                      .created_us = now,
                                      .expires_us = now + 1000 * ttl_ms };
    bool ok = ferry_store_reservation_add(self->config.store, &row, now, &holder, error);

    free(terms); /* jansson's malloc, not GLib's */
    free(devices);
    return ok;
}

/* @body: (transfer full) (nullable) */
static bool
call_peer(FerryMigrator *self,
          const FerryHostRow *host,
          const char *method,
          const char *id,
          json_t *body,
          FerryReply *reply,
          GError **error)
{
    g_autoptr(FerryClient) client = NULL;
    g_autofree char *path = g_strdup_printf("/v1/peer/reservations/%s", id);
    bool ok =
        ferry_client_new_peer(self->config.identity, host->name, host->address, &client, error) &&
        ferry_client_call(client, method, path, body, PEER_TIMEOUT_MS, reply, error);

    json_decref(body);
    if (!ok)
        g_prefix_error(error, "reservation at %s: ", host->name);
    return ok;
}

/* All that speaks against it on this host, and there. */
static bool
plan_and_ask(FerryMigrator *self,
             const FerryMigrationRequest *request,
             const FerryHostRow *host,
             int64_t ttl_ms,
             FerryPlan **ret_plan,
             FerryReply *reply,
             json_t *reasons,
             GError **error)
{
    if (!ferry_begin_plan(self, request, ret_plan, reasons, error) ||
        !ferry_run_check_free(self, (*ret_plan)->guest_uuid, error))
        return false;
    if (json_array_size(reasons) > 0)
        return true;
    if (!call_peer(self, host, "POST", (*ret_plan)->job,
                   json_pack("{s:o, s:I}", "plan", ferry_plan_format(*ret_plan), "ttl_ms",
                             (json_int_t)ttl_ms),
                   reply, error))
        return false;
    json_array_extend(reasons, json_object_get(reply->body, "reasons"));
    return true;
}

bool
ferry_migrator_reserve(FerryMigrator *self,
                       const FerryMigrationRequest *request,
                       int64_t ttl_ms,
                       json_t **ret,
                       json_t **ret_reasons,
                       GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(FerryPlan) plan = NULL;
    g_auto(FerryReply) reply = { 0 };
    json_t *reasons = NULL;

    if (!ferry_run_find_host(self, request->to, &host, error))
        return false;
    reasons = json_array();
    if (!plan_and_ask(self, request, host, ttl_ms, &plan, &reply, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    if (json_array_size(reasons) > 0) {
        *ret_reasons = reasons;
        return true;
    }
    json_decref(reasons);
    if (!keep_row(self, request, plan, ttl_ms, reply.body, error)) {
        g_auto(FerryReply) undone = { 0 };

        (void)call_peer(self, host, "DELETE", plan->job, NULL, &undone, NULL); /* else it expires */
        return false;
    }
    return ferry_migrator_reservation(self, plan->job, ret, error);
}

static bool
check_request(const FerryMigrationRequest *request, const FerryReservationRow *row, GError **error)
{
    if (row->side != FERRY_SIDE_SOURCE)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "reservation %s holds slots of this host: name it on %s, which the guest "
                    "leaves",
                    row->id, row->peer);
    else if (request->devices != NULL || request->accept_unknown || request->allow_degraded ||
             (request->to != NULL && !g_str_equal(request->to, row->peer)))
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "reservation %s says itself that it is at %s, with which devices, and what "
                    "is accepted of them: leave that out",
                    row->id, row->peer);
    else
        return true;
    return false;
}

bool
ferry_migrator_take_terms(FerryMigrator *self,
                          FerryMigrationRequest *request,
                          json_t **ret_terms,
                          GError **error)
{
    g_autoptr(FerryReservationRow) row = NULL;
    json_t *terms = NULL;

    if (request->reservation == NULL && request->to == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"to\" is missing: name a host, or a reservation");
    if (request->reservation == NULL)
        return request->to != NULL;
    if (!find(self, request->reservation, &row, error) || !check_request(request, row, error))
        return false;
    terms = json_loads(row->terms, 0, NULL);
    json_object_set_new(terms, "to", json_string(row->peer));
    request->to = json_string_value(json_object_get(terms, "to"));
    request->accept_unknown = json_is_true(json_object_get(terms, "accept_unknown"));
    request->allow_degraded = json_is_true(json_object_get(terms, "allow_degraded"));
    request->devices = json_object_get(terms, "devices");
    *ret_terms = terms;
    return true;
}

void
ferry_migrator_reservation_used(FerryMigrator *self, const char *id, const char *job)
{
    g_autoptr(FerryReservationRow) as_it_is = NULL;

    (void)ferry_store_reservation_take(self->config.store, id, job, now_us(self), &as_it_is, NULL);
}

/* ---- look, cancel ---- */

bool
ferry_migrator_reservations(FerryMigrator *self, json_t **ret, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;
    json_t *all = NULL;

    if (!ferry_store_reservation_list(self->config.store, &rows, error))
        return false;
    all = json_array();
    for (guint i = 0; i < rows->len; i++)
        json_array_append_new(all, ferry_reservation_json(g_ptr_array_index(rows, i),
                                                          self->config.name, now_us(self)));
    *ret = all;
    return true;
}

bool
ferry_migrator_reservation(FerryMigrator *self, const char *id, json_t **ret, GError **error)
{
    g_autoptr(FerryReservationRow) row = NULL;

    if (!find(self, id, &row, error))
        return false;
    *ret = ferry_reservation_json(row, self->config.name, now_us(self));
    return true;
}

static bool
check_not_used(const FerryReservationRow *row, GError **error)
{
    if (row->state != FERRY_RESERVATION_USED)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                "reservation %s was used by job %s, which has its devices: see \"ferry job show "
                "%s\"",
                row->id, row->job, row->job);
    return false;
}

static bool
cancel_there(FerryMigrator *self, const FerryReservationRow *row, GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;
    g_auto(FerryReply) reply = { 0 };

    return ferry_run_find_host(self, row->peer, &host, error) &&
           call_peer(self, host, "DELETE", row->id, NULL, &reply, error);
}

bool
ferry_migrator_reservation_cancel(FerryMigrator *self, const char *id, GError **error)
{
    const FerryReservations held = ferry_run_reservations(self);
    g_autoptr(FerryReservationRow) row = NULL;

    if (!find(self, id, &row, error) || !check_not_used(row, error))
        return false;
    if (row->side == FERRY_SIDE_SOURCE && ferry_reservation_is_open(row, now_us(self)) &&
        !cancel_there(self, row, error))
        return false;
    return ferry_reservations_cancel(&held, id, error);
}

bool
ferry_migrator_holds(FerryMigrator *self, const char *id)
{
    g_autoptr(FerryReservationRow) row = NULL;
    g_autoptr(FerryJob) job = NULL;

    if (!ferry_store_reservation_find(self->config.store, id, &row, NULL))
        return true; /* not known: nothing is given back on a guess */
    if (row == NULL || row->side != FERRY_SIDE_TARGET)
        return false;
    if (row->state != FERRY_RESERVATION_USED)
        return ferry_reservation_is_open(row, now_us(self));
    job = ferry_migrator_job(self, row->job); /* a look that began before it was used */
    return job != NULL && !ferry_job_is_over(job);
}

/* ---- for peers ---- */

static bool
check_and_make(FerryMigrator *self,
               const FerryPlan *plan,
               int64_t ttl_ms,
               json_t **ret,
               json_t **ret_reasons,
               GError **error)
{
    const FerryReservations held = ferry_run_reservations(self);
    json_t *reasons = json_array();

    if (!ferry_begin_check(self, plan, NULL, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    if (json_array_size(reasons) > 0) {
        *ret_reasons = reasons;
        return true;
    }
    json_decref(reasons);
    return ferry_reservations_make(&held, plan, ttl_ms, ret, ret_reasons, error);
}

bool
ferry_migrator_peer_reserve(FerryMigrator *self,
                            const char *caller,
                            const char *id,
                            const json_t *body,
                            json_t **ret,
                            json_t **ret_reasons,
                            GError **error)
{
    g_autoptr(FerryPlan) plan = NULL;
    const json_int_t ttl_ms = json_integer_value(json_object_get(body, "ttl_ms"));

    if (!ferry_plan_parse(json_object_get(body, "plan"), &plan, error))
        return false;
    if (g_strcmp0(plan->source, caller) != 0 || g_strcmp0(plan->target, self->config.name) != 0 ||
        g_strcmp0(plan->job, id) != 0 || plan->reservation != NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED,
                    "the plan of reservation %s is not one from %s to %s", id, caller,
                    self->config.name);
        return false;
    }
    if (ttl_ms < 1 || ttl_ms > FERRY_RESERVATION_MAX_MS) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "reservation %s: \"ttl_ms\" is not from 1 to %" G_GINT64_FORMAT, id,
                    FERRY_RESERVATION_MAX_MS);
        return false;
    }
    return check_and_make(self, plan, ttl_ms, ret, ret_reasons, error);
}

bool
ferry_migrator_peer_release(FerryMigrator *self, const char *caller, const char *id, GError **error)
{
    const FerryReservations held = ferry_run_reservations(self);
    g_autoptr(FerryReservationRow) row = NULL;

    if (!ferry_store_reservation_find(self->config.store, id, &row, error))
        return false;
    if (row == NULL || row->side != FERRY_SIDE_TARGET || g_strcmp0(row->peer, caller) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "%s holds no reservation %s of %s",
                    self->config.name, id, caller);
        return false;
    }
    return check_not_used(row, error) && ferry_reservations_cancel(&held, id, error);
}
