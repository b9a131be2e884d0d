#include "vfio/state-file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"

typedef struct {
    char *folder;
    char *path;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->folder = g_dir_make_tmp("ferry-state-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "state", NULL);
}

/* The number of names in the folder. */
static unsigned
n_names(const Fixture *f)
{
    GDir *dir = g_dir_open(f->folder, 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir) != NULL)
        n++;
    g_dir_close(dir);
    return n;
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    (void)g_unlink(f->path);
    (void)g_rmdir(f->path);
    g_assert_cmpuint(n_names(f), ==, 0);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
    g_free(f->path);
}

static void
assert_content(const Fixture *f, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(f->path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

static void
test_appears_when_complete(Fixture *f, gconstpointer data)
{
    g_auto(FerryStateFile) file = { 0 };
    struct stat status = { 0 };
    mode_t old = umask(0);

    (void)data;
    g_assert_true(ferry_state_file_create(&file, f->path, NULL));
    (void)umask(old);
    g_assert_cmpint(write(file.fd, "abc", 3), ==, 3);
    g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
    g_assert_cmpuint(n_names(f), ==, 1);
    g_assert_true(ferry_state_file_commit(&file, NULL));
    g_assert_cmpint(stat(f->path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    g_assert_cmpuint(n_names(f), ==, 1);
    assert_content(f, "abc");
}

static void
test_nothing_without_commit(Fixture *f, gconstpointer data)
{
    (void)data;
    {
        g_auto(FerryStateFile) file = { 0 };

        g_assert_true(ferry_state_file_create(&file, f->path, NULL));
        g_assert_cmpint(write(file.fd, "abc", 3), ==, 3);
    }
    g_assert_cmpuint(n_names(f), ==, 0);
}

/* The old state stays whole until the new one is. */
static void
test_replaces_at_the_end(Fixture *f, gconstpointer data)
{
    g_auto(FerryStateFile) file = { 0 };

    (void)data;
    g_assert_true(g_file_set_contents(f->path, "old", -1, NULL));
    g_assert_true(ferry_state_file_create(&file, f->path, NULL));
    g_assert_cmpint(write(file.fd, "new", 3), ==, 3);
    assert_content(f, "old");
    g_assert_true(ferry_state_file_commit(&file, NULL));
    assert_content(f, "new");
}

static void
test_two_at_once(Fixture *f, gconstpointer data)
{
    g_auto(FerryStateFile) one = { 0 };
    g_auto(FerryStateFile) two = { 0 };

    (void)data;
    g_assert_true(ferry_state_file_create(&one, f->path, NULL));
    g_assert_true(ferry_state_file_create(&two, f->path, NULL));
    g_assert_cmpint(write(one.fd, "1", 1), ==, 1);
    g_assert_cmpint(write(two.fd, "2", 1), ==, 1);
    g_assert_true(ferry_state_file_commit(&two, NULL));
    g_assert_true(ferry_state_file_commit(&one, NULL));
    assert_content(f, "1");
}

/* A device or a pipe is not to be replaced by a file: /dev/null would be gone. */
static void
test_name_is_no_file(Fixture *f, gconstpointer data)
{
    g_auto(FerryStateFile) file = { 0 };
    g_autoptr(GError) error = NULL;
    struct stat status;

    (void)data;
    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
    g_assert_false(ferry_state_file_create(&file, f->path, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpint(lstat(f->path, &status), ==, 0);
    g_assert_true(S_ISFIFO(status.st_mode));
    g_assert_cmpuint(n_names(f), ==, 1);
}

static void
test_no_folder(Fixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->folder, "none", "state", NULL);
    g_auto(FerryStateFile) file = { 0 };
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(ferry_state_file_create(&file, path, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, path)); /* the operator's name, not the hidden one */
    g_assert_null(file.path);
}

/* A name that cannot be taken: said, and nothing is left. */
static void
test_name_is_a_folder(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    {
        g_auto(FerryStateFile) file = { 0 };

        g_assert_true(ferry_state_file_create(&file, f->path, NULL));
        g_assert_cmpint(g_mkdir(f->path, 0700), ==, 0); /* somebody is quicker */
        g_assert_false(ferry_state_file_commit(&file, &error));
    }
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_nonnull(strstr(error->message, f->path));
    g_assert_cmpuint(n_names(f), ==, 1);
    g_clear_error(&error);
    FerryStateFile early = { 0 };
    g_assert_false(ferry_state_file_create(&early, f->path, &error)); /* seen before any work */
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_null(early.path);
    g_assert_cmpuint(n_names(f), ==, 1);
}

static void
test_name_without_folder(Fixture *f, gconstpointer data)
{
    g_autofree char *old = g_get_current_dir();
    g_auto(FerryStateFile) file = { 0 };

    (void)data;
    g_assert_cmpint(g_chdir(f->folder), ==, 0);
    g_assert_true(ferry_state_file_create(&file, "state", NULL));
    g_assert_true(ferry_state_file_commit(&file, NULL));
    g_assert_cmpint(g_chdir(old), ==, 0);
    assert_content(f, "");
}

static void
test_clear_of_nothing(void)
{
    FerryStateFile file = { 0 };

    ferry_state_file_clear(&file);
    ferry_state_file_clear(&file);
}

#define ADD(name, func) g_test_add("/state-file/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("appears-when-complete", test_appears_when_complete);
    ADD("nothing-without-commit", test_nothing_without_commit);
    ADD("replaces-at-the-end", test_replaces_at_the_end);
    ADD("two-at-once", test_two_at_once);
    ADD("no-folder", test_no_folder);
    ADD("name-is-a-folder", test_name_is_a_folder);
    ADD("name-is-no-file", test_name_is_no_file);
    ADD("name-without-folder", test_name_without_folder);
    g_test_add_func("/state-file/clear-of-nothing", test_clear_of_nothing);
    return g_test_run();
}
