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

/* Whole seconds carry over; the moment lies ahead by what was asked, and no more than a test's
 * pause. */
static void
test_deadline(void)
{
    static const int64_t timeouts_ms[] = { 0, 1, 999, 1000, 12345 };

    for (size_t i = 0; i < G_N_ELEMENTS(timeouts_ms); i++) {
        const int64_t before_us = g_get_monotonic_time();
        const struct timespec deadline = ferry_clock_deadline(timeouts_ms[i]);
        const int64_t after_us = g_get_monotonic_time();
        const int64_t at_us = deadline.tv_sec * 1000000 + deadline.tv_nsec / 1000;

        g_assert_cmpint(deadline.tv_nsec, <, 1000000000);
        g_assert_cmpint(at_us, >=, before_us + timeouts_ms[i] * 1000);
        g_assert_cmpint(at_us, <=, after_us + timeouts_ms[i] * 1000);
    }
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
    g_test_add_func("/clock/deadline", test_deadline);
    return g_test_run();
}
