#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "store/store.h"

/** For the files of this folder only: what they share below the typed functions. */
struct _FerryStore {
    char *path;
    sqlite3 *db;
    pthread_mutex_t lock; /* held for one public function at a time */
    unsigned checkpoints_off;
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/** Holds the lock to the end of the scope: FERRY_STORE_LOCKED(self); */
#define FERRY_STORE_LOCKED(store)                                                                  \
    __attribute__((cleanup(ferry_store_unlock), unused)) FerryStore *locked_store =                \
        ferry_store_lock(store)

FerryStore *ferry_store_lock(FerryStore *self);
void ferry_store_unlock(FerryStore **self);

/** Sets @error from SQLite's last failure: "cannot read PATH: …"; returns false. */
bool ferry_store_failed(FerryStore *self, const char *what, GError **error);

/**
 * Prepares @sql and binds its parameters: one letter of @types each, s for const char *, i for
 * int64_t.
 *
 * Returns: (transfer full) (nullable)
 */
sqlite3_stmt *
ferry_store_query(FerryStore *self, GError **error, const char *sql, const char *types, ...);

/** Steps once; *@ret_row says whether there is a row. */
bool ferry_store_next(FerryStore *self, sqlite3_stmt *query, bool *ret_row, GError **error);

/** Runs @sql, which returns no rows, with parameters as above. */
bool ferry_store_run(FerryStore *self, GError **error, const char *sql, const char *types, ...);

/** Makes one element of the current row. */
typedef bool (*FerryStoreRowOf)(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error);

/**
 * Steps through all rows.
 *
 * @query: (nullable): NULL, for a query that could not be made, is a failure with @error already
 * set
 * @ret: (out) (transfer full): what @row_of made of them, freed by @free_row
 */
bool ferry_store_collect(FerryStore *self,
                         sqlite3_stmt *query,
                         FerryStoreRowOf row_of,
                         GDestroyNotify free_row,
                         GPtrArray **ret,
                         GError **error);

/** The first row of a query, as above; @ret: (out) (nullable) (transfer full): NULL: there is none
 */
bool ferry_store_first(FerryStore *self,
                       sqlite3_stmt *query,
                       FerryStoreRowOf row_of,
                       void **ret,
                       GError **error);

/**
 * Looks up which of @words a row says; -1 with FERRY_ERROR_CORRUPT when no ferry writes it.
 *
 * @what, @id: of the row, for the message: "claim", "12"
 */
int ferry_store_word(FerryStore *self,
                     const char *text,
                     const char *const *words,
                     size_t n_words,
                     const char *what,
                     const char *id,
                     GError **error);

/** Returns: (transfer full): a text column of the current row */
char *ferry_store_text(sqlite3_stmt *query, int column);

/**
 * Runs @body inside one transaction: committed and on the disk when this returns true, rolled back
 * and absent when @body or the commit failed.
 */
bool ferry_store_transaction(FerryStore *self,
                             bool (*body)(FerryStore *self, void *data, GError **error),
                             void *data,
                             GError **error);
