/* How long a guest will stand still, by what is known of its devices, the link and earlier moves.
 */
#include "migrate/forecast.h"

#include <string.h>

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

typedef struct {
    const char *name;
    int64_t bytes[4]; /* of each device; 0 ends, -1 = no figure */
    uint64_t rate_bps;
    int64_t moves_ms[4]; /* 0 ends */
    int64_t limit_ms;
    json_int_t blackout_ms, device_ms; /* -1 = null */
    const char *basis;                 /* (nullable) */
    const char *message;               /* a part of it */
    const char *reason;                /* (nullable): a part of it */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nothing-known", { 0 }, 0, { 0 }, 300, -1, 0, NULL, "no figure yet: the guest was not moved", NULL },
    { "size-unknown", { -1 }, 100 * MIB, { 0 }, 300, -1, -1, NULL, "no figure yet: the size", NULL },
    { "rate-unknown", { GIB }, 0, { 0 }, 300, -1, -1, NULL, "no figure yet", NULL },
    { "one-of-two-unknown", { GIB, -1 }, GIB, { 0 }, 300, -1, -1, NULL, "no figure yet", NULL },
    { "computed", { 10 * MIB }, 100 * MIB, { 0 }, 300, 100, 100, "computed", "at least 100 ms", NULL },
    { "any-bytes-take-a-millisecond", { 60 }, 100 * MIB, { 0 }, 300, 1, 1, "computed", "at least 1 ms", NULL },
    { "m3", { 8 * GIB }, 1192 * MIB, { 0 }, 500, 6873, 6873, "computed", "at least 6873 ms", "about 6873 ms, and its limit is 500 ms" },
    { "m3-limit-raised", { 8 * GIB }, 1192 * MIB, { 0 }, 15000, 6873, 6873, "computed", "6873", NULL },
    { "m4-sum", { GIB, GIB, GIB, GIB }, GIB, { 0 }, 3999, 4000, 4000, "computed", "4000", "d3 1.0" },
    { "m4-at-the-limit", { GIB, GIB, GIB, GIB }, GIB, { 0 }, 4000, 4000, 4000, "computed", "4000", NULL },
    { "measured", { 60 }, MIB, { 280 }, 300, 280, 1, "measured", "about 280 ms, as in the last move of it", NULL },
    { "mean", { 0 }, 0, { 100, 200, 300, 400 }, 300, 250, 0, "measured", "last 4 moves", NULL },
    { "measured-beyond-the-limit", { 0 }, 0, { 900 }, 300, 900, 0, "measured", "900", NULL },
};
/* clang-format on */

static json_int_t
number(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);

    g_assert_nonnull(value);
    return json_is_null(value) ? -1 : json_integer_value(value);
}

static FerryPlan *
plan_of(const Row *row)
{
    FerryPlan *plan = ferry_plan_new();

    plan->max_downtime_ms = row->limit_ms;
    g_ptr_array_add(plan->needs, ferry_plan_need_new(FERRY_WAY_HYBRID, "no-state"));
    for (unsigned i = 0; i < G_N_ELEMENTS(row->bytes) && row->bytes[i] != 0; i++) {
        g_autofree char *alias = g_strdup_printf("d%u", i);
        FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_STATE, alias);

        need->state_bytes = row->bytes[i];
        need->state_basis = row->bytes[i] < 0 ? NULL : g_strdup("probed");
        g_ptr_array_add(plan->needs, need);
    }
    return plan;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryPlan) plan = plan_of(row);
    FerryForecastKnown known = { .rate_bps = row->rate_bps, .moves_ms = row->moves_ms };
    json_t *forecast = NULL;
    json_t *reasons = json_array();
    const char *message = NULL;

    while (known.n_moves < G_N_ELEMENTS(row->moves_ms) && row->moves_ms[known.n_moves] != 0)
        known.n_moves++;
    forecast = ferry_forecast(plan, &known);
    ferry_forecast_object(forecast, reasons);
    g_assert_cmpint(number(forecast, "blackout_ms"), ==, row->blackout_ms);
    g_assert_cmpint(number(forecast, "device_ms"), ==, row->device_ms);
    g_assert_cmpint(number(forecast, "limit_ms"), ==, row->limit_ms);
    g_assert_cmpstr(json_string_value(json_object_get(forecast, "basis")), ==, row->basis);
    g_assert_cmpuint(json_array_size(json_object_get(forecast, "devices")), ==,
                     plan->needs->len - 1);
    message = json_string_value(json_object_get(forecast, "message"));
    g_assert_nonnull(strstr(message, row->message));
    g_assert_cmpuint(json_array_size(reasons), ==, row->reason != NULL ? 1 : 0);
    if (row->reason != NULL) {
        message = json_string_value(json_object_get(json_array_get(reasons, 0), "message"));
        g_assert_nonnull(strstr(message, row->reason));
        g_assert_nonnull(strstr(message, "--max-downtime"));
        g_assert_cmpstr(json_string_value(json_object_get(json_array_get(reasons, 0), "code")), ==,
                        "blackout-too-long");
    }
    json_decref(reasons);
    json_decref(forecast);
}

static void
test_connections(void)
{
    /* what the link gives, what may be used of it, connections */
    static const uint64_t cases[][3] = {
        { 0, 0, 1 },       { 0, 100 * MIB, 1 }, { 100 * MIB, 0, 1 },  { 2 * GIB - 1, 0, 1 },
        { 2 * GIB, 0, 2 }, { 12 * GIB, 0, 8 },  { 12 * GIB, GIB, 1 }, { 12 * GIB, 3 * GIB, 3 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FerryPlan) plan = ferry_plan_new();
        json_t *forecast = ferry_forecast(plan, &(FerryForecastKnown){ .rate_bps = cases[i][0] });

        g_assert_cmpuint(ferry_forecast_connections(forecast, cases[i][1]), ==, cases[i][2]);
        json_decref(forecast);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/forecast/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/forecast/connections", test_connections);
    return g_test_run();
}
