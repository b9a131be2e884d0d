/* 10,000 random sessions: reads of any size, work of the guest, polls, quiet, abort or stop at any
 * moment, sometimes a failing call.  The model is one rule: what arrives is what the source has. */
#include <errno.h>

#include "sim/transport.h"
#include "vfio/load.h"
#include "vfio/save.h"

#define N_SESSIONS 10000

typedef struct {
    SimDevice *a_sim;
    SimDevice *b_sim;
    FerryVfioDevice *a;
    FerryVfioDevice *b;
    GRand *random;
} Run;

static SimOptions
random_options(GRand *random)
{
    static const uint64_t flags[] = { 1, 3, 5, 7 };

    return (SimOptions){ .flags = flags[g_rand_int_range(random, 0, 4)],
                         .page_bytes = 8u << g_rand_int_range(random, 0, 6),
                         .state_bytes = (uint64_t)g_rand_int_range(random, 1, 3000),
                         .dirty_percent = (unsigned)g_rand_int_range(random, 0, 60),
                         .initial_bytes = (uint64_t)g_rand_int_range(random, 0, 2000),
                         .empty = (SimEmpty)g_rand_int_range(random, 0, 3),
                         .size_lie = g_rand_int_range(random, -500, 500),
                         .reset_keeps = g_rand_boolean(random) != 0,
                         .max_read = (size_t)g_rand_int_range(random, 0, 2) * 17 };
}

/* Reads some; what came is written at once.  False when something failed. */
static bool
move_some(Run *run, FerrySave *save, FerryLoad *load, FerrySaveRead *ret)
{
    uint8_t buf[600];
    size_t n = 0;
    size_t size = (size_t)g_rand_int_range(run->random, 1, sizeof buf);

    return ferry_save_read(save, buf, size, ret, &n, NULL) &&
           (*ret != FERRY_SAVE_DATA || ferry_load_write(load, buf, n, NULL));
}

static bool
run_session(Run *run, bool *ret_aborted)
{
    FerrySave save = { 0 };
    FerryLoad load = { 0 };
    FerrySaveRead got = FERRY_SAVE_DATA;
    int n_steps = g_rand_int_range(run->random, 0, 40);
    bool ok = ferry_save_begin(&save, run->a, NULL) && ferry_load_begin(&load, run->b, NULL);

    *ret_aborted = g_rand_int_range(run->random, 0, 4) == 0;
    for (int i = 0; ok && i < n_steps; i++) {
        ok = move_some(run, &save, &load, &got) && ferry_save_poll(&save, NULL);
        sim_device_work(run->a_sim, g_rand_int(run->random), (unsigned)i % 3);
    }
    if (ok && g_rand_boolean(run->random))
        ok = ferry_save_quiet(&save, NULL);
    if (ok && !*ret_aborted)
        ok = ferry_save_stop(&save, NULL);
    for (int i = 0; ok && !*ret_aborted && got != FERRY_SAVE_END && i < 100000; i++)
        ok = move_some(run, &save, &load, &got);
    if (ok && !*ret_aborted && ferry_save_finish(&save, NULL) && ferry_load_finish(&load, NULL))
        return true;
    sim_device_set_fail(run->a_sim, SIM_FAIL_NOTHING, SIM_HOW_ERRNO, 0, 0);
    sim_device_set_fail(run->b_sim, SIM_FAIL_NOTHING, SIM_HOW_ERRNO, 0, 0);
    g_assert_true(!save.open || ferry_save_abort(&save, NULL));
    g_assert_true(!load.open || ferry_load_abort(&load, NULL));
    g_assert_true(ferry_vfio_device_recover(run->a, NULL));
    g_assert_true(ferry_vfio_device_recover(run->b, NULL));
    return false;
}

static void
run_pair(GRand *random)
{
    SimOptions options = random_options(random);
    Run run = { .random = random,
                .a_sim = sim_device_new(&options),
                .b_sim = sim_device_new(&options) };
    bool fails = g_rand_int_range(random, 0, 3) == 0;
    bool aborted = false;

    run.a = ferry_vfio_device_new(sim_transport_new(run.a_sim, "a"), NULL);
    run.b = ferry_vfio_device_new(sim_transport_new(run.b_sim, "b"), NULL);
    if (fails)
        sim_device_set_fail(g_rand_boolean(random) ? run.a_sim : run.b_sim,
                            (SimFail)g_rand_int_range(random, SIM_FAIL_READ, SIM_FAIL_RESET),
                            (SimHow)g_rand_int_range(random, SIM_HOW_ERRNO, SIM_HOW_DROP), EIO,
                            (unsigned)g_rand_int_range(random, 1, 20));
    if (!run_session(&run, &aborted)) {
        g_assert_true(fails || aborted);
        g_assert_cmpint(sim_device_state(run.a_sim), ==, FERRY_MIG_STATE_RUNNING);
        g_assert_cmpint(sim_device_state(run.b_sim), ==, FERRY_MIG_STATE_RUNNING);
        /* and the next session is a whole one */
        for (unsigned i = 0; i < 20 && !run_session(&run, &aborted); i++)
            g_assert_true(aborted);
    }
    if (!aborted) {
        g_assert_cmpint(sim_device_state(run.b_sim), ==, FERRY_MIG_STATE_STOP);
        g_assert_cmpuint(sim_device_digest(run.a_sim), ==, sim_device_digest(run.b_sim));
    }
    ferry_vfio_device_free(run.a);
    ferry_vfio_device_free(run.b);
    sim_device_free(run.a_sim);
    sim_device_free(run.b_sim);
}

static void
test_random_sessions(void)
{
    for (uint32_t seed = 0; seed < N_SESSIONS; seed++) {
        GRand *random = g_rand_new_with_seed(seed);

        run_pair(random);
        g_rand_free(random);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/random/sessions", test_random_sessions);
    return g_test_run();
}
