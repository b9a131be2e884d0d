#pragma once

#include "store/query.h"

/**
 * For the files of this folder only: a table of three columns, a name that is its key, a text and a
 * time.  Each typed file has its own SQL and its own row; what is done with them is done here.
 * Every function takes the store's lock.
 */
typedef struct {
    const char *add;    /* INSERT of name, text and time, without effect when the name is there */
    const char *remove; /* DELETE by name */
    const char *find;   /* SELECT of all three by name */
    const char *list;   /* SELECT of all three of all rows */
    FerryStoreRowOf row_of;
    GDestroyNotify free_row;
} FerryNamedTable;

/** @ret_added: (out): false when the name is taken; nothing is changed then */
bool ferry_named_add(FerryStore *self,
                     const FerryNamedTable *table,
                     const char *name,
                     const char *text,
                     int64_t at_us,
                     bool *ret_added,
                     GError **error);

/** @ret_removed: (out): false when there was none of that name */
bool ferry_named_remove(FerryStore *self,
                        const FerryNamedTable *table,
                        const char *name,
                        bool *ret_removed,
                        GError **error);

/** @ret: (out) (nullable) (transfer full): NULL when there is none of that name */
bool ferry_named_find(FerryStore *self,
                      const FerryNamedTable *table,
                      const char *name,
                      void **ret,
                      GError **error);

/** @ret: (out) (transfer full): of what the table's row_of makes, freeing its elements */
bool
ferry_named_list(FerryStore *self, const FerryNamedTable *table, GPtrArray **ret, GError **error);
