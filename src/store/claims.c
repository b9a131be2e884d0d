/*
 * Invariants of the table, kept by its indexes (store/schema.c):
 *   1. A generation is never used twice.
 *   2. A VF's slot is in one claim at most, be it one that is being released.
 *   3. So is an mdev's UUID.
 *   4. An alias of a guest has one claim at most that is not being released.
 */
#include "store/claims.h"

#include "base/error.h"
#include "store/query.h"

static const char *const state_names[] = {
    [FERRY_CLAIM_RESERVED] = "reserved",
    [FERRY_CLAIM_IN_USE] = "in_use",
    [FERRY_CLAIM_RELEASING] = "releasing",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == FERRY_CLAIM_N_STATES);

const char *
ferry_claim_state_name(FerryClaimState state)
{
    g_assert(state < FERRY_CLAIM_N_STATES);
    return state_names[state];
}

FerryClaimRow *
ferry_claim_row_copy(const FerryClaimRow *row)
{
    FerryClaimRow *copy = g_memdup2(row, sizeof(*row));

    copy->pool = g_strdup(row->pool);
    copy->slot = g_strdup(row->slot);
    copy->device = g_strdup(row->device);
    copy->guest_uuid = g_strdup(row->guest_uuid);
    copy->guest_name = g_strdup(row->guest_name);
    copy->alias = g_strdup(row->alias);
    copy->job = g_strdup(row->job);
    copy->saved_settings = g_strdup(row->saved_settings);
    copy->attrs = g_strdup(row->attrs);
    copy->made_in = g_strdup(row->made_in);
    return copy;
}

void
ferry_claim_row_free(FerryClaimRow *row)
{
    if (row == NULL)
        return;
    g_free(row->pool);
    g_free(row->slot);
    g_free(row->device);
    g_free(row->guest_uuid);
    g_free(row->guest_name);
    g_free(row->alias);
    g_free(row->job);
    g_free(row->saved_settings);
    g_free(row->attrs);
    g_free(row->made_in);
    g_free(row);
}

#define COLUMNS                                                                                    \
    "pool, slot, device, guest_uuid, guest_name, alias, job, state, saved_settings, attrs,"        \
    " made_in, since_us"

static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    g_autoptr(FerryClaimRow) row = g_new0(FerryClaimRow, 1);
    g_autofree char *state = ferry_store_text(query, 8);
    g_autofree char *generation = ferry_store_text(query, 0);
    int known = -1;

    row->generation = sqlite3_column_int64(query, 0);
    row->pool = ferry_store_text(query, 1);
    row->slot = ferry_store_text(query, 2);
    row->device = ferry_store_text(query, 3);
    row->guest_uuid = ferry_store_text(query, 4);
    row->guest_name = ferry_store_text(query, 5);
    row->alias = ferry_store_text(query, 6);
    row->job = ferry_store_text(query, 7);
    row->saved_settings = ferry_store_text(query, 9);
    row->attrs = ferry_store_text(query, 10);
    row->made_in = ferry_store_text(query, 11);
    row->since_us = sqlite3_column_int64(query, 12);
    known = ferry_store_word(self, state, state_names, G_N_ELEMENTS(state_names), "claim",
                             generation, error);
    if (known < 0)
        return false;
    row->state = (FerryClaimState)known;
    *ret = g_steal_pointer(&row);
    return true;
}

static bool
first_row(FerryStore *self, sqlite3_stmt *query, FerryClaimRow **ret, GError **error)
{
    void *found = NULL;

    if (!ferry_store_first(self, query, row_of, &found, error))
        return false;
    *ret = found;
    return true;
}

typedef struct {
    const FerryClaimRow *claim;
    int64_t generation;
    FerryClaimRow *holder;
} Add;

/* The guest's own claim first: that it has one is more to the point than who has the slot. */
static bool
find_holder(FerryStore *self, const FerryClaimRow *claim, FerryClaimRow **ret, GError **error)
{
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error,
        "SELECT generation, " COLUMNS " FROM claim"
        " WHERE (guest_uuid = ?1 AND alias = ?2 AND state <> 'releasing')"
        "    OR (device = '' AND ?3 = '' AND slot = ?4) OR (device <> '' AND device = ?3)"
        " ORDER BY guest_uuid = ?1 AND alias = ?2 DESC LIMIT 1",
        "ssss", claim->guest_uuid, claim->alias, claim->device, claim->slot);

    return first_row(self, query, ret, error);
}

static bool
add_body(FerryStore *self, void *data, GError **error)
{
    Add *add = data;
    const FerryClaimRow *claim = add->claim;

    if (!find_holder(self, claim, &add->holder, error))
        return false;
    if (add->holder != NULL)
        return true;
    if (!ferry_store_run(
            self, error,
            "INSERT INTO claim (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "sssssssssssi", claim->pool, claim->slot, claim->device, claim->guest_uuid,
            claim->guest_name, claim->alias, claim->job, ferry_claim_state_name(claim->state),
            claim->saved_settings, claim->attrs, claim->made_in, claim->since_us))
        return false;
    add->generation = sqlite3_last_insert_rowid(self->db);
    return true;
}

bool
ferry_store_claim_add(FerryStore *self,
                      const FerryClaimRow *claim,
                      int64_t *ret_generation,
                      FerryClaimRow **ret_holder,
                      GError **error)
{
    FERRY_STORE_LOCKED(self);
    Add add = { .claim = claim };

    if (!ferry_store_transaction(self, add_body, &add, error)) {
        ferry_claim_row_free(add.holder);
        return false;
    }
    *ret_generation = add.generation;
    *ret_holder = add.holder;
    return true;
}

bool
ferry_store_claim_update(FerryStore *self, const FerryClaimRow *claim, GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error,
                         "UPDATE claim SET slot = ?2, job = ?3, state = ?4, saved_settings = ?5,"
                         " made_in = ?6 WHERE generation = ?1"
                         " AND (state <> 'releasing' OR ?4 = 'releasing')",
                         "isssss", claim->generation, claim->slot, claim->job,
                         ferry_claim_state_name(claim->state), claim->saved_settings,
                         claim->made_in))
        return false;
    if (sqlite3_changes(self->db) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "claim %" G_GINT64_FORMAT " is released already", claim->generation);
        return false;
    }
    return true;
}

bool
ferry_store_claim_remove(FerryStore *self, int64_t generation, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return ferry_store_run(self, error, "DELETE FROM claim WHERE generation = ?", "i", generation);
}

bool
ferry_store_claim_find(FerryStore *self, int64_t generation, FerryClaimRow **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT generation, " COLUMNS " FROM claim WHERE generation = ?", "i",
        generation);

    return first_row(self, query, ret, error);
}

bool
ferry_store_claim_list(FerryStore *self, const char *guest_uuid, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    const char *which = guest_uuid != NULL ? " WHERE guest_uuid = ?" : "";
    g_autofree char *sql = g_strconcat("SELECT generation, " COLUMNS " FROM claim", which,
                                       " ORDER BY generation", NULL);
    g_autoptr(sqlite3_stmt) query =
        ferry_store_query(self, error, sql, guest_uuid != NULL ? "s" : "", guest_uuid);

    return ferry_store_collect(self, query, row_of, (GDestroyNotify)ferry_claim_row_free, ret,
                               error);
}
