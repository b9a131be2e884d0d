#include "store/host.h"

#include "base/error.h"
#include "store/named.h"

void
ferry_host_row_free(FerryHostRow *row)
{
    if (row == NULL)
        return;
    g_free(row->name);
    g_free(row->address);
    g_free(row);
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

static const FerryNamedTable table = {
    .add = "INSERT INTO host VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    .remove = "DELETE FROM host WHERE name = ?",
    .find = "SELECT name, address, added_us FROM host WHERE name = ?",
    .list = "SELECT name, address, added_us FROM host ORDER BY name",
    .row_of = row_of,
    .free_row = (GDestroyNotify)ferry_host_row_free,
};

bool
ferry_store_host_add(FerryStore *self, const FerryHostRow *host, GError **error)
{
    bool added = false;

    if (!ferry_named_add(self, &table, host->name, host->address, host->added_us, &added, error))
        return false;
    if (!added)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "cannot add host %s: there is one of that name. Remove it first "
                    "(\"ferry host remove %s\") to change its address.",
                    host->name, host->name);
    return added;
}

bool
ferry_store_host_remove(FerryStore *self, const char *name, GError **error)
{
    bool removed = false;

    if (!ferry_named_remove(self, &table, name, &removed, error))
        return false;
    if (!removed)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "cannot remove host %s: there is none of that name. \"ferry host list\" shows "
                    "those there are.",
                    name);
    return removed;
}

bool
ferry_store_host_find(FerryStore *self, const char *name, FerryHostRow **ret, GError **error)
{
    void *found = NULL;

    if (!ferry_named_find(self, &table, name, &found, error))
        return false;
    *ret = found;
    return true;
}

bool
ferry_store_host_list(FerryStore *self, GPtrArray **ret, GError **error)
{
    return ferry_named_list(self, &table, ret, error);
}
