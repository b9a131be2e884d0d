#include "store/pools.h"

#include "base/error.h"
#include "store/named.h"

void
ferry_pool_row_free(FerryPoolRow *row)
{
    if (row == NULL)
        return;
    g_free(row->name);
    g_free(row->definition);
    g_free(row);
}

static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    FerryPoolRow *row = g_new0(FerryPoolRow, 1);

    (void)self;
    (void)error; /* the definition is its reader's to judge */
    row->name = ferry_store_text(query, 0);
    row->definition = ferry_store_text(query, 1);
    row->created_us = sqlite3_column_int64(query, 2);
    *ret = row;
    return true;
}

static const FerryNamedTable table = {
    .add = "INSERT INTO pool VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    .remove = "DELETE FROM pool WHERE name = ?",
    .find = "SELECT name, definition, created_us FROM pool WHERE name = ?",
    .list = "SELECT name, definition, created_us FROM pool ORDER BY name",
    .row_of = row_of,
    .free_row = (GDestroyNotify)ferry_pool_row_free,
};

bool
ferry_store_pool_add(FerryStore *self, const FerryPoolRow *pool, GError **error)
{
    bool added = false;

    if (!ferry_named_add(self, &table, pool->name, pool->definition, pool->created_us, &added,
                         error))
        return false;
    if (!added)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "cannot define pool %s: there is one of that name. Undefine it first (\"ferry "
                    "pool undefine %s\"), or choose another name.",
                    pool->name, pool->name);
    return added;
}

bool
ferry_store_pool_remove(FerryStore *self, const char *name, GError **error)
{
    bool removed = false;

    if (!ferry_named_remove(self, &table, name, &removed, error))
        return false;
    if (!removed)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no pool %s: \"ferry pool list\" shows those there are", name);
    return removed;
}

bool
ferry_store_pool_find(FerryStore *self, const char *name, FerryPoolRow **ret, GError **error)
{
    void *found = NULL;

    if (!ferry_named_find(self, &table, name, &found, error))
        return false;
    *ret = found;
    return true;
}

bool
ferry_store_pool_list(FerryStore *self, GPtrArray **ret, GError **error)
{
    return ferry_named_list(self, &table, ret, error);
}
