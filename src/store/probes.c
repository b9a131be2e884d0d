#include "store/probes.h"

#include "store/query.h"

void
ferry_probe_row_free(FerryProbeRow *row)
{
    if (row == NULL)
        return;
    g_free(row->kind);
    g_free(row->answer);
    g_free(row);
}

bool
ferry_store_probe_set(FerryStore *self, const FerryProbeRow *probe, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return ferry_store_run(self, error, "INSERT OR REPLACE INTO probe VALUES (?, ?, ?)", "ssi",
                           probe->kind, probe->answer, probe->probed_us);
}

bool
ferry_store_probe_find(FerryStore *self, const char *kind, FerryProbeRow **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT kind, answer, probed_us FROM probe WHERE kind = ?", "s", kind);
    FerryProbeRow *found = NULL;
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error))
        return false;
    if (row) {
        found = g_new0(FerryProbeRow, 1);
        found->kind = ferry_store_text(query, 0);
        found->answer = ferry_store_text(query, 1);
        found->probed_us = sqlite3_column_int64(query, 2);
    }
    *ret = found;
    return true;
}
