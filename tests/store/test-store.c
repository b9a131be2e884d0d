#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "fixture.h"
#include "store/host.h"
#include "store/query.h"
#include "store/schema.h"

static void
add_hosts(StoreFixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("host-%d", i);
        FerryHostRow host = { name, (char *)"a.example:1", i };

        g_assert_true(ferry_store_host_add(fixture->store, &host, NULL));
    }
}

static void
test_new_file_is_private(StoreFixture *fixture, gconstpointer data)
{
    static const char *const suffixes[] = { "", "-wal" };

    (void)data;
    add_hosts(fixture, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(fixture->path, suffixes[i], NULL);
        struct stat status;

        g_assert_cmpint(stat(file, &status), ==, 0);
        g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    }
}

static void
refuse(StoreFixture *fixture, FerryErrorCode code, const char *message)
{
    FerryStore *store = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    gsize before_length = 0;
    gsize after_length = 0;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_get_contents(fixture->path, &before, &before_length, NULL));
    g_assert_false(ferry_store_open(fixture->path, &store, &error));
    g_assert_error(error, FERRY_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, fixture->path));
    g_assert_nonnull(strstr(error->message, message));
    g_assert_null(store);
    g_assert_true(g_file_get_contents(fixture->path, &after, &after_length, NULL));
    g_assert_cmpmem(before, (int)before_length, after, (int)after_length);
}

static void
test_refuses_empty_file(StoreFixture *fixture, gconstpointer data)
{
    (void)data;
    store_fixture_close(fixture);
    g_assert_true(g_file_set_contents(fixture->path, "", 0, NULL));
    refuse(fixture, FERRY_ERROR_CORRUPT, "it is not a database of ferry's. The file was kept");
}

static void
test_refuses_text(StoreFixture *fixture, gconstpointer data)
{
    (void)data;
    store_fixture_close(fixture);
    g_assert_true(g_file_set_contents(fixture->path, "[daemon]\nsocket=/run\n", -1, NULL));
    refuse(fixture, FERRY_ERROR_CORRUPT, "file is not a database. The file was kept");
}

static void
exec(StoreFixture *fixture, const char *sql)
{
    g_assert_cmpint(sqlite3_exec(fixture->store->db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
}

static void
test_refuses_foreign_database(StoreFixture *fixture, gconstpointer data)
{
    (void)data;
    exec(fixture, "PRAGMA application_id = 7");
    store_fixture_close(fixture);
    refuse(fixture, FERRY_ERROR_CORRUPT, "it is not a database of ferry's");
}

static void
test_refuses_newer_version(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *sql = g_strdup_printf("PRAGMA user_version = %d", ferry_schema_newest() + 1);

    (void)data;
    exec(fixture, sql);
    store_fixture_close(fixture);
    refuse(fixture, FERRY_ERROR_UNSUPPORTED, "install the newer ferry again");
}

/* Every page in turn is overwritten, but for the header that begins the file. */
static void
test_refuses_damage(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *whole = NULL;
    gsize length = 0;
    unsigned refused = 0;

    (void)data;
    add_hosts(fixture, 400);
    store_fixture_close(fixture);
    g_assert_true(g_file_get_contents(fixture->path, &whole, &length, NULL));
    for (gsize at = 100; at < length; at += 4096) {
        g_autofree char *damaged = g_memdup2(whole, length);
        g_autoptr(FerryStore) store = NULL;
        g_autoptr(GError) error = NULL;

        memset(damaged + at, 0xa5, MIN(4000, length - at));
        g_assert_true(g_file_set_contents(fixture->path, damaged, (gssize)length, NULL));
        if (!ferry_store_open(fixture->path, &store, &error)) {
            g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
            refused++;
        }
    }
    g_assert_cmpuint(refused, ==, length / 4096);
}

static void
test_folder_is_missing(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "none", "ferry.db", NULL);
    FerryStore *store = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(ferry_store_open(path, &store, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, path));
}

static void
test_path_is_a_folder(StoreFixture *fixture, gconstpointer data)
{
    FerryStore *store = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(ferry_store_open(fixture->folder, &store, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_nonnull(strstr(error->message, fixture->folder));
}

/* A crash while the file was made leaves the temporary one: it is no obstacle and does not stay. */
static void
test_left_over_of_a_crash(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *temporary = g_strconcat(fixture->path, ".new", NULL);

    (void)data;
    store_fixture_close(fixture);
    g_assert_cmpint(g_unlink(fixture->path), ==, 0);
    g_assert_true(g_file_set_contents(temporary, "half", 4, NULL));
    store_fixture_reopen(fixture);
    add_hosts(fixture, 1); /* and the folder is checked by tear_down */
}

static gsize
wal_bytes(StoreFixture *fixture)
{
    g_autofree char *file = g_strconcat(fixture->path, "-wal", NULL);
    struct stat status;

    g_assert_cmpint(stat(file, &status), ==, 0);
    return (gsize)status.st_size;
}

/* Frames of the log that are not in the database yet. */
static int
frames(StoreFixture *fixture)
{
    int n = -1;

    g_assert_cmpint(
        sqlite3_wal_checkpoint_v2(fixture->store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n, NULL),
        ==, SQLITE_OK);
    return n;
}

static void
test_checkpoint_empties_the_log(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    add_hosts(fixture, 3);
    g_assert_cmpuint(wal_bytes(fixture), >, 0);
    ferry_store_checkpoint(fixture->store, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(frames(fixture), ==, 0);
}

/* Room is given once, not again at each migration, and what it held is there after a restart. */
static void
test_room_is_bounded(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) hosts = NULL;
    gsize first = 0;

    (void)data;
    add_hosts(fixture, 1);
    g_assert_true(ferry_store_make_room(fixture->store, NULL));
    first = wal_bytes(fixture);
    g_assert_cmpuint(first, >, 1 << 20);
    for (unsigned i = 0; i < 20; i++)
        g_assert_true(ferry_store_make_room(fixture->store, NULL));
    g_assert_cmpuint(wal_bytes(fixture), <, first + (256 << 10));
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_host_list(fixture->store, &hosts, NULL));
    g_assert_cmpuint(hosts->len, ==, 1);
}

/* A limit on the size of files stands for a full disk: what exists may be written, nothing grows.
 */
static void
limit_files(rlim_t bytes)
{
    struct rlimit limit = { bytes, RLIM_INFINITY };

    (void)signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_room_outlasts_a_full_disk(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) hosts = NULL;

    (void)data;
    g_assert_true(ferry_store_checkpoint(fixture->store, NULL));
    ferry_store_checkpoints_off(fixture->store);
    limit_files(wal_bytes(fixture));
    add_hosts(fixture, 20); /* more than a migration's records */
    limit_files(RLIM_INFINITY);
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_host_list(fixture->store, &hosts, NULL));
    g_assert_cmpuint(hosts->len, ==, 20);
}

static void
test_no_room(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    limit_files(64 << 10);
    g_assert_false(ferry_store_make_room(fixture->store, &error));
    limit_files(RLIM_INFINITY);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, fixture->path));
    g_assert_true(ferry_store_make_room(fixture->store, NULL));
}

/* SQLite's way to the disk passes here first: the dynamic linker finds the program's before libc's.
 */
static bool syncs_fail;
int fdatasync(int fd);
int fsync(int fd);

int
fdatasync(int fd)
{
    errno = EIO;
    return syncs_fail ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    errno = EIO;
    return syncs_fail ? -1 : (int)syscall(SYS_fsync, fd);
}

/* What could not be synced is said to have failed, for a new migration and in the midst of one. */
static void
test_sync_fails(StoreFixture *fixture, gconstpointer data)
{
    const FerryHostRow host = { (char *)"one", (char *)"a.example:1", 1 };
    g_autoptr(GError) room = NULL;
    g_autoptr(GError) add = NULL;

    (void)data;
    syncs_fail = true;
    g_assert_false(ferry_store_make_room(fixture->store, &room));
    g_assert_false(ferry_store_host_add(fixture->store, &host, &add));
    syncs_fail = false;
    g_assert_error(room, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_error(add, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_nonnull(strstr(add->message, fixture->path));
    g_assert_true(ferry_store_make_room(fixture->store, NULL));
}

static void
test_checkpoint_with_a_reader(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryStore) reader = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(ferry_store_open(fixture->path, &reader, NULL));
    g_assert_cmpint(sqlite3_exec(reader->db, "BEGIN; SELECT count(*) FROM host", NULL, NULL, NULL),
                    ==, SQLITE_OK);
    add_hosts(fixture, 1);
    g_assert_cmpint(sqlite3_busy_timeout(fixture->store->db, 0), ==, SQLITE_OK);
    g_assert_false(ferry_store_checkpoint(fixture->store, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
}

/* The log reaches SQLite's automatic checkpoint; it is written back only when nobody holds it off.
 */
static void
test_checkpoints_are_counted(StoreFixture *fixture, gconstpointer data)
{
    struct stat before;
    struct stat after;
    g_autofree char *large = g_strnfill(6 << 20, 'x'); /* more than 1000 pages */
    FerryHostRow host = { (char *)"one", large, 1 };

    (void)data;
    g_assert_true(ferry_store_checkpoint(fixture->store, NULL));
    ferry_store_checkpoints_off(fixture->store);
    ferry_store_checkpoints_off(fixture->store);
    ferry_store_checkpoints_on(fixture->store);
    g_assert_cmpint(stat(fixture->path, &before), ==, 0);
    g_assert_true(ferry_store_host_add(fixture->store, &host, NULL));
    g_assert_cmpint(stat(fixture->path, &after), ==, 0);
    g_assert_cmpint(after.st_size, ==, before.st_size);
    ferry_store_checkpoints_on(fixture->store);
    g_assert_true(ferry_store_host_remove(fixture->store, "one", NULL));
    g_assert_cmpint(stat(fixture->path, &after), ==, 0);
    g_assert_cmpint(after.st_size, >, before.st_size);
}

static void
test_close_nothing(void)
{
    ferry_store_close(NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/store/new-file-is-private", test_new_file_is_private);
    STORE_TEST("/store/refuses-empty-file", test_refuses_empty_file);
    STORE_TEST("/store/refuses-text", test_refuses_text);
    STORE_TEST("/store/refuses-foreign-database", test_refuses_foreign_database);
    STORE_TEST("/store/refuses-newer-version", test_refuses_newer_version);
    STORE_TEST("/store/refuses-damage", test_refuses_damage);
    STORE_TEST("/store/folder-is-missing", test_folder_is_missing);
    STORE_TEST("/store/path-is-a-folder", test_path_is_a_folder);
    STORE_TEST("/store/left-over-of-a-crash", test_left_over_of_a_crash);
    STORE_TEST("/store/checkpoint-empties-the-log", test_checkpoint_empties_the_log);
    STORE_TEST("/store/room-is-bounded", test_room_is_bounded);
    STORE_TEST("/store/room-outlasts-a-full-disk", test_room_outlasts_a_full_disk);
    STORE_TEST("/store/no-room", test_no_room);
    STORE_TEST("/store/sync-fails", test_sync_fails);
    STORE_TEST("/store/checkpoint-with-a-reader", test_checkpoint_with_a_reader);
    STORE_TEST("/store/checkpoints-are-counted", test_checkpoints_are_counted);
    g_test_add_func("/store/close-nothing", test_close_nothing);
    return g_test_run();
}
