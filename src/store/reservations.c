/*
 * Invariants of the table:
 *   1. A reservation leaves HELD once, to one job or to nobody.
 *   2. A guest has one open reservation at most on a host that is its target.
 *   3. Of a used one the claims are the job's: no claim has its id as its job.
 */
#include "store/reservations.h"

#include <string.h>

#include "base/error.h"
#include "store/query.h"

static const char *const state_names[] = {
    [FERRY_RESERVATION_MAKING] = "making",
    [FERRY_RESERVATION_HELD] = "reserved",
    [FERRY_RESERVATION_USED] = "used",
    [FERRY_RESERVATION_CANCELLED] = "cancelled",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == FERRY_RESERVATION_N_STATES);

#define COLUMNS                                                                                    \
    "id, side, guest_uuid, guest_name, peer, terms, devices, state, job, created_us, expires_us"

const char *
ferry_reservation_state_name(FerryReservationState state)
{
    g_assert(state < FERRY_RESERVATION_N_STATES);
    return state_names[state];
}

void
ferry_reservation_row_free(FerryReservationRow *row)
{
    if (row == NULL)
        return;
    g_free(row->id);
    g_free(row->guest_uuid);
    g_free(row->guest_name);
    g_free(row->peer);
    g_free(row->terms);
    g_free(row->devices);
    g_free(row->job);
    g_free(row);
}

bool
ferry_reservation_is_open(const FerryReservationRow *row, int64_t now_us)
{
    return (row->state == FERRY_RESERVATION_MAKING || row->state == FERRY_RESERVATION_HELD) &&
           row->expires_us > now_us;
}

static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    g_autoptr(FerryReservationRow) row = g_new0(FerryReservationRow, 1);
    g_autofree char *side = ferry_store_text(query, 1);
    g_autofree char *state = ferry_store_text(query, 7);
    int known = -1;

    row->id = ferry_store_text(query, 0);
    row->side = strcmp(side, ferry_side_name(FERRY_SIDE_TARGET)) == 0 ? FERRY_SIDE_TARGET
                                                                      : FERRY_SIDE_SOURCE;
    row->guest_uuid = ferry_store_text(query, 2);
    row->guest_name = ferry_store_text(query, 3);
    row->peer = ferry_store_text(query, 4);
    row->terms = ferry_store_text(query, 5);
    row->devices = ferry_store_text(query, 6);
    row->job = ferry_store_text(query, 8);
    row->created_us = sqlite3_column_int64(query, 9);
    row->expires_us = sqlite3_column_int64(query, 10);
    known = ferry_store_word(self, state, state_names, G_N_ELEMENTS(state_names), "reservation",
                             row->id, error);
    if (known < 0)
        return false;
    row->state = (FerryReservationState)known;
    *ret = g_steal_pointer(&row);
    return true;
}

static bool
first_row(FerryStore *self, sqlite3_stmt *query, FerryReservationRow **ret, GError **error)
{
    void *found = NULL;

    if (!ferry_store_first(self, query, row_of, &found, error))
        return false;
    *ret = found;
    return true;
}

static bool
find(FerryStore *self, const char *id, FerryReservationRow **ret, GError **error)
{
    g_autoptr(sqlite3_stmt) query =
        ferry_store_query(self, error, "SELECT " COLUMNS " FROM reservation WHERE id = ?", "s", id);

    return first_row(self, query, ret, error);
}

/* ---- add ---- */

typedef struct {
    const FerryReservationRow *row;
    int64_t now_us;
    FerryReservationRow *holder;
} Add;

static bool
find_holder(FerryStore *self, Add *add, GError **error)
{
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error,
        "SELECT " COLUMNS " FROM reservation WHERE id = ?1"
        " OR (side = 'target' AND ?2 = 'target' AND guest_uuid = ?3"
        "     AND state IN ('making', 'reserved') AND expires_us > ?4)"
        " ORDER BY id = ?1 DESC LIMIT 1",
        "sssi", add->row->id, ferry_side_name(add->row->side), add->row->guest_uuid, add->now_us);

    return first_row(self, query, &add->holder, error);
}

static bool
add_body(FerryStore *self, void *data, GError **error)
{
    Add *add = data;
    const FerryReservationRow *row = add->row;

    if (!find_holder(self, add, error))
        return false;
    return add->holder != NULL ||
           ferry_store_run(
               self, error,
               "INSERT INTO reservation (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "sssssssssii", row->id, ferry_side_name(row->side), row->guest_uuid, row->guest_name,
               row->peer, row->terms, row->devices, ferry_reservation_state_name(row->state),
               row->job, row->created_us, row->expires_us);
}

bool
ferry_store_reservation_add(FerryStore *self,
                            const FerryReservationRow *row,
                            int64_t now_us,
                            FerryReservationRow **ret_holder,
                            GError **error)
{
    FERRY_STORE_LOCKED(self);
    Add add = { .row = row, .now_us = now_us };

    if (!ferry_store_transaction(self, add_body, &add, error)) {
        ferry_reservation_row_free(add.holder);
        return false;
    }
    *ret_holder = add.holder;
    return true;
}

bool
ferry_store_reservation_settle(FerryStore *self,
                               const char *id,
                               const char *devices,
                               GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error,
                         "UPDATE reservation SET state = 'reserved', devices = ?2"
                         " WHERE id = ?1 AND state = 'making'",
                         "ss", id, devices))
        return false;
    if (sqlite3_changes(self->db) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "reservation %s was cancelled while it was made", id);
        return false;
    }
    return true;
}

/* ---- take ---- */

typedef struct {
    const char *id, *job;
    int64_t now_us;
    FerryReservationRow *row;
    bool taken;
} Take;

static bool
take_body(FerryStore *self, void *data, GError **error)
{
    Take *take = data;

    if (!find(self, take->id, &take->row, error))
        return false;
    if (take->row == NULL) {
        take->row = g_new0(FerryReservationRow, 1);
        take->row->id = g_strdup("");
        return true;
    }
    if (take->row->state == FERRY_RESERVATION_USED && strcmp(take->row->job, take->job) == 0) {
        take->taken = true;
        return true;
    }
    if (take->row->state != FERRY_RESERVATION_HELD ||
        !ferry_reservation_is_open(take->row, take->now_us))
        return true;
    take->taken = true;
    return ferry_store_run(self, error,
                           "UPDATE reservation SET state = 'used', job = ?2 WHERE id = ?1", "ss",
                           take->id, take->job) &&
           ferry_store_run(self, error,
                           "UPDATE claim SET job = ?2 WHERE job = ?1 AND state = 'reserved'", "ss",
                           take->id, take->job);
}

bool
ferry_store_reservation_take(FerryStore *self,
                             const char *id,
                             const char *job,
                             int64_t now_us,
                             FerryReservationRow **ret,
                             GError **error)
{
    FERRY_STORE_LOCKED(self);
    Take take = { .id = id, .job = job, .now_us = now_us };
    bool ok = ferry_store_transaction(self, take_body, &take, error);

    if (ok && !take.taken) {
        *ret = take.row;
        return true;
    }
    ferry_reservation_row_free(take.row);
    if (ok)
        *ret = NULL;
    return ok;
}

bool
ferry_store_reservation_cancel(FerryStore *self, const char *id, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return ferry_store_run(self, error,
                           "UPDATE reservation SET state = 'cancelled'"
                           " WHERE id = ? AND state IN ('making', 'reserved')",
                           "s", id);
}

/* ---- read ---- */

bool
ferry_store_reservation_find(FerryStore *self,
                             const char *id,
                             FerryReservationRow **ret,
                             GError **error)
{
    FERRY_STORE_LOCKED(self);

    return find(self, id, ret, error);
}

bool
ferry_store_reservation_list(FerryStore *self, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT " COLUMNS " FROM reservation ORDER BY created_us DESC, id", "");

    return ferry_store_collect(self, query, row_of, (GDestroyNotify)ferry_reservation_row_free, ret,
                               error);
}

bool
ferry_store_reservation_forget(FerryStore *self, int64_t expired_before_us, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return ferry_store_run(self, error, "DELETE FROM reservation WHERE expires_us < ?", "i",
                           expired_before_us);
}
