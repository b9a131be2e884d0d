#include "store/history.h"

#include "fixture.h"
#include "store/query.h"

typedef struct {
    const char *job, *alias, *guest, *peer, *source, *target;
    FerryResult result;
    int64_t bytes, blackout_ms, rate_bps, wall_us;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "j1", "",  "g1", "beta",  "",  "",  FERRY_RESULT_SUCCESS,  -1,  300, 100, 1 },
    { "j1", "a", "g1", "beta",  "s", "t", FERRY_RESULT_SUCCESS,  60,  -1,  -1,  1 },
    { "j2", "",  "g1", "beta",  "",  "",  FERRY_RESULT_FAILED,   -1,  -1,  -1,  2 },
    { "j2", "a", "g1", "beta",  "s", "t", FERRY_RESULT_REJECTED, -1,  -1,  -1,  2 },
    { "j3", "",  "g2", "gamma", "",  "",  FERRY_RESULT_SUCCESS,  -1,  40,  -1,  3 },
    { "j4", "",  "g1", "beta",  "",  "",  FERRY_RESULT_SUCCESS,  -1,  280, 90,  4 },
    { "j4", "a", "g1", "beta",  "s", "t", FERRY_RESULT_SUCCESS,  96,  -1,  -1,  4 },
    { "j5", "a", "g1", "beta",  "s", "u", FERRY_RESULT_FAILED,  999,  -1,  -1,  5 },
};
/* clang-format on */

static void
add(StoreFixture *fixture, const Row *row)
{
    const FerryHistoryRow one = { (char *)row->job,  (char *)row->alias,  (char *)row->guest,
                                  (char *)row->peer, (char *)row->source, (char *)row->target,
                                  row->result,       row->bytes,          row->blackout_ms,
                                  row->rate_bps,     row->wall_us };

    g_assert_true(ferry_history_add(fixture->store, &one, NULL));
}

static void
add_all(StoreFixture *fixture)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        add(fixture, &rows[i]);
    store_fixture_reopen(fixture);
}

static void
test_loads(StoreFixture *fixture, gconstpointer data)
{
    FerryHistoryLoads loads = { 0 };

    (void)data;
    add_all(fixture);
    g_assert_true(ferry_history_loads(fixture->store, "s", "t", &loads, NULL));
    g_assert_cmpuint(loads.n_success, ==, 2);
    g_assert_cmpuint(loads.n_rejected, ==, 1);
    g_assert_cmpint(loads.success_us, ==, 4);
    g_assert_cmpint(loads.rejected_us, ==, 2);
    g_assert_true(ferry_history_loads(fixture->store, "t", "s", &loads, NULL)); /* directional */
    g_assert_cmpuint(loads.n_success + loads.n_rejected, ==, 0);
    g_assert_true(ferry_history_loads(fixture->store, "s", "u", &loads, NULL)); /* no observation */
    g_assert_cmpuint(loads.n_success + loads.n_rejected, ==, 0);
}

static void
test_numbers(StoreFixture *fixture, gconstpointer data)
{
    int64_t number = 0;

    (void)data;
    add_all(fixture);
    g_assert_true(ferry_history_bytes(fixture->store, "s", &number, NULL));
    g_assert_cmpint(number, ==, 96);
    g_assert_true(ferry_history_bytes(fixture->store, "x", &number, NULL));
    g_assert_cmpint(number, ==, -1);
    g_assert_true(ferry_history_rate(fixture->store, "beta", &number, NULL));
    g_assert_cmpint(number, ==, 90);
    g_assert_true(ferry_history_rate(fixture->store, "gamma", &number, NULL));
    g_assert_cmpint(number, ==, -1);
}

static void
test_moves(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) moves = NULL;
    const FerryHistoryRow *first = NULL;

    (void)data;
    add_all(fixture);
    g_assert_true(ferry_history_moves(fixture->store, "g1", &moves, NULL));
    g_assert_cmpuint(moves->len, ==, 2); /* those that came to their end */
    first = g_ptr_array_index(moves, 0);
    g_assert_cmpstr(first->job, ==, "j4");
    g_assert_cmpstr(first->peer, ==, "beta");
    g_assert_cmpint(first->blackout_ms, ==, 280);
    g_assert_cmpint(first->rate_bps, ==, 90);
    g_assert_cmpint(first->wall_us, ==, 4);
}

static void
test_no_more_than_five(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) moves = NULL;
    char job[] = "a";

    (void)data;
    for (int64_t i = 0; i < 9; i++) {
        const Row row = { job, "", "g", "p", "", "", FERRY_RESULT_SUCCESS, -1, i, -1, i };

        add(fixture, &row);
        job[0]++;
    }
    g_assert_true(ferry_history_moves(fixture->store, "g", &moves, NULL));
    g_assert_cmpuint(moves->len, ==, 5);
    g_assert_cmpint(((FerryHistoryRow *)g_ptr_array_index(moves, 0))->blackout_ms, ==, 8);
}

/* A job that ends twice, as after a crash, is one. */
static void
test_newer_replaces(StoreFixture *fixture, gconstpointer data)
{
    FerryHistoryLoads loads = { 0 };

    (void)data;
    add(fixture, &rows[1]);
    add(fixture, &rows[1]);
    g_assert_true(ferry_history_loads(fixture->store, "s", "t", &loads, NULL));
    g_assert_cmpuint(loads.n_success, ==, 1);
}

#define DAY_US (24 * 3600 * INT64_C(1000000))
#define NOW_US (1000 * DAY_US)

/* Returns: how many rows are of jobs that begin so */
static int
count(StoreFixture *fixture, const char *prefix)
{
    g_autofree char *glob = g_strconcat(prefix, "*", NULL);
    FERRY_STORE_LOCKED(fixture->store);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        fixture->store, NULL, "SELECT count(*) FROM history WHERE job GLOB ?", "s", glob);
    bool row = false;

    g_assert_true(ferry_store_next(fixture->store, query, &row, NULL));
    return sqlite3_column_int(query, 0);
}

/* What is asked for stays, however old; the day is that of the row, before it the 970th is old. */
static void
test_forget(StoreFixture *fixture, gconstpointer data)
{
    /* clang-format off */
    static const struct {
        const char *name;
        Row row; /* a series: job and time of the n-th are of the row's plus n days */
        int n, left;
    } series[] = {
        { "young loads",     { "a", "a", "g", "beta",  "s1", "t", FERRY_RESULT_SUCCESS,  5, -1,  -1, 975 }, 20, 20 },
        { "old loads",       { "b", "a", "g", "beta",  "s2", "t", FERRY_RESULT_SUCCESS,  5, -1,  -1, 100 }, 20, 10 + 1 },
        { "old refusals",    { "c", "a", "g", "beta",  "s2", "t", FERRY_RESULT_REJECTED, -1, -1, -1, 100 }, 12, 10 },
        { "of other drivers", { "d", "a", "g", "beta", "s2", "u", FERRY_RESULT_SUCCESS,  4, -1,  -1, 100 }, 3,  3 },
        { "old moves",       { "e", "",  "g", "beta",  "",   "",  FERRY_RESULT_SUCCESS,  -1, 30, -1, 900 }, 20, 5 },
        { "of years ago",    { "f", "",  "h", "beta",  "",   "",  FERRY_RESULT_SUCCESS,  -1, 30, -1, 100 }, 3,  0 },
        { "that failed",     { "i", "",  "h", "beta",  "",   "",  FERRY_RESULT_FAILED,   -1, -1, -1, 900 }, 3,  0 },
        { "rates",           { "k", "",  "l", "gamma", "",   "",  FERRY_RESULT_FAILED,   -1, -1, 70, 100 }, 3,  1 },
    };
    /* clang-format on */
    int64_t number = 0;

    (void)data;
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < G_N_ELEMENTS(series) && again == 0; i++) {
            for (int n = 0; n < series[i].n; n++) {
                g_autofree char *job = g_strdup_printf("%s%02d", series[i].row.job, n);
                Row row = series[i].row;

                row.job = job;
                row.wall_us = (series[i].row.wall_us + n) * DAY_US;
                row.bytes += n == 0 && row.bytes > 0 ? 100 : 0; /* the oldest was the largest */
                add(fixture, &row);
            }
        }
        g_assert_true(ferry_history_forget(fixture->store, NOW_US - 30 * DAY_US, NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(series); i++) {
            g_test_message("%s", series[i].name);
            g_assert_cmpint(count(fixture, series[i].row.job), ==, series[i].left);
        }
    }
    g_assert_true(ferry_history_bytes(fixture->store, "s2", &number, NULL));
    g_assert_cmpint(number, ==, 105);
    g_assert_true(ferry_history_rate(fixture->store, "gamma", &number, NULL));
    g_assert_cmpint(number, ==, 70);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/history/loads", test_loads);
    STORE_TEST("/history/numbers", test_numbers);
    STORE_TEST("/history/moves", test_moves);
    STORE_TEST("/history/no-more-than-five", test_no_more_than_five);
    STORE_TEST("/history/newer-replaces", test_newer_replaces);
    STORE_TEST("/history/forget", test_forget);
    return g_test_run();
}
