#include "daemon/keep.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/config.h"

static const char *const eth3[] = { "eth3", "0000:03:00.0", NULL };

typedef struct {
    const char *name;
    const char *before, *after;
} EditRow;

static const EditRow edit_rows[] = {
    { "empty", "", "[pf eth3]\nvfs = 7\n" },
    { "added", "[daemon]\nname = a\n", "[daemon]\nname = a\n\n[pf eth3]\nvfs = 7\n" },
    { "added-to-an-open-line", "[daemon]\nname = a", "[daemon]\nname = a\n\n[pf eth3]\nvfs = 7\n" },
    { "replaced", "# x\n[pf eth3]\n# why\nvfs = 3\n# end\n[tls]\n",
      "# x\n[pf eth3]\n# why\nvfs = 7\n# end\n[tls]\n" },
    { "replaced-however-written", " [ pf eth3]\n[pf  eth3]  \n\tvfs=3",
      " [ pf eth3]\n[pf  eth3]  \nvfs = 7" },
    { "by-its-other-name", "[pf 0000:03:00.0]\nvfs = 3\n", "[pf 0000:03:00.0]\nvfs = 7\n" },
    { "other-pfs-stay", "[pf eth30]\nvfs = 1\n[pf eth4]\nvfs = 2\n",
      "[pf eth30]\nvfs = 1\n[pf eth4]\nvfs = 2\n\n[pf eth3]\nvfs = 7\n" },
    { "section-without-value", "[pf eth3]\n# vfs = 3\n[pf eth4]\nvfs = 2\n",
      "[pf eth3]\nvfs = 7\n# vfs = 3\n[pf eth4]\nvfs = 2\n" },
    { "value-in-the-second-section", "[pf eth3]\n[tls]\n[pf eth3]\nvfs = 3\n",
      "[pf eth3]\n[tls]\n[pf eth3]\nvfs = 7\n" },
    { "commented-section", "# [pf eth3]\n# vfs = 3\n",
      "# [pf eth3]\n# vfs = 3\n\n[pf eth3]\nvfs = 7\n" },
};

static void
test_edit(gconstpointer data)
{
    const EditRow *row = data;
    g_autofree char *after = ferry_keep_edit(row->before, eth3, 7);
    g_autofree char *again = ferry_keep_edit(after, eth3, 7);

    g_assert_cmpstr(after, ==, row->after);
    g_assert_cmpstr(again, ==, after);
}

typedef struct {
    char *folder, *path;
    FerryKeep *keep;
} Place;

static Place
place_new(const char *text)
{
    Place self = { .folder = g_dir_make_tmp("ferry-keep-XXXXXX", NULL) };

    self.path = g_build_filename(self.folder, "etc", "ferryd.conf", NULL);
    if (text != NULL) {
        g_autofree char *folder = g_path_get_dirname(self.path);

        g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
        g_assert_true(g_file_set_contents(self.path, text, -1, NULL));
    }
    self.keep = ferry_keep_new(self.path);
    return self;
}

static void
place_clear(Place *self)
{
    g_autofree char *folder = g_path_get_dirname(self->path);

    ferry_keep_free(self->keep);
    (void)g_unlink(self->path);
    (void)g_rmdir(folder);
    g_assert_cmpint(g_rmdir(self->folder), ==, 0); /* nothing else was left in it */
    g_free(self->path);
    g_free(self->folder);
}

static void
test_made_when_missing(void)
{
    Place place = place_new(NULL);
    g_autofree char *text = NULL;
    struct stat status;

    g_assert_true(ferry_keep_ops()->set_vfs(place.keep, eth3, 4, NULL));
    g_assert_true(g_file_get_contents(place.path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "[pf eth3]\nvfs = 4\n");
    g_assert_cmpint(g_stat(place.path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0644);
    place_clear(&place);
}

/* A link stays one, and the file keeps its mode. */
static void
test_link_and_mode(void)
{
    Place place = place_new("# mine\n");
    g_autofree char *real = g_build_filename(place.folder, "real.conf", NULL);
    g_autofree char *text = NULL;
    struct stat status;

    g_assert_cmpint(g_rename(place.path, real), ==, 0);
    g_assert_cmpint(g_chmod(real, 0600), ==, 0);
    g_assert_cmpint(symlink("../real.conf", place.path), ==, 0);
    g_assert_true(ferry_keep_ops()->set_vfs(place.keep, eth3, 4, NULL));
    g_assert_true(g_file_test(place.path, G_FILE_TEST_IS_SYMLINK));
    g_assert_true(g_file_get_contents(real, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "# mine\n\n[pf eth3]\nvfs = 4\n");
    g_assert_cmpint(g_stat(real, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    (void)g_unlink(real);
    place_clear(&place);
}

/* A file that ferryd would not start with is not written to. */
static void
test_malformed(void)
{
    Place place = place_new("[deamon]\n");
    g_autofree char *text = NULL;
    g_autofree char *message =
        g_strconcat(place.path, ":1: there is no section [deamon]: see ferryd.conf(5)", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_keep_ops()->set_vfs(place.keep, eth3, 4, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_true(g_file_get_contents(place.path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "[deamon]\n");
    place_clear(&place);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(edit_rows); i++) {
        g_autofree char *path = g_strconcat("/keep/edit/", edit_rows[i].name, NULL);
        g_test_add_data_func(path, &edit_rows[i], test_edit);
    }
    g_test_add_func("/keep/made-when-missing", test_made_when_missing);
    g_test_add_func("/keep/link-and-mode", test_link_and_mode);
    g_test_add_func("/keep/malformed", test_malformed);
    return g_test_run();
}
