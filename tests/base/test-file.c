#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "base/error.h"

typedef struct {
    char *folder;
    char *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-file-XXXXXX", NULL);
    g_assert_nonnull(fixture->folder);
    fixture->path = g_build_filename(fixture->folder, "file", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)g_unlink(fixture->path);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0); /* fails if a temporary file was left */
    g_free(fixture->path);
    g_free(fixture->folder);
}

static void
test_round_trip(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = NULL;
    struct stat status;

    (void)data;
    g_assert_true(ferry_file_write(fixture->path, "old", 0644, NULL));
    g_assert_true(ferry_file_write(fixture->path, "new\n", 0600, NULL));
    g_assert_true(ferry_file_read(fixture->path, 4, &text, NULL));
    g_assert_cmpstr(text, ==, "new\n");
    g_assert_cmpint(stat(fixture->path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
}

static void
test_write_refuses_missing_folder(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "none", "file", NULL);
    g_autofree char *message = g_strdup_printf("cannot write %s: No such file or directory", path);
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(ferry_file_write(path, "text", 0600, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_write_replaces_files_only(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat status;

    (void)data;
    g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
    g_assert_false(ferry_file_write(fixture->path, "text", 0600, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, fixture->path));
    g_assert_cmpint(stat(fixture->path, &status), ==, 0);
    g_assert_true(S_ISFIFO(status.st_mode));
}

/* The rename fails on a folder of that name: the temporary file must go (see tear_down). */
static void
test_failed_write_leaves_nothing(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_cmpint(g_mkdir(fixture->path, 0700), ==, 0);
    g_assert_false(ferry_file_write(fixture->path, "text", 0600, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpint(g_rmdir(fixture->path), ==, 0);
}

static void
test_read_refuses(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) too_long = NULL;
    g_autoptr(GError) zero = NULL;

    (void)data;
    g_assert_false(ferry_file_read(fixture->path, 10, &text, &missing));
    g_assert_error(missing, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_true(ferry_file_write(fixture->path, "12345", 0600, NULL));
    g_assert_false(ferry_file_read(fixture->path, 4, &text, &too_long));
    g_assert_error(too_long, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_nonnull(strstr(too_long->message, "longer than 4 bytes"));
    g_assert_true(g_file_set_contents(fixture->path, "a\0b", 3, NULL));
    g_assert_false(ferry_file_read(fixture->path, 10, &text, &zero));
    g_assert_error(zero, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_null(text);
}

static void
test_remove_twice(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(ferry_file_write(fixture->path, "text", 0600, NULL));
    g_assert_true(ferry_file_remove(fixture->path, NULL));
    g_assert_true(ferry_file_remove(fixture->path, NULL));
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_fd_guard(Fixture *fixture, gconstpointer data)
{
    int kept = -1;
    int closed = -1;

    (void)fixture;
    (void)data;
    {
        FERRY_AUTOFD int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
        FERRY_AUTOFD int b = open("/dev/null", O_RDONLY | O_CLOEXEC);

        closed = a;
        kept = ferry_fd_steal(&b);
        g_assert_cmpint(b, ==, -1);
        errno = EXDEV;
    }
    g_assert_cmpint(errno, ==, EXDEV);
    g_assert_cmpint(fcntl(closed, F_GETFD), ==, -1);
    g_assert_cmpint(fcntl(kept, F_GETFD), !=, -1);
    g_assert_cmpint(close(kept), ==, 0);
}

typedef struct {
    const char *name;
    int code;
    int expected; /* a FerryErrorCode, as the signed number that GError holds */
} ErrnoRow;

static const ErrnoRow errno_rows[] = {
    { "no-file", ENOENT, FERRY_ERROR_NOT_FOUND },
    { "no-folder", ENOTDIR, FERRY_ERROR_NOT_FOUND },
    { "permission", EACCES, FERRY_ERROR_DENIED },
    { "not-root", EPERM, FERRY_ERROR_DENIED },
    { "disk-full", ENOSPC, FERRY_ERROR_EXHAUSTED },
    { "quota", EDQUOT, FERRY_ERROR_EXHAUSTED },
    { "descriptors", EMFILE, FERRY_ERROR_EXHAUSTED },
    { "anything-else", EIO, FERRY_ERROR_IO },
};

static void
test_errno(gconstpointer data)
{
    const ErrnoRow *row = data;
    g_autofree char *message = g_strdup_printf("cannot open /x: %s", g_strerror(row->code));
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_error_set_errno(&error, row->code, "open", "/x"));
    g_assert_error(error, FERRY_ERROR, row->expected);
    g_assert_cmpstr(error->message, ==, message);
}

#define ADD(name, func) g_test_add("/file/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("round-trip", test_round_trip);
    ADD("write-refuses-missing-folder", test_write_refuses_missing_folder);
    ADD("write-replaces-files-only", test_write_replaces_files_only);
    ADD("failed-write-leaves-nothing", test_failed_write_leaves_nothing);
    ADD("read-refuses", test_read_refuses);
    ADD("remove-twice", test_remove_twice);
    ADD("fd-guard", test_fd_guard);
    for (size_t i = 0; i < G_N_ELEMENTS(errno_rows); i++) {
        g_autofree char *path = g_strconcat("/file/errno/", errno_rows[i].name, NULL);
        g_test_add_data_func(path, &errno_rows[i], test_errno);
    }
    return g_test_run();
}
