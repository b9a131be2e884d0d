/* What the end of a job puts into the history. */
#include "migrate/remember.h"

#include <string.h>

#include "temp-folder.h"

static int64_t
now(const FerryClock *clock)
{
    (void)clock;
    return 5000;
}

static const FerryClock clock_fake = { .now_ms = now, .wall_us = now };

static void
nothing(void *data)
{
    (void)data;
}

static const struct {
    const char *report;
    FerryResult result;
} results[] = {
    { "{\"outcome\": \"migrated\", \"reasons\": []}", FERRY_RESULT_SUCCESS },
    { "{\"outcome\": \"aborted\", \"reasons\": [{\"message\": \"x: load of migration failed: Bad "
      "address\"}]}",
      FERRY_RESULT_REJECTED },
    { "{\"outcome\": \"aborted\", \"reasons\": [{}, {\"message\": \"error while loading state for "
      "instance 0x0 of device 'vfio'\"}]}",
      FERRY_RESULT_REJECTED },
    { "{\"outcome\": \"aborted\", \"reasons\": [{\"message\": \"the job was cancelled\"}]}",
      FERRY_RESULT_FAILED },
    { "{}", FERRY_RESULT_FAILED },
};

static void
test_result(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        json_t *report = json_loads(results[i].report, 0, NULL);

        g_assert_nonnull(report);
        g_assert_cmpint(ferry_remember_result(report), ==, results[i].result);
        json_decref(report);
    }
}

static FerryPlan *
plan_of(unsigned n_devices)
{
    FerryPlan *plan = ferry_plan_new();

    plan->job = g_strdup("j1");
    plan->guest_uuid = g_strdup("g1");
    plan->source = g_strdup("alpha");
    plan->target = g_strdup("beta");
    for (unsigned i = 0; i < n_devices; i++) {
        g_autofree char *alias = g_strdup_printf("d%u", i);
        FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_STATE, alias);

        need->source_print = g_strdup("s");
        need->target_print = g_strdup("t");
        g_ptr_array_add(plan->needs, need);
    }
    return plan;
}

static FerryJob *
job_of(FerrySide side)
{
    const FerryJobIdentity who = { .id = "j1",
                                   .side = side,
                                   .guest_name = "web",
                                   .guest_uuid = "g1",
                                   .source = "alpha",
                                   .target = "beta" };
    const FerryTransferStats stats = {
        .total_bytes = 1000, .done_bytes = 1000, .rate_bps = 500, .device_bytes = 60
    };
    FerryProgress progress = { 0 };
    FerryJob *job = ferry_job_new(&who, &clock_fake, nothing, NULL);

    ferry_progress_take(&progress, &stats, 300, 1);
    if (side == FERRY_SIDE_SOURCE) {
        ferry_job_set_progress(job, &progress);
        ferry_job_set_blackout(job, 280);
    }
    return job;
}

typedef struct {
    char *folder;
    FerryStore *store;
} Place;

static void
set_up(Place *place)
{
    g_autofree char *path = NULL;

    place->folder = g_dir_make_tmp("ferry-XXXXXX", NULL);
    path = g_build_filename(place->folder, "ferry.db", NULL);
    g_assert_true(ferry_store_open(path, &place->store, NULL));
}

static void
tear_down(Place *place)
{
    ferry_store_close(place->store);
    temp_folder_remove(place->folder);
    g_free(place->folder);
}

static void
end_with(Place *place, FerrySide side, unsigned n_devices, const char *outcome, const char *why)
{
    g_autoptr(FerryPlan) plan = plan_of(n_devices);
    g_autoptr(FerryJob) job = job_of(side);

    if (why != NULL)
        ferry_job_add_reason(job, "transfer-failed", why);
    ferry_job_end(job, why == NULL ? FERRY_JOB_DONE : FERRY_JOB_FAILED, outcome, "beta");
    ferry_remember(place->store, &clock_fake, job, plan);
}

static void
assert_loads(Place *place, unsigned n_success, unsigned n_rejected)
{
    FerryHistoryLoads loads = { 0 };

    g_assert_true(ferry_history_loads(place->store, "s", "t", &loads, NULL));
    g_assert_cmpuint(loads.n_success, ==, n_success);
    g_assert_cmpuint(loads.n_rejected, ==, n_rejected);
}

static void
test_source(void)
{
    Place place = { 0 };
    g_autoptr(GPtrArray) moves = NULL;
    int64_t number = 0;

    set_up(&place);
    end_with(&place, FERRY_SIDE_SOURCE, 1, "migrated", NULL);
    assert_loads(&place, 1, 0);
    g_assert_true(ferry_history_moves(place.store, "g1", &moves, NULL));
    g_assert_cmpuint(moves->len, ==, 1);
    g_assert_cmpint(((FerryHistoryRow *)g_ptr_array_index(moves, 0))->blackout_ms, ==, 280);
    g_assert_true(ferry_history_bytes(place.store, "s", &number, NULL));
    g_assert_cmpint(number, ==, 60);
    g_assert_true(ferry_history_rate(place.store, "beta", &number, NULL));
    g_assert_cmpint(number, ==, 500);
    tear_down(&place);
}

/* It knows that its device took the state, and nothing of blackout or bytes. */
static void
test_target(void)
{
    Place place = { 0 };
    g_autoptr(GPtrArray) moves = NULL;
    int64_t number = 0;

    set_up(&place);
    end_with(&place, FERRY_SIDE_TARGET, 1, "migrated", NULL);
    assert_loads(&place, 1, 0);
    g_assert_true(ferry_history_moves(place.store, "g1", &moves, NULL));
    g_assert_cmpuint(moves->len, ==, 0);
    g_assert_true(ferry_history_bytes(place.store, "s", &number, NULL));
    g_assert_cmpint(number, ==, -1);
    tear_down(&place);
}

static void
test_others(void)
{
    Place place = { 0 };
    int64_t number = 0;

    set_up(&place);
    end_with(&place, FERRY_SIDE_SOURCE, 1, "aborted", "load of migration failed: Bad address");
    assert_loads(&place, 0, 1);
    end_with(&place, FERRY_SIDE_SOURCE, 1, "aborted", "the link is down"); /* says nothing */
    assert_loads(&place, 0, 1);
    end_with(&place, FERRY_SIDE_SOURCE, 2, "migrated", NULL); /* one sum for two: of neither */
    assert_loads(&place, 2, 0);
    g_assert_true(ferry_history_bytes(place.store, "s", &number, NULL));
    g_assert_cmpint(number, ==, -1);
    tear_down(&place);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/remember/result", test_result);
    g_test_add_func("/remember/source", test_source);
    g_test_add_func("/remember/target", test_target);
    g_test_add_func("/remember/others", test_others);
    return g_test_run();
}
