#include "migrate/pace.h"

static void
test_retry_doubles(void)
{
    static const int64_t expected_ms[] = { 200, 400, 800, 1600, 3200, 5000, 5000 };
    FerryPace pace = { 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(expected_ms); i++) {
        g_assert_cmpint(ferry_pace_retry(&pace, 200), ==, FERRY_STEP_WAIT);
        g_assert_cmpint(pace.wait_ms, ==, expected_ms[i]);
    }
    g_assert_cmpint(ferry_pace_again(&pace), ==, FERRY_STEP_AGAIN);
    g_assert_cmpint(ferry_pace_retry(&pace, 200), ==, FERRY_STEP_WAIT);
    g_assert_cmpint(pace.wait_ms, ==, 200);
}

/* For ever: the tries outgrow any shift. */
static void
test_retry_for_ever(void)
{
    FerryPace pace = { .tries = 1000000 };

    g_assert_cmpint(ferry_pace_retry(&pace, 50), ==, FERRY_STEP_WAIT);
    g_assert_cmpint(pace.wait_ms, ==, 5000);
    g_assert_cmpuint(pace.tries, ==, 1000001);
}

static void
test_wait_is_no_try(void)
{
    FerryPace pace = { .tries = 2 };

    g_assert_cmpint(ferry_pace_wait(&pace, 250), ==, FERRY_STEP_WAIT);
    g_assert_cmpint(pace.wait_ms, ==, 250);
    g_assert_cmpuint(pace.tries, ==, 2);
}

/* From 250 ms on, with a deadline. */
static void
test_wait_long(void)
{
    static const struct {
        int64_t waited_ms, left_ms, expected_ms;
    } rows[] = {
        { 0, 30000, 250 },      { 900, 29100, 250 }, { 2000, 28000, 500 }, { 4000, 26000, 1000 },
        { 20000, 10000, 1000 }, { 29800, 200, 200 }, { 30000, 0, 1 },      { 40000, -10000, 1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FerryPace pace = { .tries = 2 };

        g_assert_cmpint(ferry_pace_wait_long(&pace, 250, rows[i].waited_ms, rows[i].left_ms), ==,
                        FERRY_STEP_WAIT);
        g_assert_cmpint(pace.wait_ms, ==, rows[i].expected_ms);
        g_assert_cmpuint(pace.tries, ==, 2);
    }
}

static void
count(void *data)
{
    ++*(unsigned *)data;
}

static void
test_alarm(void)
{
    const FerryJobIdentity identity = {
        .id = "j1", .guest_name = "web", .guest_uuid = "u1", .source = "alpha", .target = "beta"
    };
    unsigned changes = 0;
    g_autoptr(FerryJob) job = ferry_job_new(&identity, ferry_clock_system(), count, &changes);
    FerryPace pace = { 0 };
    json_t *view = NULL;

    g_assert_cmpint(ferry_pace_alarm(&pace, job), ==, FERRY_STEP_WAIT);
    g_assert_cmpint(pace.wait_ms, ==, 5000);
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_IN_DOUBT);
    view = ferry_job_json(job);
    g_assert_nonnull(strstr(json_string_value(json_object_get(view, "waiting_for")),
                            "nothing is touched; compare \"ferry job show\""));
    json_decref(view);
    g_assert_cmpuint(changes, >, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pace/retry-doubles", test_retry_doubles);
    g_test_add_func("/pace/retry-for-ever", test_retry_for_ever);
    g_test_add_func("/pace/wait-is-no-try", test_wait_is_no_try);
    g_test_add_func("/pace/wait-long", test_wait_long);
    g_test_add_func("/pace/alarm", test_alarm);
    return g_test_run();
}
