#include "base/clock.h"

typedef struct {
    const char *name;
    int64_t wall_us;
    const char *expected;
} FormatRow;

static const FormatRow format_rows[] = {
    { "epoch", 0, "1970-01-01T00:00:00.000Z" },
    { "milliseconds", 1123456, "1970-01-01T00:00:01.123Z" },
    { "leap-day", INT64_C(1709164800000000), "2024-02-29T00:00:00.000Z" },
    { "before-1970", -1, "1969-12-31T23:59:59.999Z" },
};

static void
test_format(gconstpointer data)
{
    const FormatRow *row = data;
    g_autofree char *text = ferry_clock_format(row->wall_us);

    g_assert_cmpstr(text, ==, row->expected);
}

static void
test_system_never_goes_back(void)
{
    const FerryClock *clock = ferry_clock_system();
    int64_t before = clock->now_ms(clock);

    g_assert_cmpint(clock->now_ms(clock), >=, before);
    g_assert_cmpint(clock->wall_us(clock), >, 0);
}

static void
test_system_uuids_differ(void)
{
    const FerryClock *clock = ferry_clock_system();
    g_autofree char *a = clock->uuid(clock);
    g_autofree char *b = clock->uuid(clock);

    g_assert_true(g_uuid_string_is_valid(a));
    g_assert_cmpstr(a, !=, b);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(format_rows); i++) {
        g_autofree char *path = g_strconcat("/clock/format/", format_rows[i].name, NULL);
        g_test_add_data_func(path, &format_rows[i], test_format);
    }
    g_test_add_func("/clock/system-never-goes-back", test_system_never_goes_back);
    g_test_add_func("/clock/system-uuids-differ", test_system_uuids_differ);
    return g_test_run();
}
