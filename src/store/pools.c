#include "store/pools.h"

#include "base/error.h"
#include "store/query.h"

void
ferry_pool_row_free(FerryPoolRow *row)
{
    if (row == NULL)
        return;
    g_free(row->name);
    g_free(row->definition);
    g_free(row);
}

bool
ferry_store_pool_add(FerryStore *self, const FerryPoolRow *pool, GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error, "INSERT INTO pool VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                         "ssi", pool->name, pool->definition, pool->created_us))
        return false;
    if (sqlite3_changes(self->db) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "cannot define pool %s: there is one of that name. Undefine it first (\"ferry "
                    "pool undefine %s\"), or choose another name.",
                    pool->name, pool->name);
        return false;
    }
    return true;
}

bool
ferry_store_pool_remove(FerryStore *self, const char *name, GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error, "DELETE FROM pool WHERE name = ?", "s", name))
        return false;
    if (sqlite3_changes(self->db) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no pool %s: \"ferry pool list\" shows those there are", name);
        return false;
    }
    return true;
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

bool
ferry_store_pool_find(FerryStore *self, const char *name, FerryPoolRow **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT name, definition, created_us FROM pool WHERE name = ?", "s", name);
    void *found = NULL;
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error) ||
        (row && !row_of(self, query, &found, error)))
        return false;
    *ret = found;
    return true;
}

bool
ferry_store_pool_list(FerryStore *self, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "SELECT name, definition, created_us FROM pool ORDER BY name", "");

    return ferry_store_collect(self, query, row_of, (GDestroyNotify)ferry_pool_row_free, ret,
                               error);
}
