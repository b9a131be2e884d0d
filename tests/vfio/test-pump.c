#include "vfio/pump.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "sim/transport.h"
#include "vfio/frame.h"
#include "vfio/uapi.h"

#define MAX_DEVICES 3

/* Simulated devices on both sides, channels between them, and a thread that receives. */
typedef struct {
    size_t n_devices;
    size_t n_channels;
    SimDevice *a_sims[MAX_DEVICES];
    SimDevice *b_sims[MAX_DEVICES];
    FerryVfioDevice *a[MAX_DEVICES];
    FerryVfioDevice *b[MAX_DEVICES];
    FerryChannel *a_channels[MAX_DEVICES];
    FerryChannel *b_channels[MAX_DEVICES];
    FerryPumpOptions options;
    FerryPumpReport sent;
    FerryPumpReport received;
    GError *send_error;
    GError *receive_error;
    const char *refuse; /* the receiver's reason to say no */
} Bench;

static void
bench_init(Bench *bench, const SimOptions *options, size_t n_devices, size_t n_channels)
{
    *bench = (Bench){ .n_devices = n_devices, .n_channels = n_channels };
    for (size_t i = 0; i < n_devices; i++) {
        bench->a_sims[i] = sim_device_new(options);
        bench->b_sims[i] = sim_device_new(options);
        bench->a[i] = ferry_vfio_device_new(sim_transport_new(bench->a_sims[i], "a"), NULL);
        bench->b[i] = ferry_vfio_device_new(sim_transport_new(bench->b_sims[i], "b"), NULL);
        sim_device_work(bench->a_sims[i], 0x5151 + i, 2);
    }
    for (size_t i = 0; i < n_channels; i++) {
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        bench->a_channels[i] =
            ferry_channel_new_fd(fds[0], FERRY_CHANNEL_TWO_WAY, "the target", 3000);
        bench->b_channels[i] =
            ferry_channel_new_fd(fds[1], FERRY_CHANNEL_TWO_WAY, "the source", 3000);
    }
}

static void
bench_clear(Bench *bench)
{
    for (size_t i = 0; i < bench->n_devices; i++) {
        ferry_vfio_device_free(bench->a[i]);
        ferry_vfio_device_free(bench->b[i]);
        sim_device_free(bench->a_sims[i]);
        sim_device_free(bench->b_sims[i]);
    }
    for (size_t i = 0; i < bench->n_channels; i++) {
        ferry_channel_free(bench->a_channels[i]);
        ferry_channel_free(bench->b_channels[i]);
    }
    ferry_pump_report_clear(&bench->sent);
    ferry_pump_report_clear(&bench->received);
    g_clear_error(&bench->send_error);
    g_clear_error(&bench->receive_error);
}

static bool
check_meta(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error)
{
    const Bench *bench = data;

    (void)device;
    (void)error;
    g_assert_cmpstr(meta, ==, "{\"test\":1}");
    if (bench->refuse != NULL)
        g_ptr_array_add(reasons, g_strdup(bench->refuse));
    return true;
}

static void *
receive_thread(void *data)
{
    Bench *bench = data;

    (void)ferry_pump_receive(bench->b, bench->n_devices, bench->b_channels, bench->n_channels,
                             check_meta, bench, &bench->options, &bench->received,
                             &bench->receive_error);
    return NULL;
}

static void
bench_run(Bench *bench)
{
    const char *metas[MAX_DEVICES] = { "{\"test\":1}", "{\"test\":1}", "{\"test\":1}" };
    pthread_t thread;

    g_assert_cmpint(pthread_create(&thread, NULL, receive_thread, bench), ==, 0);
    (void)ferry_pump_send(bench->a, metas, bench->n_devices, bench->a_channels, bench->n_channels,
                          &bench->options, &bench->sent, &bench->send_error);
    for (size_t i = 0; i < bench->n_channels; i++)
        g_clear_pointer(&bench->a_channels[i], ferry_channel_free);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

static void
assert_arrived(const Bench *bench)
{
    g_assert_no_error(bench->send_error);
    g_assert_no_error(bench->receive_error);
    g_assert_cmpint(bench->sent.outcome, ==, FERRY_PUMP_DONE);
    g_assert_cmpint(bench->received.outcome, ==, FERRY_PUMP_DONE);
    for (size_t i = 0; i < bench->n_devices; i++) {
        g_assert_cmpint(sim_device_state(bench->a_sims[i]), ==, FERRY_MIG_STATE_STOP);
        g_assert_cmpint(sim_device_state(bench->b_sims[i]), ==, FERRY_MIG_STATE_RUNNING);
        g_assert_cmpuint(sim_device_digest(bench->a_sims[i]), ==,
                         sim_device_digest(bench->b_sims[i]));
        g_assert_cmpuint(sim_device_register(bench->b_sims[i]), ==, 0x5151 + i);
    }
}

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
    Bench bench;

    bench_init(&bench, &row->device, row->n_devices, row->n_channels);
    bench.options = row->options;
    bench_run(&bench);
    assert_arrived(&bench);
    g_assert_cmpuint(bench.sent.memory_bytes, <=,
                     row->options.memory_bytes > 0 ? row->options.memory_bytes : 16 << 20);
    if (row->options.bandwidth_bps > 0)
        g_assert_cmpint(bench.sent.total_ms, >=, 90); /* 200 kB at 2 MB/s */
    bench_clear(&bench);
}

/* M5: the stop waits until the current initial data are loaded, also after a REINIT. */
static void
test_initial_data_comes_first(void)
{
    static const SimOptions options = { .state_bytes = 3000000,
                                        .initial_bytes = 3000000,
                                        .reinit_at = 2000000 };
    Bench bench;

    bench_init(&bench, &options, 1, 1);
    bench_run(&bench);
    assert_arrived(&bench);
    g_assert_cmpuint(bench.sent.devices[0].precopy_bytes, >, 5000000); /* both rounds */
    g_assert_cmpuint(bench.sent.devices[0].stop_bytes, <, 100000);
    bench_clear(&bench);
}

static void
test_refused_before_anything_is_touched(void)
{
    Bench bench;

    bench_init(&bench, &(SimOptions){ 0 }, 2, 1);
    bench.refuse = "type: the source is a \"x\"";
    sim_device_set_fail(bench.b_sims[0], SIM_FAIL_MOVE, SIM_HOW_ERROR_STATE, EIO, 1);
    sim_device_set_fail(bench.a_sims[0], SIM_FAIL_MOVE, SIM_HOW_ERROR_STATE, EIO, 1);
    bench_run(&bench);
    g_assert_no_error(bench.send_error);
    g_assert_no_error(bench.receive_error);
    g_assert_cmpint(bench.sent.outcome, ==, FERRY_PUMP_REFUSED);
    g_assert_cmpint(bench.received.outcome, ==, FERRY_PUMP_REFUSED);
    g_assert_cmpstr(bench.sent.reasons[0], ==, "type: the source is a \"x\"");
    g_assert_cmpint(sim_device_state(bench.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(bench.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    bench_clear(&bench);
}

static void
test_strict_downtime_gives_up(void)
{
    Bench bench;

    bench_init(&bench, &(SimOptions){ .state_bytes = 4000000, .dirty_percent = 100 }, 1, 1);
    bench.options = (FerryPumpOptions){
        .strict_downtime = true, .max_downtime_ms = 1, .bandwidth_bps = 8000000, .precopy_ms = 2000
    };
    bench_run(&bench);
    g_assert_no_error(bench.send_error);
    g_assert_cmpint(bench.sent.outcome, ==, FERRY_PUMP_NOT_CONVERGED);
    g_assert_error(bench.receive_error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpint(sim_device_state(bench.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(bench.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(bench.sent.devices[0].forecast.downtime_ms_high, >, 1);
    bench_clear(&bench);
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
    Bench bench;

    bench_init(&bench, &options, 1, 1);
    sim_device_set_fail(at_source ? bench.a_sims[0] : bench.b_sims[0], row->fail, how, EIO,
                        row->at);
    gint64 start = g_get_monotonic_time();
    bench_run(&bench);
    if (g_get_monotonic_time() - start > 500000)
        g_test_message("slow: fail %d at %u how %d source %d", row->fail, row->at, how, at_source);
    if (bench.send_error == NULL) {
        /* it did not matter: a size that is not known, a call that never came */
        g_assert_cmpint(bench.sent.outcome, !=, FERRY_PUMP_REFUSED);
    } else {
        bool gone = how == SIM_HOW_DROP || how == SIM_HOW_STALL;

        if (!(gone && at_source))
            g_assert_cmpint(sim_device_state(bench.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
        if (!(gone && !at_source))
            g_assert_cmpint(sim_device_state(bench.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    }
    bench_clear(&bench);
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
    Bench bench;

    bench_init(&bench, &(SimOptions){ .state_bytes = 2000000 }, 1, 1);
    sim_device_set_fail(bench.b_sims[0], SIM_FAIL_WRITE, SIM_HOW_ERRNO, EFAULT, 2);
    bench_run(&bench);
    g_assert_error(bench.send_error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(bench.send_error->message, ==,
                    "the receiver gave up: b refused its state within the first 1048576 bytes: "
                    "Bad address");
    g_assert_error(bench.receive_error, FERRY_ERROR, FERRY_ERROR_IO);
    bench_clear(&bench);
}

static void
test_cancelled(void)
{
    int cancelled = 1;
    Bench bench;

    bench_init(&bench, &(SimOptions){ .state_bytes = 2000000 }, 1, 1);
    bench.options.cancelled = &cancelled;
    bench_run(&bench);
    g_assert_error(bench.send_error, FERRY_ERROR, FERRY_ERROR_CANCELLED);
    g_assert_cmpint(sim_device_state(bench.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(bench.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    bench_clear(&bench);
}

/* S3: a device that never ends meets the limit. */
static void
test_endless_state(void)
{
    Bench bench;

    bench_init(&bench, &(SimOptions){ .state_bytes = 8000000, .opaque = true }, 1, 1);
    bench.options.max_state_bytes = 3000000;
    bench_run(&bench);
    g_assert_nonnull(bench.send_error);
    g_assert_nonnull(bench.receive_error);
    g_assert_cmpint(sim_device_state(bench.a_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpint(sim_device_state(bench.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    bench_clear(&bench);
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
    Bench bench;
    Order order = { 0 };

    bench_init(&bench, &(SimOptions){ .state_bytes = 500000 }, 3, 1);
    for (unsigned i = 0; i < 3; i++)
        sim_device_watch(bench.a_sims[i], watch_order, &order);
    bench_run(&bench);
    assert_arrived(&bench);
    g_assert_cmpint(order.n_quiet, ==, 3);
    g_assert_cmpint(order.broken, ==, 0);
    bench_clear(&bench);
}

/* The receiver is lost after COMMIT: nobody can know, and that is what is said. */
static void
test_in_doubt(void)
{
    Bench bench;

    bench_init(&bench, &(SimOptions){ .state_bytes = 100000 }, 1, 1);
    /* the move to RUNNING_P2P is the target's third: RESUMING, STOP, then this */
    sim_device_set_fail(bench.b_sims[0], SIM_FAIL_MOVE, SIM_HOW_ERRNO, EIO, 3);
    bench_run(&bench);
    g_assert_no_error(bench.send_error);
    g_assert_cmpint(bench.sent.outcome, ==, FERRY_PUMP_IN_DOUBT);
    g_assert_cmpint(sim_device_state(bench.a_sims[0]), ==, FERRY_MIG_STATE_STOP);
    bench_clear(&bench);
}

static void
test_stay_stopped(void)
{
    Bench bench;

    bench_init(&bench, &(SimOptions){ .state_bytes = 100000 }, 1, 1);
    bench.options.stay_stopped = true;
    bench_run(&bench);
    g_assert_no_error(bench.receive_error);
    g_assert_cmpint(sim_device_state(bench.b_sims[0]), ==, FERRY_MIG_STATE_STOP);
    bench_clear(&bench);
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
