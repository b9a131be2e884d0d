#include "store/host.h"

#include "base/error.h"
#include "store/query.h"

void
ferry_host_row_free(FerryHostRow *row)
{
    if (row == NULL)
        return;
    g_free(row->name);
    g_free(row->address);
    g_free(row);
}

bool
ferry_store_host_add(FerryStore *self, const FerryHostRow *host, GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error, "INSERT INTO host VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                         "ssi", host->name, host->address, host->added_us))
        return false;
    if (sqlite3_changes(self->db) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "cannot add host %s: there is one of that name. Remove it first "
                    "(\"ferry host remove %s\") to change its address.",
                    host->name, host->name);
        return false;
    }
    return true;
}

bool
ferry_store_host_remove(FerryStore *self, const char *name, GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error, "DELETE FROM host WHERE name = ?", "s", name))
        return false;
    if (sqlite3_changes(self->db) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "cannot remove host %s: there is none of that name. \"ferry host list\" shows "
                    "those there are.",
                    name);
        return false;
    }
    return true;
}

static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    FerryHostRow *row = g_new0(FerryHostRow, 1);

    (void)self;
    (void)error; /* any text and any number is a host */
    row->name = ferry_store_text(query, 0);
    row->address = ferry_store_text(query, 1);
    row->added_us = sqlite3_column_int64(query, 2);
    *ret = row;
    return true;
}

bool
ferry_store_host_find(FerryStore *self, const char *name, FerryHostRow **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT name, address, added_us FROM host WHERE name = ?", "s", name);
    void *found = NULL;
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error) ||
        (row && !row_of(self, query, &found, error)))
        return false;
    *ret = found;
    return true;
}

bool
ferry_store_host_list(FerryStore *self, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT name, address, added_us FROM host ORDER BY name", "");

    return ferry_store_collect(self, query, row_of, (GDestroyNotify)ferry_host_row_free, ret,
                               error);
}
