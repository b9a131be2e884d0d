#include "store/history.h"

#include "store/query.h"

static const char *const result_names[] = {
    [FERRY_RESULT_SUCCESS] = "success",
    [FERRY_RESULT_REJECTED] = "state-rejected",
    [FERRY_RESULT_FAILED] = "other-failure",
};
G_STATIC_ASSERT(G_N_ELEMENTS(result_names) == FERRY_N_RESULTS);

void
ferry_history_row_free(FerryHistoryRow *row)
{
    if (row == NULL)
        return;
    g_free(row->job);
    g_free(row->alias);
    g_free(row->guest_uuid);
    g_free(row->peer);
    g_free(row->source_print);
    g_free(row->target_print);
    g_free(row);
}

bool
ferry_history_add(FerryStore *self, const FerryHistoryRow *row, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return ferry_store_run(
        self, error, "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "sssssssiiii", row->job, row->alias, row->guest_uuid, row->peer, row->source_print,
        row->target_print, result_names[row->result], row->bytes, row->blackout_ms, row->rate_bps,
        row->wall_us);
}

bool
ferry_history_loads(FerryStore *self,
                    const char *source_print,
                    const char *target_print,
                    FerryHistoryLoads *ret,
                    GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query =
        ferry_store_query(self, error,
                          "SELECT count(*) FILTER (WHERE result = 'success'),"
                          "  count(*) FILTER (WHERE result = 'state-rejected'),"
                          "  max(wall_us) FILTER (WHERE result = 'success'),"
                          "  max(wall_us) FILTER (WHERE result = 'state-rejected')"
                          " FROM history WHERE source_print = ? AND target_print = ?",
                          "ss", source_print, target_print);
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error))
        return false;
    *ret = (FerryHistoryLoads){ .n_success = (unsigned)sqlite3_column_int(query, 0),
                                .n_rejected = (unsigned)sqlite3_column_int(query, 1),
                                .success_us = sqlite3_column_int64(query, 2),
                                .rejected_us = sqlite3_column_int64(query, 3) };
    return true;
}

static bool
find_number(FerryStore *self, const char *sql, const char *text, int64_t *ret, GError **error)
{
    g_autoptr(sqlite3_stmt) query = ferry_store_query(self, error, sql, "s", text);
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error))
        return false;
    *ret = row && sqlite3_column_type(query, 0) == SQLITE_INTEGER ? sqlite3_column_int64(query, 0)
                                                                  : -1;
    return true;
}

bool
ferry_history_bytes(FerryStore *self, const char *source_print, int64_t *ret, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return find_number(self,
                       "SELECT max(bytes) FROM history WHERE source_print = ? AND bytes >= 0"
                       " AND result = 'success'",
                       source_print, ret, error);
}

bool
ferry_history_rate(FerryStore *self, const char *peer, int64_t *ret, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return find_number(self,
                       "SELECT rate_bps FROM history WHERE peer = ? AND alias = '' AND rate_bps > 0"
                       " ORDER BY wall_us DESC LIMIT 1",
                       peer, ret, error);
}

static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    FerryHistoryRow *row = g_new0(FerryHistoryRow, 1);

    (void)self;
    (void)error;
    row->job = ferry_store_text(query, 0);
    row->alias = g_strdup("");
    row->guest_uuid = ferry_store_text(query, 1);
    row->peer = ferry_store_text(query, 2);
    row->source_print = g_strdup("");
    row->target_print = g_strdup("");
    row->result = FERRY_RESULT_SUCCESS;
    row->bytes = sqlite3_column_int64(query, 3);
    row->blackout_ms = sqlite3_column_int64(query, 4);
    row->rate_bps = sqlite3_column_int64(query, 5);
    row->wall_us = sqlite3_column_int64(query, 6);
    *ret = row;
    return true;
}

bool
ferry_history_moves(FerryStore *self, const char *guest_uuid, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error,
        "SELECT job, guest_uuid, peer, bytes, blackout_ms, rate_bps, wall_us FROM history"
        " WHERE guest_uuid = ? AND alias = '' AND result = 'success' AND blackout_ms > 0"
        " ORDER BY wall_us DESC, job LIMIT ?",
        "si", guest_uuid, (int64_t)FERRY_HISTORY_MOVES);

    return ferry_store_collect(self, query, row_of, (GDestroyNotify)ferry_history_row_free, ret,
                               error);
}

#define YEAR_US (365 * 24 * 3600 * INT64_C(1000000))

/* Of each kind of row the first ones. */
#define FIRST(kind, wanted, order, n)                                                              \
    "SELECT job, alias FROM (SELECT job, alias, row_number() OVER (PARTITION BY " kind             \
    " ORDER BY " order ", job) AS place FROM history WHERE " wanted ") WHERE place <= " n

bool
ferry_history_forget(FerryStore *self, int64_t before_us, GError **error)
{
    /* clang-format off */
    static const char sql[] =
        "DELETE FROM history WHERE wall_us < ? AND (job, alias) NOT IN ("
        FIRST("source_print, target_print, result", "alias <> ''", "wall_us DESC",
              G_STRINGIFY(FERRY_HISTORY_LOADS))
        " UNION ALL "
        FIRST("source_print", "alias <> '' AND result = 'success' AND bytes >= 0", "bytes DESC", "1")
        " UNION ALL "
        FIRST("peer", "alias = '' AND rate_bps > 0", "wall_us DESC", "1")
        " UNION ALL "
        FIRST("guest_uuid",
              "alias = '' AND result = 'success' AND blackout_ms > 0 AND wall_us >= ?",
              "wall_us DESC", G_STRINGIFY(FERRY_HISTORY_MOVES))
        ")";
    /* clang-format on */
    FERRY_STORE_LOCKED(self);

    return ferry_store_run(self, error, sql, "ii", before_us, before_us - YEAR_US);
}
