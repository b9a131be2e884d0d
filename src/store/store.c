/*
 * How the file comes up: made under a second name and renamed when it is whole, so a file that is
 * there and not a whole database is damage and never the trace of a crash of ours.  Then WAL and
 * FULL are set, the file is checked and the schema brought up to date.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "store/query.h"
#include "store/schema.h"

/* Long enough for a "sqlite3 ferry.db" that somebody reads with, short enough for a blackout's
 * caller to hear of it. */
#define BUSY_TIMEOUT_MS 2000

/* SQLite's own default, in pages. */
#define AUTOCHECKPOINT_PAGES 1000

/* A page in the log with its header; and so many more for the records of one migration, each of
 * them some three to six pages. */
#define FRAME_BYTES (24 + 4096)
#define ROOM_FRAMES 256

void
ferry_store_close(FerryStore *self)
{
    if (self == NULL)
        return;
    (void)sqlite3_close(self->db); /* no statement outlives its function */
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self->path);
    g_free(self);
}

static bool
open_connection(const char *path, const char *shown_path, FerryStore **ret, GError **error)
{
    g_autoptr(FerryStore) self = g_new0(FerryStore, 1);

    self->path = g_strdup(shown_path);
    (void)pthread_mutex_init(&self->lock, NULL); /* cannot fail without attributes */
    if (sqlite3_open_v2(path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return ferry_store_failed(self, "open", error);
    (void)sqlite3_extended_result_codes(self->db, 1);
    (void)sqlite3_busy_timeout(self->db, BUSY_TIMEOUT_MS);
    *ret = g_steal_pointer(&self);
    return true;
}

static bool
corrupt(FerryStore *self, const char *why, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT,
                "cannot use %s: %s. The file was kept as it is: copy it away and look for its "
                "unfinished jobs on the other hosts (\"ferry job list\"), then move it aside to "
                "start empty.",
                self->path, why);
    return false;
}

/* The value of a pragma that answers with one row, as text. */
static bool
read_pragma(FerryStore *self, const char *sql, char **ret, GError **error)
{
    g_autoptr(sqlite3_stmt) query = ferry_store_query(self, error, sql, "");
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error))
        return false;
    *ret = row ? ferry_store_text(query, 0) : g_strdup("");
    return true;
}

static bool
check(FerryStore *self, GError **error)
{
    g_autofree char *id = NULL;
    g_autofree char *verdict = NULL;

    if (!read_pragma(self, "PRAGMA application_id", &id, error))
        return false;
    if (g_ascii_strtoll(id, NULL, 10) != FERRY_SCHEMA_APPLICATION_ID)
        return corrupt(self, "it is not a database of ferry's", error);
    if (!read_pragma(self, "PRAGMA quick_check(1)", &verdict, error))
        return false;
    if (g_strcmp0(verdict, "ok") != 0)
        return corrupt(self, verdict, error);
    return true;
}

/* The mode stays in the file, synchronous does not: both are read back, for a pragma never fails.
 */
static bool
set_durable(FerryStore *self, GError **error)
{
    g_autofree char *mode = NULL;
    g_autofree char *synchronous = NULL;

    if (!read_pragma(self, "PRAGMA journal_mode = WAL", &mode, error) ||
        !ferry_store_run(self, error, "PRAGMA synchronous = FULL", "") ||
        !ferry_store_run(self, error, "PRAGMA foreign_keys = ON", "") ||
        !read_pragma(self, "PRAGMA synchronous", &synchronous, error))
        return false;
    if (g_strcmp0(mode, "wal") != 0 || g_strcmp0(synchronous, "2") != 0) {
        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_IO,
            "cannot make %s durable: SQLite answers journal mode %s, synchronous %s. Put it "
            "on a local file system.",
            self->path, mode, synchronous);
        return false;
    }
    return true;
}

static bool
remove_if_there(const char *path, const char *suffix, GError **error)
{
    g_autofree char *full = g_strconcat(path, suffix, NULL);

    return ferry_file_remove(full, error);
}

/* A whole, empty database under the temporary name, closed again. */
static bool
make_at(const char *temporary, const char *path, GError **error)
{
    FERRY_AUTOFD int fd = -1;
    g_autoptr(FerryStore) fresh = NULL;

    if (!remove_if_there(temporary, "", error) || !remove_if_there(temporary, "-journal", error))
        return false;
    fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ferry_error_set_errno(error, errno, "create", path);
    return open_connection(temporary, path, &fresh, error) && ferry_schema_upgrade(fresh, error);
}

static bool
make(const char *path, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".new", NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    FERRY_AUTOFD int fd = -1;

    if (!make_at(temporary, path, error)) {
        (void)unlink(temporary); /* the first failure is the one to tell */
        return false;
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rename(temporary, path) < 0 || fd < 0 || fsync(fd) < 0)
        return ferry_error_set_errno(error, errno, "create", path);
    return true;
}

bool
ferry_store_open(const char *path, FerryStore **ret, GError **error)
{
    g_autoptr(FerryStore) self = NULL;
    struct stat status;

    if (stat(path, &status) < 0) {
        if (errno != ENOENT)
            return ferry_error_set_errno(error, errno, "open", path);
        if (!make(path, error))
            return false;
    }
    if (!open_connection(path, path, &self, error) || !check(self, error) ||
        !ferry_schema_upgrade(self, error) || !set_durable(self, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}

/* Blocks beyond the log's end are frames that do not count: their checksums are wrong, so SQLite
 * passes them over and writes there next ("File Format, The Write-Ahead Log"). */
static bool
extend_log(FerryStore *self, int frames, GError **error)
{
    g_autofree char *path = g_strconcat(self->path, "-wal", NULL);
    off_t end = (off_t)(frames + ROOM_FRAMES) * FRAME_BYTES;
    FERRY_AUTOFD int fd = open(path, O_RDWR | O_CLOEXEC);
    int failure = 0;

    if (fd < 0)
        return ferry_error_set_errno(error, errno, "open", path);
    failure = posix_fallocate(fd, 0, end);
    return failure == 0 || ferry_error_set_errno(error, failure, "make room in", path);
}

/* The caller holds the lock. */
static bool
checkpoint(FerryStore *self, int mode, GError **error)
{
    int frames = 0;

    if (sqlite3_wal_checkpoint_v2(self->db, NULL, mode, &frames, NULL) != SQLITE_OK)
        return ferry_store_failed(self, "checkpoint", error);
    return extend_log(self, MAX(frames, 0), error);
}

/* The version as it is, written anew: a write like any other, and nothing changes. */
static bool
write_version(FerryStore *self, void *data, GError **error)
{
    g_autofree char *sql = g_strdup_printf("PRAGMA user_version = %d", ferry_schema_newest());

    (void)data;
    return sqlite3_exec(self->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           ferry_store_failed(self, "write to", error);
}

bool
ferry_store_make_room(FerryStore *self, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return ferry_store_transaction(self, write_version, NULL, error) &&
           checkpoint(self, SQLITE_CHECKPOINT_PASSIVE, error);
}

bool
ferry_store_checkpoint(FerryStore *self, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return checkpoint(self, SQLITE_CHECKPOINT_TRUNCATE, error);
}

void
ferry_store_checkpoints_off(FerryStore *self)
{
    FERRY_STORE_LOCKED(self);

    if (self->checkpoints_off++ == 0)
        (void)sqlite3_wal_autocheckpoint(self->db, 0); /* only sets a hook */
}

void
ferry_store_checkpoints_on(FerryStore *self)
{
    FERRY_STORE_LOCKED(self);

    g_assert(self->checkpoints_off > 0);
    if (--self->checkpoints_off == 0)
        (void)sqlite3_wal_autocheckpoint(self->db, AUTOCHECKPOINT_PAGES);
}
