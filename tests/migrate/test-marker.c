#include "migrate/marker.h"

#include <sys/stat.h>

#include <glib/gstdio.h>

#include "base/error.h"

#define GUEST "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define JOB_A "11111111-2222-4333-8444-555555555555"
#define JOB_B "99999999-2222-4333-8444-555555555555"

typedef struct {
    char *state_dir;
    char *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->state_dir = g_dir_make_tmp("ferry-marker-XXXXXX", NULL);
    g_assert_nonnull(fixture->state_dir);
    fixture->path = g_build_filename(fixture->state_dir, "hold", GUEST, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autofree char *folder = g_build_filename(fixture->state_dir, "hold", NULL);

    (void)data;
    (void)g_unlink(fixture->path);
    (void)g_rmdir(folder);
    g_assert_cmpint(g_rmdir(fixture->state_dir), ==, 0); /* fails if anything else was left */
    g_free(fixture->path);
    g_free(fixture->state_dir);
}

static void
set(Fixture *fixture, const char *job)
{
    g_autoptr(GError) error = NULL;

    ferry_marker_set(fixture->state_dir, GUEST, job, &error);
    g_assert_no_error(error);
}

static void
assert_holder(Fixture *fixture, const char *job)
{
    g_autofree char *holder = NULL;
    g_autoptr(GError) error = NULL;

    ferry_marker_read(fixture->state_dir, GUEST, &holder, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(holder, ==, job);
}

static void
test_set_and_clear(Fixture *fixture, gconstpointer data)
{
    struct stat status;

    (void)data;
    assert_holder(fixture, NULL);
    set(fixture, JOB_A);
    assert_holder(fixture, JOB_A);
    g_assert_cmpint(stat(fixture->path, &status), ==, 0); /* what the hook looks at */
    set(fixture, JOB_A);
    g_assert_true(ferry_marker_clear(fixture->state_dir, GUEST, JOB_A, NULL));
    assert_holder(fixture, NULL);
    g_assert_cmpint(stat(fixture->path, &status), ==, -1);
    g_assert_true(ferry_marker_clear(fixture->state_dir, GUEST, JOB_A, NULL));
}

/* A late clear of an older job must not open the way for a start under the newer one. */
static void
test_other_jobs_marker_stays(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    set(fixture, JOB_A);
    g_assert_true(ferry_marker_clear(fixture->state_dir, GUEST, JOB_B, NULL));
    assert_holder(fixture, JOB_A);
    g_assert_false(ferry_marker_set(fixture->state_dir, GUEST, JOB_B, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, fixture->path));
    g_assert_nonnull(strstr(error->message, "it is held for job " JOB_A));
    assert_holder(fixture, JOB_A);
}

static const char *const hostile_names[] = {
    "", "..", "../../etc/passwd", GUEST "/x", "4b20d080-1b54-4048-85b3-a6a62d165c0",
};

static void
test_only_a_uuid_is_a_guest(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(hostile_names); i++) {
        g_autoptr(GError) set_error = NULL;
        g_autoptr(GError) read_error = NULL;
        g_autoptr(GError) clear_error = NULL;
        char *holder = NULL;

        g_assert_false(ferry_marker_set(fixture->state_dir, hostile_names[i], JOB_A, &set_error));
        g_assert_error(set_error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(set_error->message, "is not a UUID"));
        g_assert_false(
            ferry_marker_read(fixture->state_dir, hostile_names[i], &holder, &read_error));
        g_assert_error(read_error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_false(
            ferry_marker_clear(fixture->state_dir, hostile_names[i], JOB_A, &clear_error));
        g_assert_error(clear_error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_null(holder);
    }
}

static void
test_makes_its_folders(Fixture *fixture, gconstpointer data)
{
    g_autofree char *state_dir = g_build_filename(fixture->state_dir, "none", NULL);
    g_autofree char *hold = g_build_filename(state_dir, "hold", NULL);
    g_autofree char *job = NULL;

    (void)data;
    g_assert_true(ferry_marker_set(state_dir, GUEST, JOB_A, NULL));
    g_assert_true(ferry_marker_read(state_dir, GUEST, &job, NULL));
    g_assert_cmpstr(job, ==, JOB_A);
    g_assert_true(ferry_marker_clear(state_dir, GUEST, JOB_A, NULL));
    g_assert_cmpint(g_rmdir(hold), ==, 0);
    g_assert_cmpint(g_rmdir(state_dir), ==, 0);
}

/* A marker that cannot be read is neither absent nor ours. */
static void
test_unreadable_marker(Fixture *fixture, gconstpointer data)
{
    char *holder = NULL;
    g_autofree char *large = g_strnfill(1000, 'x');
    g_autoptr(GError) read_error = NULL;
    g_autoptr(GError) clear_error = NULL;

    (void)data;
    set(fixture, JOB_A);
    g_assert_true(g_file_set_contents(fixture->path, large, -1, NULL));
    g_assert_false(ferry_marker_read(fixture->state_dir, GUEST, &holder, &read_error));
    g_assert_error(read_error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_false(ferry_marker_clear(fixture->state_dir, GUEST, JOB_A, &clear_error));
    g_assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

#define ADD(name, func) g_test_add("/marker/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("set-and-clear", test_set_and_clear);
    ADD("other-jobs-marker-stays", test_other_jobs_marker_stays);
    ADD("only-a-uuid-is-a-guest", test_only_a_uuid_is_a_guest);
    ADD("makes-its-folders", test_makes_its_folders);
    ADD("unreadable-marker", test_unreadable_marker);
    return g_test_run();
}
