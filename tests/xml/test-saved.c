#include "xml/saved.h"

#include <string.h>

#include "base/error.h"

#define PLAN  "{\"guest\":\"a <b> & 'c' \\\"d\\\"\"}"
#define OTHER "<o:note xmlns:o=\"urn:other\">kept &amp; untouched</o:note>"

static const struct {
    const char *name, *xml;
} rows[] = {
    { "without", "<domain type=\"kvm\">\n  <name>g</name>\n</domain>" },
    { "with", "<domain type=\"kvm\">\n  <name>g</name>\n  <metadata>\n    " OTHER
              "\n  </metadata>\n</domain>" },
};

/* What is put in comes out, whatever it holds, and the rest is as it was. */
static void
test_there_and_back(gconstpointer data)
{
    const char *xml = data;
    g_autofree char *put = NULL;
    g_autofree char *again = NULL;
    g_autofree char *taken = NULL;
    g_autofree char *text = NULL;

    g_assert_true(ferry_saved_put(xml, "an older one", &put, NULL));
    g_assert_true(ferry_saved_put(put, PLAN, &again, NULL));
    g_assert_null(strstr(again, "older"));
    g_assert_nonnull(strstr(again, FERRY_SAVED_NAMESPACE));
    g_assert_true(ferry_saved_take(again, &text, &taken, NULL));
    g_assert_cmpstr(text, ==, PLAN);
    g_assert_null(strstr(taken, FERRY_SAVED_NAMESPACE));
    g_assert_cmpint(strstr(xml, OTHER) != NULL, ==, strstr(taken, OTHER) != NULL);
    g_assert_nonnull(strstr(taken, "<name>g</name>"));
}

static void
test_nothing_to_take(gconstpointer data)
{
    g_autofree char *taken = NULL;
    g_autofree char *text = NULL;

    g_assert_true(ferry_saved_take(data, &text, &taken, NULL));
    g_assert_null(text);
    g_assert_cmpstr(taken, ==, data);
}

static void
test_refuses(void)
{
    static const char *const bad[] = { "", "<network/>", "<!DOCTYPE d><domain/>", "<domain>" };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) first = NULL;
        g_autoptr(GError) second = NULL;
        char *text = NULL, *xml = NULL;

        g_assert_false(ferry_saved_put(bad[i], "x", &xml, &first));
        g_assert_error(first, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_false(ferry_saved_take(bad[i], &text, &xml, &second));
        g_assert_error(second, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_null(xml);
        g_assert_null(text);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *there = g_strconcat("/xml/saved/there-and-back/", rows[i].name, NULL);
        g_autofree char *none = g_strconcat("/xml/saved/nothing-to-take/", rows[i].name, NULL);

        g_test_add_data_func(there, rows[i].xml, test_there_and_back);
        g_test_add_data_func(none, rows[i].xml, test_nothing_to_take);
    }
    g_test_add_func("/xml/saved/refuses", test_refuses);
    return g_test_run();
}
