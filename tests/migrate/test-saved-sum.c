#include "migrate/saved-sum.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/error.h"

#define MIB ((gsize)1 << 20)

typedef struct {
    char *folder, *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-sum-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "f", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)g_unlink(fixture->path);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->path);
}

/* A file of that many bytes, the one at @at another than it should be. */
static FerrySavedSum *
sum_of(const Fixture *fixture, gsize bytes, gsize at, const FerrySavedSum *like)
{
    g_autofree char *content = g_malloc(bytes + 1);
    FerrySavedSum *sum = NULL;

    for (gsize i = 0; i < bytes; i++)
        content[i] = (char)(i * 7 + i / 4096);
    if (at < bytes)
        content[at] ^= 1;
    g_assert_true(g_file_set_contents(fixture->path, content, (gssize)bytes, NULL));
    g_assert_true(ferry_saved_sum_take(fixture->path, like, NULL, NULL, &sum, NULL));
    return sum;
}

/* Known of sha256sum(1). */
static void
test_digest(Fixture *fixture, gconstpointer data)
{
    g_autoptr(FerrySavedSum) sum = NULL;

    (void)data;
    g_assert_true(g_file_set_contents(fixture->path, "abc", 3, NULL));
    g_assert_true(ferry_saved_sum_take(fixture->path, NULL, NULL, NULL, &sum, NULL));
    g_assert_cmpuint(sum->bytes, ==, 3);
    g_assert_cmpuint(sum->digests->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(sum->digests, 0), ==,
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static const struct {
    const char *name;
    gsize bytes, at, n_digests;
    const char *place; /* NULL: alike */
} rows[] = {
    { "alike", 3 * MIB + 5, G_MAXSIZE, 4, NULL },
    { "whole-pieces", 3 * MIB, G_MAXSIZE, 3, "it ends at byte 3145728" },
    { "first", 3 * MIB + 5, 0, 4, "bytes 0 to 1048575 " },
    { "last", 3 * MIB + 5, 3 * MIB + 4, 4, "bytes 3145728 to 3145732 " },
    { "empty", 0, G_MAXSIZE, 0, "it ends at byte 0; when it was saved it had 3145733" },
    { "longer", 3 * MIB + 6, G_MAXSIZE, 4, "it has 3145734 bytes" },
};

static void
test_places(Fixture *fixture, gconstpointer data)
{
    const gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(FerrySavedSum) then = sum_of(fixture, 3 * MIB + 5, G_MAXSIZE, NULL);
    g_autoptr(FerrySavedSum) now = sum_of(fixture, rows[i].bytes, rows[i].at, then);
    g_autofree char *differ = ferry_saved_sum_differ(then, now);

    g_assert_cmpuint(now->digests->len, ==, rows[i].n_digests);
    if (rows[i].place == NULL)
        g_assert_null(differ);
    else
        g_assert_nonnull(strstr(differ, rows[i].place));
}

static bool
stop(void *data, uint64_t done_bytes, uint64_t total_bytes)
{
    unsigned *n = data;

    g_assert_cmpuint(done_bytes, <=, total_bytes);
    return ++*n < 2;
}

static void
test_gives_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(FerrySavedSum) sum = sum_of(fixture, 40 * MIB, G_MAXSIZE, NULL);
    FerrySavedSum *none = NULL;
    g_autoptr(GError) error = NULL;
    unsigned n = 0;

    (void)data;
    g_assert_cmpuint(sum->digests->len, ==, 40);
    g_assert_false(ferry_saved_sum_take(fixture->path, NULL, stop, &n, &none, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED);
    g_assert_cmpuint(n, ==, 2);
    g_assert_null(none);
    g_clear_error(&error);
    g_assert_false(ferry_saved_sum_take("/no/such", NULL, NULL, NULL, &none, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

static void
test_json(Fixture *fixture, gconstpointer data)
{
    g_autoptr(FerrySavedSum) sum = sum_of(fixture, 2 * MIB + 1, G_MAXSIZE, NULL);
    g_autoptr(FerrySavedSum) back = NULL;
    json_t *json = ferry_saved_sum_format(sum);

    (void)data;
    g_assert_true(ferry_saved_sum_parse(json, &back, NULL));
    g_assert_null(ferry_saved_sum_differ(sum, back));
    g_assert_cmpuint(back->digests->len, ==, 3);
    json_decref(json);
}

static const struct {
    const char *json, *words;
} bad[] = {
    { "[]", "algorithm" },
    { "{\"algorithm\":\"md5\"}", "md5" },
    { "{\"algorithm\":\"sha256\",\"bytes\":0,\"piece_bytes\":1,\"digests\":[]}", "\"bytes\"" },
    { "{\"algorithm\":\"sha256\",\"bytes\":1,\"piece_bytes\":0,\"digests\":[]}",
      "\"piece_bytes\"" },
    { "{\"algorithm\":\"sha256\",\"bytes\":9,\"piece_bytes\":-1,\"digests\":[]}", "piece_bytes" },
    { "{\"algorithm\":\"sha256\",\"bytes\":9,\"piece_bytes\":4,\"digests\":[]}", "as many" },
    { "{\"algorithm\":\"sha256\",\"bytes\":1,\"piece_bytes\":4,\"digests\":[7]}", "64 hexa" },
    { "{\"algorithm\":\"sha256\",\"bytes\":1,\"piece_bytes\":4,\"digests\":[\"zz\"]}", "64 hexa" },
    { "{\"algorithm\":\"sha256\",\"bytes\":9223372036854775807,\"piece_bytes\":1,\"digests\":[]}",
      "\"bytes\"" },
};

static void
test_bad_json(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        json_t *json = json_loads(bad[i].json, 0, NULL);
        FerrySavedSum *sum = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_nonnull(json);
        g_assert_false(ferry_saved_sum_parse(json, &sum, &error));
        g_assert_nonnull(strstr(error->message, bad[i].words));
        g_assert_null(sum);
        json_decref(json);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/saved-sum/digest", Fixture, NULL, set_up, test_digest, tear_down);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/saved-sum/places/", rows[i].name, NULL);

        g_test_add(path, Fixture, GSIZE_TO_POINTER(i), set_up, test_places, tear_down);
    }
    g_test_add("/saved-sum/gives-up", Fixture, NULL, set_up, test_gives_up, tear_down);
    g_test_add("/saved-sum/json", Fixture, NULL, set_up, test_json, tear_down);
    g_test_add_func("/saved-sum/bad-json", test_bad_json);
    return g_test_run();
}
