#include "cli/reasons.h"

static const struct {
    const char *reasons, *text;
} rows[] = {
    { "[]", "" },
    { "[{\"code\": \"a\", \"message\": \"b\"}]", "  a: b\n" },
    { "[{\"code\": \"a\", \"message\": \"b\", \"remedy\": \"c\"}, {\"code\": \"d\", \"message\": "
      "\"e\"}]",
      "  a: b\n    c\n  d: e\n" },
    { "[{}, 7, {\"code\": 1, \"message\": \"b\"}]",
      "  no code: no message\n  no code: no message\n  no code: b\n" },
    { "[{\"code\": \"a\", \"message\": \"b\\n\\u001b[31mc\", \"remedy\": \"\\u0007\"}]",
      "  a: b??[31mc\n    ?\n" },
    { "{}", "" },
};

static void
test_format(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *reasons = json_loads(rows[i].reasons, 0, NULL);
        g_autofree char *text = ferry_reasons_format(reasons);

        g_assert_nonnull(reasons);
        g_assert_cmpstr(text, ==, rows[i].text);
        json_decref(reasons);
    }
}

static void
test_absent(void)
{
    g_autofree char *text = ferry_reasons_format(NULL);

    g_assert_cmpstr(text, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reasons/format", test_format);
    g_test_add_func("/reasons/absent", test_absent);
    return g_test_run();
}
