#include "store/probes.h"

#include "store/named.h"

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

static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    FerryProbeRow *row = g_new0(FerryProbeRow, 1);

    (void)self;
    (void)error; /* the answer is its reader's to judge */
    row->kind = ferry_store_text(query, 0);
    row->answer = ferry_store_text(query, 1);
    row->probed_us = sqlite3_column_int64(query, 2);
    *ret = row;
    return true;
}

bool
ferry_store_probe_find(FerryStore *self, const char *kind, FerryProbeRow **ret, GError **error)
{
    static const FerryNamedTable table = {
        .find = "SELECT kind, answer, probed_us FROM probe WHERE kind = ?",
        .row_of = row_of,
    };
    void *found = NULL;

    if (!ferry_named_find(self, &table, kind, &found, error))
        return false;
    *ret = found;
    return true;
}
