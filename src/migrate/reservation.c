#include "migrate/reservation.h"

#include <string.h>

#include "base/error.h"
#include "migrate/objection.h"

/* How long one that has ended can still be asked about: "expired" says more than "not found". */
#define REMEMBERED_US (7 * 24 * 3600 * INT64_C(1000000))

static int64_t
now_us(const FerryReservations *self)
{
    return self->clock->wall_us(self->clock);
}

/* What the guest's devices need, without what is only found of them: that is judged anew when it
 * comes, and may be known better by then. */
static json_t *
terms_of(const FerryPlan *plan)
{
    static const char *const found[] = { "facts", "source_print", "target_print", "state_bytes",
                                         "state_basis" };
    json_t *terms = ferry_needs_format(plan->needs);
    json_t *need = NULL;
    size_t i = 0;

    json_array_foreach(terms, i, need)
    {
        for (size_t k = 0; k < G_N_ELEMENTS(found); k++)
            (void)json_object_del(need, found[k]);
    }
    return terms;
}

/* ---- make ---- */

/* (transfer full) (nullable): text of what is held for which device */
static char *
describe(const FerryReservations *self, const FerryPlan *plan, GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    json_t *devices = NULL;
    char *text = NULL;

    if (self->reserve.pools == NULL)
        return g_strdup("[]");
    if (!ferry_pools_claims(self->reserve.pools, plan->guest_uuid, &claims, error))
        return NULL;
    devices = json_array();
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);
        const FerryClaimRow *claim = ferry_reserve_claim_of(claims, plan->job, need);

        json_array_append_new(
            devices, json_pack("{s:s, s:s, s:s?, s:s?, s:s?}", "alias", need->alias, "way",
                               ferry_way_name(need->way), "pool", need->pool, "slot",
                               claim != NULL ? claim->slot : NULL, "device", need->device));
    }
    text = json_dumps(devices, JSON_COMPACT);
    json_decref(devices);
    return text;
}

static void
object_holder(const FerryReservationRow *holder, json_t *reasons)
{
    g_autofree char *until = ferry_clock_format(holder->expires_us);

    ferry_object(
        reasons, "reserved",
        "the target holds reservation %s for %s until %s: migrate with --reservation %s, or run "
        "\"ferry reservation cancel %s\"",
        holder->id, holder->guest_name, until, holder->id, holder->id);
}

static bool
add_row(const FerryReservations *self,
        const FerryPlan *plan,
        int64_t ttl_ms,
        json_t *reasons,
        GError **error)
{
    const int64_t now = now_us(self);
    g_autoptr(FerryReservationRow) holder = NULL;
    json_t *json = terms_of(plan);
    char *terms = json_dumps(json, JSON_COMPACT);
    const FerryReservationRow row = { .id = plan->job,
                                      .side = FERRY_SIDE_TARGET,
                                      .guest_uuid = plan->guest_uuid,
                                      .guest_name = plan->guest_name,
                                      .peer = plan->source,
                                      .terms = terms,
                                      .devices = (char *)"[]",
                                      .job = (char *)"",
                                      .created_us = now,
                                      .expires_us = now + 1000 * ttl_ms };
    bool ok = ferry_store_reservation_forget(self->store, now - REMEMBERED_US, error) &&
              ferry_store_reservation_add(self->store, &row, now, &holder, error);

    if (holder != NULL)
        object_holder(holder, reasons);
    json_decref(json);
    free(terms); /* jansson's malloc, not GLib's */
    return ok;
}

/* What could not be held whole is not held at all. */
static void
give_up(const FerryReservations *self, const char *id)
{
    (void)ferry_store_reservation_cancel(self->store, id, NULL);
    (void)ferry_reserve_release_job(&self->reserve, id, NULL); /* else the keeper does it */
}

static bool
hold(const FerryReservations *self, const FerryPlan *plan, json_t **ret_reasons, GError **error)
{
    g_autofree char *devices = NULL;

    if (!ferry_reserve_claim(&self->reserve, plan, ret_reasons, error))
        return false;
    if (*ret_reasons != NULL)
        return true;
    devices = describe(self, plan, error);
    return devices != NULL &&
           ferry_store_reservation_settle(self->store, plan->job, devices, error);
}

bool
ferry_reservations_make(const FerryReservations *self,
                        const FerryPlan *plan,
                        int64_t ttl_ms,
                        json_t **ret,
                        json_t **ret_reasons,
                        GError **error)
{
    g_autoptr(FerryReservationRow) row = NULL;
    json_t *reasons = json_array();

    if (!add_row(self, plan, ttl_ms, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    if (json_array_size(reasons) > 0) {
        *ret_reasons = reasons;
        return true;
    }
    json_decref(reasons);
    reasons = NULL;
    if (!hold(self, plan, &reasons, error) || reasons != NULL) {
        give_up(self, plan->job);
        *ret_reasons = reasons;
        return reasons != NULL;
    }
    if (!ferry_store_reservation_find(self->store, plan->job, &row, error))
        return false;
    *ret = ferry_reservation_json(row, plan->target, now_us(self));
    return true;
}

/* ---- use ---- */

static const json_t *
need_of(const json_t *needs, const char *alias)
{
    const json_t *need = NULL;
    size_t i = 0;

    json_array_foreach(needs, i, need)
    {
        if (g_strcmp0(json_string_value(json_object_get(need, "alias")), alias) == 0)
            return need;
    }
    return NULL;
}

/* (nullable): the alias of a need of @some that is not the same in @others */
static const char *
find_differing(const json_t *some, const json_t *others)
{
    const json_t *need = NULL;
    size_t i = 0;

    json_array_foreach(some, i, need)
    {
        const char *alias = json_string_value(json_object_get(need, "alias"));
        const json_t *other = need_of(others, alias);

        if (other == NULL || !json_equal(need, other))
            return alias;
    }
    return NULL;
}

static void
check_terms(const FerryReservationRow *row, const FerryPlan *plan, json_t *reasons)
{
    json_t *then = json_loads(row->terms, 0, NULL);
    json_t *now = terms_of(plan);
    const char *alias = find_differing(now, then);

    if (alias == NULL)
        alias = find_differing(then, now);
    if (alias != NULL)
        ferry_object(
            reasons, "reservation-changed",
            "the devices of %s have changed since reservation %s was made (%s): cancel it, and "
            "reserve anew",
            plan->guest_name, row->id, alias);
    json_decref(then);
    json_decref(now);
}

static void
check_state(const FerryReservationRow *row, const char *job, int64_t now, json_t *reasons)
{
    g_autofree char *until = ferry_clock_format(row->expires_us);

    if (row->state == FERRY_RESERVATION_USED) {
        if (!g_str_equal(row->job, job))
            ferry_object(reasons, "reservation-used",
                         "reservation %s was used by job %s: one serves once, reserve anew",
                         row->id, row->job);
    } else if (row->state == FERRY_RESERVATION_CANCELLED) {
        ferry_object(reasons, "reservation-cancelled", "reservation %s was cancelled: reserve anew",
                     row->id);
    } else if (!ferry_reservation_is_open(row, now)) {
        ferry_object(reasons, "reservation-expired", "reservation %s expired at %s: reserve anew",
                     row->id, until);
    } else if (row->state == FERRY_RESERVATION_MAKING) {
        ferry_object(reasons, "reservation-not-made", "reservation %s is not made yet", row->id);
    }
}

/* Another host's reservation is like none: its id is that host's to know. */
static bool
is_for(const FerryReservationRow *row, const FerryPlan *plan)
{
    return row != NULL && row->side == FERRY_SIDE_TARGET && g_str_equal(row->peer, plan->source);
}

static bool
check_named(const FerryReservations *self, const FerryPlan *plan, json_t *reasons, GError **error)
{
    g_autoptr(FerryReservationRow) row = NULL;

    if (!ferry_store_reservation_find(self->store, plan->reservation, &row, error))
        return false;
    if (!is_for(row, plan)) {
        ferry_object(reasons, "no-reservation", "%s holds no reservation %s of %s: reserve anew",
                     plan->target, plan->reservation, plan->source);
        return true;
    }
    if (!g_str_equal(row->guest_uuid, plan->guest_uuid)) {
        ferry_object(reasons, "reservation-of-other-guest",
                     "reservation %s is for guest %s, not for %s", row->id, row->guest_name,
                     plan->guest_name);
        return true;
    }
    check_state(row, plan->job, now_us(self), reasons);
    if (json_array_size(reasons) == 0)
        check_terms(row, plan, reasons);
    return true;
}

static bool
check_unnamed(const FerryReservations *self, const FerryPlan *plan, json_t *reasons, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    if (!ferry_store_reservation_list(self->store, &rows, error))
        return false;
    for (guint i = 0; i < rows->len; i++) {
        const FerryReservationRow *row = g_ptr_array_index(rows, i);

        if (row->side == FERRY_SIDE_TARGET && g_str_equal(row->guest_uuid, plan->guest_uuid) &&
            ferry_reservation_is_open(row, now_us(self)))
            object_holder(row, reasons);
    }
    return true;
}

bool
ferry_reservations_check(const FerryReservations *self,
                         const FerryPlan *plan,
                         json_t *reasons,
                         GError **error)
{
    return plan->reservation != NULL ? check_named(self, plan, reasons, error)
                                     : check_unnamed(self, plan, reasons, error);
}

/* Whether the claim has every value that the verdict asks to be set now. */
static bool
has_values(const FerryClaimRow *claim, const json_t *set)
{
    json_t *attrs = json_loads(claim->attrs, 0, NULL);
    bool all = true;

    for (void *at = json_object_iter((json_t *)set); at != NULL && all;
         at = json_object_iter_next((json_t *)set, at)) {
        json_t *wanted = json_pack("{s:s, s:O}", "name", json_object_iter_key(at), "value",
                                   json_object_iter_value(at));
        const json_t *attr = NULL;
        size_t i = 0;

        all = false;
        json_array_foreach(attrs, i, attr) all = all || json_equal(attr, wanted);
        json_decref(wanted);
    }
    json_decref(attrs);
    return all;
}

/* Driver and rules may be others than when it was made: judged as if the guest came unannounced. */
static bool
judge(const FerryReservations *self, const FerryPlan *plan, json_t *reasons, GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    json_t *answers = NULL;

    if (plan->needs->len == 0 || self->reserve.offers == NULL)
        return true;
    if (!ferry_pools_claims(self->reserve.pools, plan->guest_uuid, &claims, error) ||
        !ferry_offers_answer(self->reserve.offers, plan, &answers, reasons, error))
        return false;
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);
        const FerryClaimRow *claim = ferry_reserve_claim_of(claims, plan->reservation, need);

        if (claim != NULL && !has_values(claim, json_object_get(json_array_get(answers, i), "set")))
            ferry_object(
                reasons, "reservation-changed",
                "%s would have to be set otherwise than when reservation %s was made: cancel "
                "it, and reserve anew",
                need->alias, plan->reservation);
    }
    json_decref(answers);
    return true;
}

bool
ferry_reservations_take(const FerryReservations *self,
                        const FerryPlan *plan,
                        json_t **ret_reasons,
                        GError **error)
{
    g_autoptr(FerryReservationRow) row = NULL;
    json_t *reasons = json_array();
    bool ok = check_named(self, plan, reasons, error) &&
              (json_array_size(reasons) > 0 || judge(self, plan, reasons, error)) &&
              (json_array_size(reasons) > 0 ||
               ferry_store_reservation_take(self->store, plan->reservation, plan->job, now_us(self),
                                            &row, error));

    if (ok && row != NULL) { /* it ended, or was used, since it was looked at */
        check_state(row, plan->job, now_us(self), reasons);
        if (json_array_size(reasons) == 0)
            ferry_object(reasons, "no-reservation", "reservation %s is gone", plan->reservation);
    }
    if (ok && json_array_size(reasons) > 0)
        *ret_reasons = json_incref(reasons);
    json_decref(reasons);
    return ok;
}

bool
ferry_reservations_cancel(const FerryReservations *self, const char *id, GError **error)
{
    return ferry_store_reservation_cancel(self->store, id, error) &&
           ferry_reserve_release_job(&self->reserve, id, error);
}

/* ---- show ---- */

json_t *
ferry_reservation_json(const FerryReservationRow *row, const char *name, int64_t now_us)
{
    const bool source = row->side == FERRY_SIDE_SOURCE;
    const bool ended =
        row->state == FERRY_RESERVATION_USED || row->state == FERRY_RESERVATION_CANCELLED;
    g_autofree char *created = ferry_clock_format(row->created_us);
    g_autofree char *expires = ferry_clock_format(row->expires_us);
    json_t *devices = json_loads(row->devices, 0, NULL);

    return json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s*, s:o}", "id", row->id, "side",
        ferry_side_name(row->side), "guest", "name", row->guest_name, "uuid", row->guest_uuid,
        "source", source ? name : row->peer, "target", source ? row->peer : name, "state",
        ended || ferry_reservation_is_open(row, now_us) ? ferry_reservation_state_name(row->state)
                                                        : "expired",
        "created", created, "expires", expires, "job", row->job[0] != '\0' ? row->job : NULL,
        "devices", devices != NULL ? devices : json_array());
}
