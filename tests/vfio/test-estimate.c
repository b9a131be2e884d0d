#include "vfio/estimate.h"

#define KB 1000u

/* A run told second by second: what was read and moved by then, what is pending, what got dirty. */
static FerryForecast
run(unsigned read_kbps, unsigned dirty_kbps, unsigned state_kb, unsigned ms)
{
    FerryEstimate estimate = { 0 };

    for (unsigned t = 0; t <= ms; t += 50) {
        uint64_t made = (uint64_t)state_kb * KB + (uint64_t)dirty_kbps * t;
        uint64_t read = MIN((uint64_t)read_kbps * t, made);

        ferry_estimate_add(&estimate,
                           &(FerrySample){ .now_ms = t,
                                           .read_bytes = read,
                                           .moved_bytes = read,
                                           .pending = { .bytes = made - read, .known = true },
                                           .pauses = read == made ? t / 50 : 0 });
    }
    return ferry_estimate_forecast(&estimate);
}

typedef struct {
    const char *name;
    unsigned read_kbps;
    unsigned dirty_kbps;
    unsigned state_kb;
    unsigned ms;
    FerryTrend trend;
    FerrySwitch decision; /* with a limit of 100 ms and 10 s of pre-copy */
} Row;

static const Row rows[] = {
    { "too-early", 1000, 0, 10000, 50, FERRY_TREND_UNKNOWN, FERRY_SWITCH_WAIT },
    { "halfway", 1000, 0, 2000, 1000, FERRY_TREND_CONVERGING, FERRY_SWITCH_WAIT },
    { "nearly-done", 1000, 0, 1050, 1000, FERRY_TREND_CONVERGING, FERRY_SWITCH_NOW },
    { "all-read", 1000, 0, 500, 1500, FERRY_TREND_AT_FLOOR, FERRY_SWITCH_NOW },
    { "some-dirt", 1000, 500, 2000, 1000, FERRY_TREND_CONVERGING, FERRY_SWITCH_WAIT },
    { "as-fast-as-read", 1000, 1000, 2000, 1000, FERRY_TREND_DIVERGING, FERRY_SWITCH_BEST },
    { "faster-than-read", 1000, 3000, 2000, 1000, FERRY_TREND_DIVERGING, FERRY_SWITCH_BEST },
    { "time-is-up", 1000, 900, 20000, 10000, FERRY_TREND_DIVERGING, FERRY_SWITCH_LATE },
};

static void
test_judgement(gconstpointer data)
{
    static const FerryLimits limits = { .max_downtime_ms = 100, .precopy_ms = 10000 };
    const Row *row = data;
    FerryForecast forecast = run(row->read_kbps, row->dirty_kbps, row->state_kb, row->ms);

    g_assert_cmpstr(ferry_trend_name(forecast.trend), ==, ferry_trend_name(row->trend));
    g_assert_cmpstr(ferry_switch_name(ferry_estimate_decide(&forecast, &limits, row->ms, 1)), ==,
                    ferry_switch_name(row->decision));
}

/* The current initial data must be loaded, however cheap a stop is; unless time is up. */
static void
test_initial_data_hold_the_switch(void)
{
    static const FerryLimits limits = { .max_downtime_ms = 100, .precopy_ms = 10000 };
    FerryForecast forecast = run(1000, 0, 500, 1500);

    g_assert_cmpint(ferry_estimate_decide(&forecast, &limits, 1500, 0), ==, FERRY_SWITCH_WAIT);
    g_assert_cmpint(ferry_estimate_decide(&forecast, &limits, 10000, 0), ==, FERRY_SWITCH_LATE);
}

static void
test_numbers(void)
{
    FerryForecast forecast = run(1000, 500, 2000, 1000); /* 1,500 kB left at 1 MB/s */

    g_assert_cmpuint(forecast.rate_bps, ==, 1000 * KB);
    g_assert_cmpuint(forecast.dirty_bps, ==, 500 * KB);
    g_assert_cmpuint(forecast.left.bytes, ==, 1500 * KB);
    g_assert_cmpint(forecast.downtime_ms_low, ==, 1500);
    g_assert_cmpint(forecast.downtime_ms_high, >, 1500);
    g_assert_cmpint(forecast.eta_ms_low, ==, 3000); /* it drains at half the rate */
}

/* vfio-user has no figures: nothing is known before the first pause, the floor after it. */
static void
test_without_figures(void)
{
    FerryEstimate estimate = { 0 };
    FerryForecast forecast = { 0 };

    for (unsigned t = 0; t <= 1000; t += 50) {
        uint64_t read = MIN(t, 500u) * KB;

        ferry_estimate_add(&estimate, &(FerrySample){ .now_ms = t,
                                                      .read_bytes = read,
                                                      .moved_bytes = read,
                                                      .pauses = t > 500 ? (t - 500) / 50 : 0 });
        forecast = ferry_estimate_forecast(&estimate);
        if (t == 450)
            g_assert_false(forecast.left.known);
    }
    g_assert_true(forecast.left.known);
    g_assert_cmpint(forecast.trend, ==, FERRY_TREND_AT_FLOOR);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/estimate/judgement/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_judgement);
    }
    g_test_add_func("/estimate/initial-data-hold-the-switch", test_initial_data_hold_the_switch);
    g_test_add_func("/estimate/numbers", test_numbers);
    g_test_add_func("/estimate/without-figures", test_without_figures);
    return g_test_run();
}
