#include "store/named.h"

bool
ferry_named_add(FerryStore *self,
                const FerryNamedTable *table,
                const char *name,
                const char *text,
                int64_t at_us,
                bool *ret_added,
                GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error, table->add, "ssi", name, text, at_us))
        return false;
    *ret_added = sqlite3_changes(self->db) > 0;
    return true;
}

bool
ferry_named_remove(FerryStore *self,
                   const FerryNamedTable *table,
                   const char *name,
                   bool *ret_removed,
                   GError **error)
{
    FERRY_STORE_LOCKED(self);

    if (!ferry_store_run(self, error, table->remove, "s", name))
        return false;
    *ret_removed = sqlite3_changes(self->db) > 0;
    return true;
}

bool
ferry_named_find(FerryStore *self,
                 const FerryNamedTable *table,
                 const char *name,
                 void **ret,
                 GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(self, error, table->find, "s", name);

    return ferry_store_first(self, query, table->row_of, ret, error);
}

bool
ferry_named_list(FerryStore *self, const FerryNamedTable *table, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(self, error, table->list, "");

    return ferry_store_collect(self, query, table->row_of, table->free_row, ret, error);
}
