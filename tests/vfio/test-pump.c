#include "pump-pair.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "sim/transport.h"
#include "vfio/frame.h"
#include "vfio/uapi.h"

typedef struct {
    const char *name;
    SimOptions device;
    size_t n_devices;
    size_t n_channels;
    FerryPumpOptions options;
} MoveRow;

static const MoveRow move_rows[] = {
    { "one", { .state_bytes = 3000000, .dirty_percent = 10 }, 1, 1, { 0 } },
    { "stop-copy-only", { .flags = 1, .state_bytes = 3000000 }, 1, 1, { 0 } },
    { "three-devices-one-channel", { .state_bytes = 1000000 }, 3, 1, { 0 } },
    { "three-devices-two-channels", { .state_bytes = 1000000, .dirty_percent = 20 }, 3, 2, { 0 } },
    { "three-devices-three-channels", { .state_bytes = 1000000 }, 3, 3, { 0 } },
    { "small-memory",
      { .state_bytes = 1000000, .dirty_percent = 30 },
      2,
      1,
      { .memory_bytes = 65536 } },
    { "diverging", { .state_bytes = 1000000, .dirty_percent = 100 }, 1, 1, { 0 } },
    { "more-dirt-than-read",
      { .state_bytes = 1000000, .dirty_percent = 150 },
      1,
      1,
      { .precopy_ms = 300 } },
    { "no-figures", { .state_bytes = 1000000, .no_info = true, .dirty_percent = 5 }, 1, 1, { 0 } },
    { "initial-and-reinit",
      { .state_bytes = 1000000, .initial_bytes = 300000, .reinit_at = 600000 },
      1,
      1,
      { 0 } },
    { "nomsg", { .state_bytes = 1000000, .empty = SIM_EMPTY_NOMSG }, 1, 1, { 0 } },
    { "header-only-before-the-stop", { .state_bytes = 1000000, .precopy_limit = 24 }, 1, 1, { 0 } },
    { "lies", { .state_bytes = 1000000, .size_lie = 1ll << 50 }, 1, 1, { .precopy_ms = 300 } },
    { "bandwidth", { .state_bytes = 200000 }, 1, 1, { .bandwidth_bps = 2000000 } },
    { "small-visits", { .state_bytes = 500000 }, 1, 1, { .visit = { .bytes = 8192, .ms = 1 } } },
};

static void
test_move(gconstpointer data)
{
    const MoveRow *row = data;
    PumpPair pair;

    pump_pair_init(&pair, &row->device, row->n_devices, row->n_channels);
    pair.options = row->options;
    pump_pair_run(&pair);
    pump_pair_assert_arrived(&pair);
    g_assert_cmpuint(pair.sent.memory_bytes, <=,
                     row->options.memory_bytes > 0 ? row->options.memory_bytes : 16 << 20);
    if (row->options.bandwidth_bps > 0)
        g_assert_cmpint(pair.sent.total_ms, >=, 90); /* 200 kB at 2 MB/s */
    pump_pair_clear(&pair);
}

/* M5: the stop waits until the current initial data are loaded, also after a REINIT. */
static void
test_initial_data_comes_first(void)
{
    static const SimOptions options = { .state_bytes = 3000000,
                                        .initial_bytes = 3000000,
                                        .reinit_at = 2000000 };
    PumpPair pair;

    pump_pair_init(&pair, &options, 1, 1);
    pump_pair_run(&pair);
    pump_pair_assert_arrived(&pair);
    g_assert_cmpuint(pair.sent.devices[0].precopy_bytes, >, 5000000); /* both rounds */
    g_assert_cmpuint(pair.sent.devices[0].stop_bytes, <, 100000);
    pump_pair_clear(&pair);
}

static void
test_refused_before_anything_is_touched(void)
{
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ 0 }, 2, 1);
    pair.refuse = "type: the source is a \"x\"";
    sim_device_set_fail(pair.b_sims[0], SIM_FAIL_MOVE, SIM_HOW_ERROR_STATE, EIO, 1);
    sim_device_set_fail(pair.a_sims[0], SIM_FAIL_MOVE, SIM_HOW_ERROR_STATE, EIO, 1);
    pump_pair_run(&pair);
    g_assert_no_error(pair.send_error);
    g_assert_no_error(pair.receive_error);
    g_assert_cmpint(pair.sent.outcome, ==, FERRY_PUMP_REFUSED);
    g_assert_cmpint(pair.received.outcome, ==, FERRY_PUMP_REFUSED);
    g_assert_cmpstr(pair.sent.reasons[0], ==, "type: the source is a \"x\"");
    g_assert_cmpint(sim_device_state(pair.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    pump_pair_clear(&pair);
}

static void
test_strict_downtime_gives_up(void)
{
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 4000000, .dirty_percent = 100 }, 1, 1);
    pair.options = (FerryPumpOptions){
        .strict_downtime = true, .max_downtime_ms = 1, .bandwidth_bps = 8000000, .precopy_ms = 2000
    };
    pump_pair_run(&pair);
    g_assert_no_error(pair.send_error);
    g_assert_cmpint(pair.sent.outcome, ==, FERRY_PUMP_NOT_CONVERGED);
    g_assert_error(pair.receive_error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpint(sim_device_state(pair.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(pair.sent.devices[0].forecast.downtime_ms_high, >, 1);
    pump_pair_clear(&pair);
}

/* Each kind of failure, on each side, at an early and at a late moment: both calls return, the
 * source runs on, the target is reset, unless the device itself is what is gone. */
typedef struct {
    SimFail fail;
    unsigned at;
} FailRow;

static const FailRow fail_rows[] = {
    { SIM_FAIL_READ, 1 },  { SIM_FAIL_READ, 4 }, { SIM_FAIL_READ, 40 }, { SIM_FAIL_WRITE, 1 },
    { SIM_FAIL_WRITE, 9 }, { SIM_FAIL_MOVE, 1 }, { SIM_FAIL_MOVE, 2 },  { SIM_FAIL_MOVE, 3 },
    { SIM_FAIL_INFO, 1 },  { SIM_FAIL_INFO, 2 }, { SIM_FAIL_SIZE, 1 },
};

static void
fail_once(const FailRow *row, SimHow how, bool at_source)
{
    static const SimOptions options = { .state_bytes = 2000000,
                                        .dirty_percent = 10,
                                        .max_read = 65536 };
    PumpPair pair;

    pump_pair_init(&pair, &options, 1, 1);
    sim_device_set_fail(at_source ? pair.a_sims[0] : pair.b_sims[0], row->fail, how, EIO, row->at);
    gint64 start = g_get_monotonic_time();
    pump_pair_run(&pair);
    if (g_get_monotonic_time() - start > 500000)
        g_test_message("slow: fail %d at %u how %d source %d", row->fail, row->at, how, at_source);
    if (pair.send_error == NULL) {
        /* it did not matter: a size that is not known, a call that never came */
        g_assert_cmpint(pair.sent.outcome, !=, FERRY_PUMP_REFUSED);
    } else {
        bool gone = how == SIM_HOW_DROP || how == SIM_HOW_STALL;

        if (!(gone && at_source))
            g_assert_cmpint(sim_device_state(pair.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
        if (!(gone && !at_source))
            g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    }
    pump_pair_clear(&pair);
}

static void
test_every_failure(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fail_rows); i++)
        for (unsigned how = SIM_HOW_ERRNO; how <= SIM_HOW_STALL; how++)
            for (unsigned side = 0; side < 2; side++)
                fail_once(&fail_rows[i], (SimHow)how, side == 0);
}

/* The driver's refusal reaches the operator of the source in its words. */
static void
test_reason_travels(void)
{
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 2000000 }, 1, 1);
    sim_device_set_fail(pair.b_sims[0], SIM_FAIL_WRITE, SIM_HOW_ERRNO, EFAULT, 2);
    pump_pair_run(&pair);
    g_assert_error(pair.send_error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(pair.send_error->message, ==,
                    "the receiver gave up: b refused its state within the first 1048576 bytes: "
                    "Bad address");
    g_assert_error(pair.receive_error, FERRY_ERROR, FERRY_ERROR_IO);
    pump_pair_clear(&pair);
}

static void
test_cancelled(void)
{
    int cancelled = 1;
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 2000000 }, 1, 1);
    pair.options.cancelled = &cancelled;
    pump_pair_run(&pair);
    g_assert_error(pair.send_error, FERRY_ERROR, FERRY_ERROR_CANCELLED);
    g_assert_cmpint(sim_device_state(pair.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    pump_pair_clear(&pair);
}

/* S3: a device that never ends meets the limit. */
static void
test_endless_state(void)
{
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 8000000, .opaque = true }, 1, 1);
    pair.options.max_state_bytes = 3000000;
    pump_pair_run(&pair);
    g_assert_nonnull(pair.send_error);
    g_assert_nonnull(pair.receive_error);
    g_assert_cmpint(sim_device_state(pair.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    pump_pair_clear(&pair);
}

/* M11 over the whole pump: every device quiet before one stops. */
typedef struct {
    gint n_quiet;
    gint broken;
} Order;

static void
watch_order(void *data, const SimDevice *device, FerryMigState state)
{
    Order *order = data;

    (void)device;
    if (state == FERRY_MIG_STATE_PRE_COPY_P2P)
        (void)g_atomic_int_add(&order->n_quiet, 1);
    if (state == FERRY_MIG_STATE_STOP_COPY && g_atomic_int_get(&order->n_quiet) < 3)
        g_atomic_int_set(&order->broken, 1);
}

static void
test_devices_stop_together(void)
{
    PumpPair pair;
    Order order = { 0 };

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 500000 }, 3, 1);
    for (unsigned i = 0; i < 3; i++)
        sim_device_watch(pair.a_sims[i], watch_order, &order);
    pump_pair_run(&pair);
    pump_pair_assert_arrived(&pair);
    g_assert_cmpint(order.n_quiet, ==, 3);
    g_assert_cmpint(order.broken, ==, 0);
    pump_pair_clear(&pair);
}

/* The receiver is lost after COMMIT: nobody can know, and that is what is said. */
static void
test_in_doubt(void)
{
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 100000 }, 1, 1);
    /* the move to RUNNING_P2P is the target's third: RESUMING, STOP, then this */
    sim_device_set_fail(pair.b_sims[0], SIM_FAIL_MOVE, SIM_HOW_ERRNO, EIO, 3);
    pump_pair_run(&pair);
    g_assert_no_error(pair.send_error);
    g_assert_cmpint(pair.sent.outcome, ==, FERRY_PUMP_IN_DOUBT);
    g_assert_cmpint(sim_device_state(pair.a_sims[0]), ==, FERRY_MIG_STATE_STOP);
    pump_pair_clear(&pair);
}

static void
test_stay_stopped(void)
{
    PumpPair pair;

    pump_pair_init(&pair, &(SimOptions){ .state_bytes = 100000 }, 1, 1);
    pair.options.stay_stopped = true;
    pump_pair_run(&pair);
    g_assert_no_error(pair.receive_error);
    g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_STOP);
    pump_pair_clear(&pair);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(move_rows); i++) {
        g_autofree char *path = g_strconcat("/pump/move/", move_rows[i].name, NULL);
        g_test_add_data_func(path, &move_rows[i], test_move);
    }
    g_test_add_func("/pump/initial-data-comes-first", test_initial_data_comes_first);
    g_test_add_func("/pump/refused-before-anything-is-touched",
                    test_refused_before_anything_is_touched);
    g_test_add_func("/pump/strict-downtime-gives-up", test_strict_downtime_gives_up);
    g_test_add_func("/pump/every-failure", test_every_failure);
    g_test_add_func("/pump/reason-travels", test_reason_travels);
    g_test_add_func("/pump/cancelled", test_cancelled);
    g_test_add_func("/pump/endless-state", test_endless_state);
    g_test_add_func("/pump/devices-stop-together", test_devices_stop_together);
    g_test_add_func("/pump/in-doubt", test_in_doubt);
    g_test_add_func("/pump/stay-stopped", test_stay_stopped);
    return g_test_run();
}
