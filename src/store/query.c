#include "store/query.h"

#include <errno.h>
#include <stdarg.h>

#include "base/error.h"

FerryStore *
ferry_store_lock(FerryStore *self)
{
    (void)pthread_mutex_lock(&self->lock); /* fails only for a mutex that was never made */
    return self;
}

void
ferry_store_unlock(FerryStore **self)
{
    (void)pthread_mutex_unlock(&(*self)->lock);
}

typedef struct {
    int sqlite; /* primary result code */
    FerryErrorCode ferry;
    const char *remedy;
} FailureRow;

/* Result codes: https://www.sqlite.org/rescode.html */
static const FailureRow failures[] = {
    { SQLITE_FULL, FERRY_ERROR_EXHAUSTED, "Free space on its file system" },
    { SQLITE_NOMEM, FERRY_ERROR_EXHAUSTED, "Free memory" },
    { SQLITE_READONLY, FERRY_ERROR_DENIED, "Make the file and its folder writable for ferryd" },
    { SQLITE_PERM, FERRY_ERROR_DENIED, "Make the file and its folder writable for ferryd" },
    { SQLITE_BUSY, FERRY_ERROR_BUSY, "Another process holds the file: find it with fuser" },
    { SQLITE_CORRUPT, FERRY_ERROR_CORRUPT,
      "The file was kept: copy it away, then move it aside to start empty" },
    { SQLITE_NOTADB, FERRY_ERROR_CORRUPT,
      "The file was kept: copy it away, then move it aside to start empty" },
};

static const FailureRow other_failure = { SQLITE_ERROR, FERRY_ERROR_IO,
                                          "Look at the kernel's log for errors of this disk" };

/* SQLite hands a full quota or disk on as an I/O error where it did not happen in write(). */
static int
primary_code(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db) & 0xff;
    int saved = sqlite3_system_errno(db);

    if (code == SQLITE_IOERR && (saved == ENOSPC || saved == EDQUOT))
        return SQLITE_FULL;
    if (code == SQLITE_CANTOPEN && (saved == EACCES || saved == EPERM || saved == EROFS))
        return SQLITE_PERM;
    return code;
}

bool
ferry_store_failed(FerryStore *self, const char *what, GError **error)
{
    const FailureRow *row = &other_failure;
    int code = primary_code(self->db);

    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        if (failures[i].sqlite == code)
            row = &failures[i];
    }
    g_set_error(error, FERRY_ERROR, row->ferry, "cannot %s %s: %s. %s.", what, self->path,
                sqlite3_errmsg(self->db), row->remedy);
    return false;
}

static int
bind_all(sqlite3_stmt *query, const char *types, va_list values)
{
    int code = SQLITE_OK;

    for (int i = 0; types[i] != '\0' && code == SQLITE_OK; i++) {
        if (types[i] == 's')
            code =
                sqlite3_bind_text(query, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else
            code = sqlite3_bind_int64(query, i + 1, va_arg(values, int64_t));
    }
    return code;
}

static sqlite3_stmt *
query_with(FerryStore *self, GError **error, const char *sql, const char *types, va_list values)
{
    g_autoptr(sqlite3_stmt) query = NULL;

    if (sqlite3_prepare_v2(self->db, sql, -1, &query, NULL) != SQLITE_OK ||
        bind_all(query, types, values) != SQLITE_OK) {
        ferry_store_failed(self, "read", error);
        return NULL;
    }
    return g_steal_pointer(&query);
}

sqlite3_stmt *
ferry_store_query(FerryStore *self, GError **error, const char *sql, const char *types, ...)
{
    sqlite3_stmt *query = NULL;
    va_list values;

    va_start(values, types);
    query = query_with(self, error, sql, types, values);
    va_end(values);
    return query;
}

bool
ferry_store_next(FerryStore *self, sqlite3_stmt *query, bool *ret_row, GError **error)
{
    int code = sqlite3_step(query);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return ferry_store_failed(self, sqlite3_stmt_readonly(query) ? "read" : "write", error);
    *ret_row = code == SQLITE_ROW;
    return true;
}

bool
ferry_store_run(FerryStore *self, GError **error, const char *sql, const char *types, ...)
{
    g_autoptr(sqlite3_stmt) query = NULL;
    bool row = false;
    va_list values;

    va_start(values, types);
    query = query_with(self, error, sql, types, values);
    va_end(values);
    return query != NULL && ferry_store_next(self, query, &row, error);
}

bool
ferry_store_collect(FerryStore *self,
                    sqlite3_stmt *query,
                    FerryStoreRowOf row_of,
                    GDestroyNotify free_row,
                    GPtrArray **ret,
                    GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
    bool there = query != NULL;

    while (there) {
        void *row = NULL;

        if (!ferry_store_next(self, query, &there, error))
            return false;
        if (there && !row_of(self, query, &row, error))
            return false;
        if (there)
            g_ptr_array_add(rows, row);
    }
    if (query == NULL)
        return false;
    *ret = g_steal_pointer(&rows);
    return true;
}

bool
ferry_store_first(FerryStore *self,
                  sqlite3_stmt *query,
                  FerryStoreRowOf row_of,
                  void **ret,
                  GError **error)
{
    void *found = NULL;
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error) ||
        (row && !row_of(self, query, &found, error)))
        return false;
    *ret = found;
    return true;
}

int
ferry_store_word(FerryStore *self,
                 const char *text,
                 const char *const *words,
                 size_t n_words,
                 const char *what,
                 const char *id,
                 GError **error)
{
    for (size_t i = 0; i < n_words; i++) {
        if (g_strcmp0(text, words[i]) == 0)
            return (int)i;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT,
                "cannot read %s %s from %s: it says \"%s\", which no ferry writes. The file was "
                "kept: copy it away, and look at what the guests use.",
                what, id, self->path, text);
    return -1;
}

char *
ferry_store_text(sqlite3_stmt *query, int column)
{
    return g_strdup((const char *)sqlite3_column_text(query, column));
}

bool
ferry_store_transaction(FerryStore *self,
                        bool (*body)(FerryStore *self, void *data, GError **error),
                        void *data,
                        GError **error)
{
    if (!ferry_store_run(self, error, "BEGIN IMMEDIATE", ""))
        return false;
    if (body(self, data, error) && ferry_store_run(self, error, "COMMIT", ""))
        return true;
    if (!sqlite3_get_autocommit(self->db)) /* some failures have rolled back by themselves */
        (void)ferry_store_run(self, NULL, "ROLLBACK",
                              ""); /* the first failure is the one to tell */
    return false;
}
