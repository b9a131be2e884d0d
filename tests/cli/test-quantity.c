#include "cli/quantity.h"

#include "base/error.h"

typedef struct {
    const char *text;
    const char *plain_unit; /* NULL: a size */
    uint64_t expected;      /* 0: refused */
} ParseRow;

/* clang-format off */
static const ParseRow parse_rows[] = {
    { "1B",    NULL, 1 },
    { "100M",  NULL, 100000000 },
    { "96Mi",  NULL, 100663296 },
    { "2G",    NULL, 2000000000 },
    { "1Ti",   NULL, UINT64_C(1) << 40 },
    { "1048576Ti", NULL, UINT64_C(1) << 60 },  /* the largest */
    { "1048577Ti", NULL, 0 },
    { "100",   NULL, 0 },                      /* of what? */
    { "0M",    NULL, 0 },
    { "1.5G",  NULL, 0 },
    { "-1M",   NULL, 0 },
    { "+1M",   NULL, 0 },
    { " 1M",   NULL, 0 },
    { "M",     NULL, 0 },
    { "",      NULL, 0 },
    { "1m",    NULL, 0 },
    { "1MiB",  NULL, 0 },
    { "99999999999999999999999M", NULL, 0 },
    { "300ms", "s",  300 },
    { "15s",   "ms", 15000 },
    { "15",    "ms", 15 },
    { "15",    "s",  15000 },
    { "5m",    "s",  300000 },
    { "2h",    "s",  7200000 },
    { "24h",   "s",  86400000 },
    { "86401", "s",  0 },
    { "0",     "s",  0 },
    { "1.5s",  "s",  0 },
    { "1d",    "s",  0 },
    { "s",     "s",  0 },
    { "",      "s",  0 },
};
/* clang-format on */

/* An hour at most, and 0 is one. */
static const ParseRow wait_rows[] = {
    { "30", "s", 30000 },   { "1500ms", "s", 1500 }, { "5m", "s", 300000 },
    { "1h", "s", 3600000 }, { "0", "s", 0 },         { "0ms", "s", 0 },
};

static void
test_parse_wait(void)
{
    static const char *const wrong[] = { "3601", "61m", "2h", "-1", "+1", "1.5s", "s", "", "soon" };
    uint64_t ms = 77;

    for (size_t i = 0; i < G_N_ELEMENTS(wait_rows); i++) {
        g_assert_true(ferry_quantity_parse_wait(wait_rows[i].text, &ms, NULL));
        g_assert_cmpuint(ms, ==, wait_rows[i].expected);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *start = g_strdup_printf("\"%s\" is not a time to wait: ", wrong[i]);

        ms = 77;
        g_assert_false(ferry_quantity_parse_wait(wrong[i], &ms, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_true(g_str_has_prefix(error->message, start));
        g_assert_cmpuint(ms, ==, 77);
    }
}

static void
test_parse(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parse_rows); i++) {
        const ParseRow *row = &parse_rows[i];
        g_autoptr(GError) error = NULL;
        uint64_t value = 77;
        bool ok = row->plain_unit
                      ? ferry_quantity_parse_time(row->text, row->plain_unit, &value, &error)
                      : ferry_quantity_parse_bytes(row->text, &value, &error);

        g_test_message("row \"%s\"", row->text);
        g_assert_cmpint(ok, ==, row->expected != 0);
        g_assert_cmpuint(value, ==, ok ? row->expected : 77);
        if (!ok) {
            g_autofree char *start = g_strdup_printf("\"%s\" is not a ", row->text);
            g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
            g_assert_true(g_str_has_prefix(error->message, start));
        }
    }
}

typedef struct {
    uint64_t value;
    const char *text;
} FormatRow;

/* clang-format off */
static const FormatRow byte_rows[] = {
    { 0, "0 B" },
    { 1023, "1023 B" },
    { 1024, "1.0 KiB" },
    { 1536, "1.5 KiB" },
    { 1048575, "1.0 MiB" },     /* not "1024.0 KiB" */
    { 268435456, "256.0 MiB" },
    { UINT64_MAX, "16384.0 PiB" },
};
static const FormatRow time_rows[] = {
    { 0, "0 ms" },
    { 999, "999 ms" },
    { 1000, "1.0 s" },
    { 2499, "2.4 s" },
    { 59999, "59.9 s" },
    { 60000, "1 min 00 s" },
    { 185000, "3 min 05 s" },
    { 3600000, "1 h 00 min" },
    { 7800000, "2 h 10 min" },
};
/* clang-format on */

static void
test_format(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(byte_rows); i++) {
        g_autofree char *text = ferry_quantity_format_bytes(byte_rows[i].value);
        g_assert_cmpstr(text, ==, byte_rows[i].text);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(time_rows); i++) {
        g_autofree char *text = ferry_quantity_format_time(time_rows[i].value);
        g_assert_cmpstr(text, ==, time_rows[i].text);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quantity/parse", test_parse);
    g_test_add_func("/quantity/parse-wait", test_parse_wait);
    g_test_add_func("/quantity/format", test_format);
    return g_test_run();
}
