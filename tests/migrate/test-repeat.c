#include "migrate/repeat.h"

#include <string.h>

#include "base/error.h"

static void
test_keys(void)
{
    g_autofree char *longest = g_strnfill(200, 'k');
    g_autofree char *too_long = g_strnfill(201, 'k');
    const struct {
        const char *key;
        bool good;
    } rows[] = {
        { "4b20d080-1b54-4048-85b3-a6a62d165c01", true },
        { "a", true },
        { longest, true },
        { too_long, false },
        { "", false },
        { "two words", false },
        { "tab\t", false },
        { "\xc3\xa9", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *kept = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(ferry_repeat_key("local", rows[i].key, &kept, &error) == rows[i].good);
        if (rows[i].good) {
            g_autofree char *expected = g_strconcat("local ", rows[i].key, NULL);

            g_assert_cmpstr(kept, ==, expected);
        } else {
            g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
            g_assert_nonnull(strstr(error->message, "Idempotency-Key"));
            g_assert_null(kept);
        }
        g_free(kept);
    }
}

static void
test_no_key(void)
{
    char *kept = NULL;

    g_assert_true(ferry_repeat_key("local", NULL, &kept, NULL));
    g_assert_null(kept);
}

/* One caller's key says nothing about another's. */
static void
test_a_key_is_the_callers_own(void)
{
    g_autofree char *one = NULL;
    g_autofree char *other = NULL;

    g_assert_true(ferry_repeat_key("local", "k", &one, NULL));
    g_assert_true(ferry_repeat_key("admin", "k", &other, NULL));
    g_assert_cmpstr(one, !=, other);
}

static void
test_digests(void)
{
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        { "{\"guest\":\"g\",\"to\":\"b\"}", "{ \"to\": \"b\", \"guest\": \"g\" }", true },
        { "{\"guest\":\"g\",\"to\":\"b\"}", "{\"guest\":\"g\",\"to\":\"c\"}", false },
        { "{\"guest\":\"g\"}", "{\"guest\":\"g\",\"timeout_s\":1}", false },
        { "{\"a\":1}", "{\"a\":\"1\"}", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *one = json_loads(rows[i].one, 0, NULL);
        json_t *other = json_loads(rows[i].other, 0, NULL);
        g_autofree char *first = ferry_repeat_digest(one);
        g_autofree char *second = ferry_repeat_digest(other);

        g_assert_true((strcmp(first, second) == 0) == rows[i].same);
        g_assert_cmpuint(strlen(first), ==, 64);
        json_decref(one);
        json_decref(other);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/repeat/keys", test_keys);
    g_test_add_func("/repeat/no-key", test_no_key);
    g_test_add_func("/repeat/a-key-is-the-callers-own", test_a_key_is_the_callers_own);
    g_test_add_func("/repeat/digests", test_digests);
    return g_test_run();
}
