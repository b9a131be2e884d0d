#include "migrate/save-file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "migrate/sidecar.h"

typedef struct {
    char *folder, *file, *partial, *sidecar;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-save-file-XXXXXX", NULL);
    fixture->file = g_build_filename(fixture->folder, "web", NULL);
    fixture->partial = g_strconcat(fixture->file, ".part", NULL);
    fixture->sidecar = ferry_sidecar_path(fixture->file);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    char **paths[] = { &fixture->file, &fixture->partial, &fixture->sidecar, &fixture->folder };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        (void)g_remove(*paths[i]);
        g_free(*paths[i]);
    }
}

/* Returns: (nullable) (transfer full): the code of the one reason */
static char *
check(const char *file, FerrySaveOver over)
{
    json_t *reasons = json_array();
    char *code = NULL;

    ferry_save_file_check(file, over, reasons);
    g_assert_cmpuint(json_array_size(reasons), <=, 1);
    code = g_strdup(json_string_value(json_object_get(json_array_get(reasons, 0), "code")));
    json_decref(reasons);
    return code;
}

static const struct {
    const char *content; /* NULL: no file */
    FerrySaveOver over;
    const char *code;
} rows[] = {
    { NULL, FERRY_SAVE_NEW, NULL },
    { NULL, FERRY_SAVE_OVER, NULL },
    { "LibvirtQemudSave…", FERRY_SAVE_NEW, "file-exists" },
    { "LibvirtQemudSave…", FERRY_SAVE_OVER, NULL },
    { "mine", FERRY_SAVE_NEW, "file-exists" },
    { "mine", FERRY_SAVE_OVER, "not-a-saved-guest" },
    { "", FERRY_SAVE_OVER, "not-a-saved-guest" },
};

static void
test_check(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *code = NULL;

        (void)g_unlink(fixture->file);
        if (rows[i].content != NULL)
            g_assert_true(g_file_set_contents(fixture->file, rows[i].content, -1, NULL));
        code = check(fixture->file, rows[i].over);
        g_assert_cmpstr(code, ==, rows[i].code);
    }
}

/* What is no regular file is never written over, and a link is not followed. */
static void
test_check_others(Fixture *fixture, gconstpointer data)
{
    g_autofree char *folder = check(fixture->folder, FERRY_SAVE_OVER);
    g_autofree char *none = check("/no/such/folder/web", FERRY_SAVE_NEW);
    g_autofree char *link = NULL;

    (void)data;
    g_assert_cmpstr(folder, ==, "not-a-saved-guest");
    g_assert_cmpstr(none, ==, "no-folder");
    g_assert_true(g_file_set_contents(fixture->partial, "LibvirtQemudSave", -1, NULL));
    g_assert_cmpint(symlink(fixture->partial, fixture->file), ==, 0);
    link = check(fixture->file, FERRY_SAVE_OVER);
    g_assert_cmpstr(link, ==, "not-a-saved-guest");
}

static void
test_name(Fixture *fixture, gconstpointer data)
{
    struct stat status;
    g_autofree char *content = NULL;

    (void)data;
    g_assert_true(ferry_save_file_make(fixture->partial, NULL));
    g_assert_cmpint(stat(fixture->partial, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_true(g_file_set_contents(fixture->sidecar, "old", -1, NULL));
    for (int round = 0; round < 2; round++) /* the second time there is nothing to do */
        g_assert_true(ferry_save_file_name(fixture->partial, fixture->file, FERRY_SAVE_NEW, NULL));
    g_assert_true(g_file_test(fixture->file, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(fixture->sidecar, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_set_contents(fixture->partial, "new", -1, NULL));
    g_assert_true(ferry_save_file_name(fixture->partial, fixture->file, FERRY_SAVE_OVER, NULL));
    g_assert_true(g_file_get_contents(fixture->file, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "new");
}

static void
test_name_taken(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) made = NULL;

    (void)data;
    g_assert_true(ferry_save_file_make(fixture->partial, NULL));
    g_assert_false(ferry_save_file_make(fixture->partial, &made));
    g_assert_nonnull(made);
    g_assert_true(g_file_set_contents(fixture->file, "mine", -1, NULL));
    g_assert_true(g_file_set_contents(fixture->sidecar, "its", -1, NULL));
    g_assert_false(ferry_save_file_name(fixture->partial, fixture->file, FERRY_SAVE_NEW, &error));
    g_assert_nonnull(error);
    g_assert_true(g_file_test(fixture->partial, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(fixture->sidecar, G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/save-file/check", Fixture, NULL, set_up, test_check, tear_down);
    g_test_add("/save-file/check-others", Fixture, NULL, set_up, test_check_others, tear_down);
    g_test_add("/save-file/name", Fixture, NULL, set_up, test_name, tear_down);
    g_test_add("/save-file/name-taken", Fixture, NULL, set_up, test_name_taken, tear_down);
    return g_test_run();
}
