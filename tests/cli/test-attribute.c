#include "cli/attribute.h"

#include "base/error.h"

static const FerryOption options[] = {
    { "attr", 0, "NAME=VALUE", "an attribute", FERRY_OPTION_REPEATED },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const struct {
    const char *name;
    const char *const line[5];
    const char *expected; /* NULL: refused */
    const char *message;
} rows[] = {
    { "none", { NULL }, "{\"attrs\":[]}", NULL },
    { "in-order",
      { "--attr", "b=1", "--attr=b=2=3", NULL },
      "{\"attrs\":[{\"name\":\"b\",\"value\":\"1\"},{\"name\":\"b\",\"value\":\"2=3\"}]}",
      NULL },
    { "no-equals", { "--attr", "b", NULL }, NULL, "--attr b: expected NAME=VALUE" },
    { "no-name", { "--attr", "=b", NULL }, NULL, "--attr =b: expected NAME=VALUE" },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FerryArguments) arguments = ferry_arguments_new();
        g_autoptr(GError) error = NULL;
        json_t *body = json_object();
        g_autofree char *text = NULL;
        bool ok = false;

        g_assert_true(
            ferry_arguments_take(arguments, options, "", (char *const *)rows[i].line, NULL));
        ok = ferry_attributes_add(arguments, body, &error);
        text = json_dumps(body, JSON_COMPACT);
        json_decref(body);
        if (rows[i].expected != NULL) {
            g_assert_true(ok);
            g_assert_cmpstr(text, ==, rows[i].expected);
            continue;
        }
        g_assert_false(ok);
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_cmpstr(error->message, ==, rows[i].message);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/attribute/rows", test_rows);
    return g_test_run();
}
