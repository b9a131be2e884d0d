#include "migrate/sidecar.h"

#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "base/error.h"

typedef struct {
    char *folder, *file, *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-sidecar-XXXXXX", NULL);
    fixture->file = g_build_filename(fixture->folder, "web", NULL);
    fixture->path = ferry_sidecar_path(fixture->file);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)g_unlink(fixture->file);
    (void)g_unlink(fixture->path);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->file);
    g_free(fixture->path);
}

static FerrySidecar *
sidecar_new(const Fixture *fixture)
{
    FerrySidecar *sidecar = g_new0(FerrySidecar, 1);

    g_assert_true(g_file_set_contents(fixture->file, "abc", -1, NULL));
    g_assert_true(ferry_saved_sum_take(fixture->file, NULL, NULL, NULL, &sidecar->sum, NULL));
    sidecar->guest_name = g_strdup("web");
    sidecar->guest_uuid = g_strdup("0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e");
    sidecar->host = g_strdup("alpha");
    sidecar->saved = g_strdup("2026-01-01T00:00:00.000Z");
    sidecar->devices = json_pack("[{s:s}]", "alias", "ua-gpu0");
    return sidecar;
}

static void
test_there_and_back(Fixture *fixture, gconstpointer data)
{
    g_autoptr(FerrySidecar) sidecar = sidecar_new(fixture);
    g_autoptr(FerrySidecar) back = NULL;
    g_autoptr(FerrySidecar) again = NULL;
    struct stat status;

    (void)data;
    g_assert_true(ferry_sidecar_write(fixture->file, sidecar, NULL));
    g_assert_cmpint(stat(fixture->path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_true(ferry_sidecar_read(fixture->file, &back, NULL));
    g_assert_cmpstr(back->guest_name, ==, "web");
    g_assert_cmpstr(back->host, ==, "alpha");
    g_assert_null(back->restored_on);
    g_assert_true(json_equal(back->devices, sidecar->devices));
    g_assert_null(ferry_saved_sum_differ(sidecar->sum, back->sum));
    back->restored_on = g_strdup("beta");
    g_assert_true(ferry_sidecar_write(fixture->file, back, NULL));
    g_assert_true(ferry_sidecar_read(fixture->file, &again, NULL));
    g_assert_cmpstr(again->restored_on, ==, "beta");
}

static void
test_none(Fixture *fixture, gconstpointer data)
{
    FerrySidecar *none = NULL;

    (void)data;
    g_assert_true(ferry_sidecar_read(fixture->file, &none, NULL));
    g_assert_null(none);
}

#define SUMS                                                                                       \
    "\"checksums\":{\"algorithm\":\"sha256\",\"bytes\":1,\"piece_bytes\":1,\"digests\":["          \
    "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]}"

/* clang-format off */
static const struct {
    const char *name, *text;
    int code;
    const char *words;
} bad[] = {
    { "no-json",  "abc", FERRY_ERROR_INVALID, "line 1" },
    { "empty",    "", FERRY_ERROR_INVALID, "line" },
    { "foreign",  "{}", FERRY_ERROR_INVALID, "not a sidecar" },
    { "newer",    "{\"ferry_saved_guest\":2}", FERRY_ERROR_UNSUPPORTED, "newer ferry" },
    { "nameless", "{\"ferry_saved_guest\":1," SUMS "}", FERRY_ERROR_INVALID, "\"guest_name\"" },
    { "sumless",  "{\"ferry_saved_guest\":1,\"guest_name\":\"w\",\"guest_uuid\":\"u\",\"host\":\"h\",\"saved\":\"t\"}",
      FERRY_ERROR_INVALID, "checksums" },
    { "number",   "{\"ferry_saved_guest\":1,\"guest_name\":\"w\",\"guest_uuid\":\"u\",\"host\":\"h\",\"saved\":7," SUMS "}",
      FERRY_ERROR_INVALID, "\"saved\"" },
    { "twice",    "{\"ferry_saved_guest\":1,\"ferry_saved_guest\":1}", FERRY_ERROR_INVALID, "line 1" },
};
/* clang-format on */

static void
test_bad(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        FerrySidecar *none = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", bad[i].name);
        g_assert_true(g_file_set_contents(fixture->path, bad[i].text, -1, NULL));
        g_assert_false(ferry_sidecar_read(fixture->file, &none, &error));
        g_assert_error(error, FERRY_ERROR, bad[i].code);
        g_assert_nonnull(strstr(error->message, bad[i].words));
        g_assert_nonnull(strstr(error->message, fixture->path));
        g_assert_null(none);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/sidecar/there-and-back", Fixture, NULL, set_up, test_there_and_back, tear_down);
    g_test_add("/sidecar/none", Fixture, NULL, set_up, test_none, tear_down);
    g_test_add("/sidecar/bad", Fixture, NULL, set_up, test_bad, tear_down);
    return g_test_run();
}
