#include "vfio/save.h"

#include <errno.h>

#include "base/error.h"
#include "sim/transport.h"
#include "vfio/load.h"
#include "vfio/uapi.h"

/* Two devices of one kind, opened. */
typedef struct {
    SimDevice *a_sim;
    SimDevice *b_sim;
    FerryVfioDevice *a;
    FerryVfioDevice *b;
} Pair;

static Pair
pair_new(const SimOptions *options)
{
    Pair pair = { .a_sim = sim_device_new(options), .b_sim = sim_device_new(options) };

    pair.a = ferry_vfio_device_new(sim_transport_new(pair.a_sim, "a"), NULL);
    pair.b = ferry_vfio_device_new(sim_transport_new(pair.b_sim, "b"), NULL);
    return pair;
}

static void
pair_clear(Pair *pair)
{
    ferry_vfio_device_free(pair->a);
    ferry_vfio_device_free(pair->b);
    sim_device_free(pair->a_sim);
    sim_device_free(pair->b_sim);
}

/* Reads until nothing comes now, or the end; what was read is added to @stream. */
static FerrySaveRead
read_on(FerrySave *save, GByteArray *stream)
{
    uint8_t buf[1000];
    FerrySaveRead got = FERRY_SAVE_DATA;
    size_t n = 0;

    for (unsigned i = 0; i < 100000; i++) {
        g_assert_true(ferry_save_read(save, buf, sizeof buf, &got, &n, NULL));
        if (got != FERRY_SAVE_DATA)
            return got;
        g_byte_array_append(stream, buf, (unsigned)n);
    }
    g_assert_not_reached();
}

static void
load_all(Pair *pair, const GByteArray *stream)
{
    FerryLoad load = { 0 };

    g_assert_true(ferry_load_begin(&load, pair->b, NULL));
    g_assert_true(ferry_load_write(&load, stream->data, stream->len, NULL));
    g_assert_true(ferry_load_finish(&load, NULL));
    g_assert_cmpint(sim_device_state(pair->b_sim), ==, FERRY_MIG_STATE_STOP);
    g_assert_cmpuint(sim_device_digest(pair->a_sim), ==, sim_device_digest(pair->b_sim));
}

typedef struct {
    const char *name;
    SimOptions options;
} Row;

/* Each family of drivers, by what it can and how it says "nothing now". */
static const Row rows[] = {
    { "stop-copy-only", { .flags = 1, .state_bytes = 50000 } },
    { "p2p-without-precopy", { .flags = 3, .state_bytes = 50000 } },
    { "precopy-without-p2p", { .flags = 5, .state_bytes = 50000 } },
    { "all-flags-zero", { .state_bytes = 50000, .dirty_percent = 10 } },
    { "all-flags-nomsg", { .state_bytes = 50000, .dirty_percent = 10, .empty = SIM_EMPTY_NOMSG } },
    { "all-flags-again", { .state_bytes = 50000, .dirty_percent = 10, .empty = SIM_EMPTY_AGAIN } },
    { "header-only-before-the-stop", { .state_bytes = 50000, .precopy_limit = 24 } },
    { "short-reads", { .state_bytes = 50000, .max_read = 7 } },
    { "lies-high", { .state_bytes = 50000, .size_lie = 1ll << 60 } },
    { "lies-low", { .state_bytes = 50000, .size_lie = -(1ll << 60) } },
    { "no-figures", { .state_bytes = 50000, .no_info = true } },
    { "initial-bytes", { .state_bytes = 50000, .initial_bytes = 20000 } },
    { "reinit", { .state_bytes = 50000, .initial_bytes = 20000, .reinit_at = 30000 } },
};

static void
test_state_arrives(gconstpointer data)
{
    const Row *row = data;
    Pair pair = pair_new(&row->options);
    FerrySave save = { 0 };
    g_autoptr(GByteArray) stream = g_byte_array_new();

    sim_device_work(pair.a_sim, 0xfe11, 3);
    g_assert_true(ferry_save_begin(&save, pair.a, NULL));
    g_assert_cmpint(read_on(&save, stream), ==, FERRY_SAVE_NOTHING_NOW);
    g_assert_true(ferry_save_poll(&save, NULL));
    sim_device_work(pair.a_sim, 0xfe12, 2);
    g_assert_true(ferry_save_quiet(&save, NULL));
    g_assert_true(ferry_save_stop(&save, NULL));
    g_assert_cmpint(read_on(&save, stream), ==, FERRY_SAVE_END);
    g_assert_cmpuint(save.precopy_bytes + save.stop_bytes, ==, stream->len);
    g_assert_true(ferry_save_finish(&save, NULL));
    g_assert_cmpint(sim_device_state(pair.a_sim), ==, FERRY_MIG_STATE_STOP);
    load_all(&pair, stream);
    g_assert_cmpuint(sim_device_register(pair.b_sim), ==, 0xfe12);
    pair_clear(&pair);
}

/* The seed's rule: the user may stop at any moment, whatever was read by then. */
static void
test_stop_at_any_byte(void)
{
    static const SimOptions options = { .state_bytes = 3 * 64, .page_bytes = 64 };

    for (size_t position = 0; position < 400; position += 7) {
        Pair pair = pair_new(&options);
        FerrySave save = { 0 };
        g_autoptr(GByteArray) stream = g_byte_array_new();
        uint8_t buf[400];
        FerrySaveRead got = FERRY_SAVE_DATA;
        size_t n = 0;

        g_assert_true(ferry_save_begin(&save, pair.a, NULL));
        if (position > 0)
            g_assert_true(ferry_save_read(&save, buf, position, &got, &n, NULL));
        g_byte_array_append(stream, buf, (unsigned)n);
        sim_device_work(pair.a_sim, 1, 1);
        g_assert_true(ferry_save_stop(&save, NULL));
        g_assert_cmpint(read_on(&save, stream), ==, FERRY_SAVE_END);
        g_assert_true(ferry_save_finish(&save, NULL));
        load_all(&pair, stream);
        pair_clear(&pair);
    }
}

/* M10: an aborted session leaves the device running, and the next is a whole one, equal to a
 * first. */
static void
test_second_session_starts_from_nothing(void)
{
    static const SimOptions options = { .state_bytes = 50000, .dirty_percent = 20 };
    static const FerryMigState aborts[] = { FERRY_MIG_STATE_PRE_COPY, FERRY_MIG_STATE_PRE_COPY_P2P,
                                            FERRY_MIG_STATE_STOP_COPY };

    for (size_t i = 0; i < G_N_ELEMENTS(aborts); i++) {
        Pair pair = pair_new(&options);
        FerrySave first = { 0 };
        FerrySave second = { 0 };
        g_autoptr(GByteArray) lost = g_byte_array_new();
        g_autoptr(GByteArray) stream = g_byte_array_new();

        g_assert_true(ferry_save_begin(&first, pair.a, NULL));
        (void)read_on(&first, lost);
        g_assert_true(ferry_vfio_device_move(pair.a, aborts[i], NULL));
        g_assert_true(ferry_save_abort(&first, NULL));
        g_assert_cmpint(sim_device_state(pair.a_sim), ==, FERRY_MIG_STATE_RUNNING);
        g_assert_true(ferry_save_begin(&second, pair.a, NULL));
        (void)read_on(&second, stream);
        g_assert_cmpuint(second.precopy_bytes, >, 50000);
        g_assert_true(ferry_save_stop(&second, NULL));
        (void)read_on(&second, stream);
        g_assert_true(ferry_save_finish(&second, NULL));
        load_all(&pair, stream);
        pair_clear(&pair);
    }
}

/* A session of somebody else is open: not ours to take over. */
static void
test_begin_wants_a_running_device(void)
{
    Pair pair = pair_new(&(SimOptions){ 0 });
    FerrySave save = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_vfio_device_move(pair.a, FERRY_MIG_STATE_PRE_COPY, NULL));
    g_assert_false(ferry_save_begin(&save, pair.a, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==,
                    "cannot save a: it is in PRE_COPY, so somebody's session is open. \"ferry-vfio "
                    "run\" ends that");
    pair_clear(&pair);
}

static void
test_finish_needs_the_end(void)
{
    Pair pair = pair_new(&(SimOptions){ 0 });
    FerrySave save = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_save_begin(&save, pair.a, NULL));
    g_assert_true(ferry_save_stop(&save, NULL));
    g_assert_false(ferry_save_finish(&save, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_true(ferry_save_abort(&save, NULL));
    pair_clear(&pair);
}

typedef struct {
    const char *name;
    int code;
    bool stopped;
    const char *message;
} ReadRow;

static const ReadRow read_rows[] = {
    { "reset-by-somebody", ENODEV, false,
      "cannot read the state of a in PRE_COPY after 0 bytes: No such device. It was reset by "
      "somebody" },
    { "io-error-stopped", EIO, true,
      "cannot read the state of a in STOP_COPY after 0 bytes: Input/output error" },
    { "nomsg-when-stopped", ENOMSG, true,
      "cannot read the state of a in STOP_COPY after 0 bytes: No message of desired type. This "
      "errno is allowed in PRE_COPY only: a bug of the driver" },
};

static void
test_failed_read(gconstpointer data)
{
    const ReadRow *row = data;
    Pair pair = pair_new(&(SimOptions){ 0 });
    FerrySave save = { 0 };
    FerrySaveRead got = FERRY_SAVE_END;
    uint8_t buf[16];
    size_t n = 99;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_save_begin(&save, pair.a, NULL));
    if (row->stopped)
        g_assert_true(ferry_save_stop(&save, NULL));
    sim_device_set_fail(pair.a_sim, SIM_FAIL_READ, SIM_HOW_ERRNO, row->code, 1);
    g_assert_false(ferry_save_read(&save, buf, sizeof buf, &got, &n, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_cmpuint(n, ==, 99);
    g_assert_true(ferry_save_abort(&save, NULL));
    g_assert_cmpint(pair.a->state, ==, FERRY_MIG_STATE_RUNNING);
    pair_clear(&pair);
}

/* Figures: initial falls to 0 and is done; a REINIT opens a new round that is not. */
static void
test_initial_rounds(void)
{
    static const SimOptions options = { .state_bytes = 40960,
                                        .initial_bytes = 8192,
                                        .reinit_at = 30000 };
    Pair pair = pair_new(&options);
    FerrySave save = { 0 };
    uint8_t buf[10000];
    FerrySaveRead got = FERRY_SAVE_DATA;
    size_t n = 0;

    g_assert_true(ferry_save_begin(&save, pair.a, NULL));
    g_assert_cmpuint(save.initial.bytes, ==, 8192);
    g_assert_false(save.initial_done);
    g_assert_true(ferry_save_read(&save, buf, sizeof buf, &got, &n, NULL));
    g_assert_true(ferry_save_poll(&save, NULL));
    g_assert_true(save.initial_done);
    g_assert_cmpuint(save.initial_round, ==, 1);
    for (unsigned i = 0; i < 2; i++)
        g_assert_true(ferry_save_read(&save, buf, sizeof buf, &got, &n, NULL));
    g_assert_true(ferry_save_poll(&save, NULL));
    g_assert_cmpuint(save.initial_round, ==, 2);
    g_assert_false(save.initial_done);
    pair_clear(&pair);
}

/* Before Linux 7.1 nobody fills in the flags: what stands there begins no round. */
static void
test_old_kernel_has_no_rounds(void)
{
    static const SimOptions options = {
        .state_bytes = 40960, .initial_bytes = 8192, .reinit_at = 30000, .old_info = 1
    };
    Pair pair = pair_new(&options);
    FerrySave save = { 0 };
    uint8_t buf[40000];
    FerrySaveRead got = FERRY_SAVE_DATA;
    size_t n = 0;

    g_assert_false(pair.a->info_v2);
    g_assert_true(ferry_save_begin(&save, pair.a, NULL));
    g_assert_true(ferry_save_read(&save, buf, sizeof buf, &got, &n, NULL));
    g_assert_true(ferry_save_poll(&save, NULL));
    g_assert_cmpuint(save.initial_round, ==, 1);
    g_assert_true(save.initial.known);
    pair_clear(&pair);
}

/* INFOv2 is asked for where it can mean something, and the answer is kept. */
static void
test_info_v2_opt_in(void)
{
    static const struct {
        SimOptions options;
        int info_v2;
    } cases[] = {
        { { .flags = 7 }, 1 },
        { { .flags = 5 }, 1 },
        { { .flags = 1 }, 0 }, /* no PRE_COPY: not asked */
        { { .flags = 7, .old_info = 1 }, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Pair pair = pair_new(&cases[i].options);

        g_assert_cmpint(pair.a->info_v2, ==, cases[i].info_v2);
        pair_clear(&pair);
    }
}

/* M11: all quiet before any stops. */
typedef struct {
    unsigned n_quiet;
    unsigned n_devices;
    bool broken_order;
} Order;

static void
watch_order(void *data, const SimDevice *device, FerryMigState state)
{
    Order *order = data;

    (void)device;
    order->n_quiet += state == FERRY_MIG_STATE_PRE_COPY_P2P || state == FERRY_MIG_STATE_RUNNING_P2P;
    if (state == FERRY_MIG_STATE_STOP || state == FERRY_MIG_STATE_STOP_COPY)
        order->broken_order |= order->n_quiet < order->n_devices;
}

static void
test_p2p_order(void)
{
    Pair pair = pair_new(&(SimOptions){ .flags = 7 });
    Pair other = pair_new(&(SimOptions){ .flags = 3 });
    Order order = { .n_devices = 2 };
    FerrySave saves[2] = { 0 };
    FerrySave *all[] = { &saves[0], &saves[1] };

    g_assert_true(ferry_save_begin(&saves[0], pair.a, NULL));
    g_assert_true(ferry_save_begin(&saves[1], other.a, NULL));
    sim_device_watch(pair.a_sim, watch_order, &order);
    sim_device_watch(other.a_sim, watch_order, &order);
    g_assert_true(ferry_save_stop_all(all, 2, NULL));
    g_assert_cmpuint(order.n_quiet, ==, 2);
    g_assert_false(order.broken_order);
    g_assert_cmpint(sim_device_state(pair.a_sim), ==, FERRY_MIG_STATE_STOP_COPY);
    g_assert_cmpint(sim_device_state(other.a_sim), ==, FERRY_MIG_STATE_STOP_COPY);
    pair_clear(&pair);
    pair_clear(&other);
}

static void
test_several_devices_need_p2p(void)
{
    Pair pair = pair_new(&(SimOptions){ .flags = 5 });
    FerrySave saves[2] = { 0 };
    FerrySave *all[] = { &saves[0], &saves[1] };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_save_begin(&saves[0], pair.a, NULL));
    g_assert_true(ferry_save_begin(&saves[1], pair.b, NULL));
    g_assert_false(ferry_save_stop_all(all, 2, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_true(ferry_save_stop_all(all, 1, NULL)); /* alone it needs none */
    pair_clear(&pair);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/save/state-arrives/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_state_arrives);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(read_rows); i++) {
        g_autofree char *path = g_strconcat("/save/failed-read/", read_rows[i].name, NULL);
        g_test_add_data_func(path, &read_rows[i], test_failed_read);
    }
    g_test_add_func("/save/stop-at-any-byte", test_stop_at_any_byte);
    g_test_add_func("/save/second-session-starts-from-nothing",
                    test_second_session_starts_from_nothing);
    g_test_add_func("/save/begin-wants-a-running-device", test_begin_wants_a_running_device);
    g_test_add_func("/save/finish-needs-the-end", test_finish_needs_the_end);
    g_test_add_func("/save/initial-rounds", test_initial_rounds);
    g_test_add_func("/save/old-kernel-has-no-rounds", test_old_kernel_has_no_rounds);
    g_test_add_func("/save/info-v2-opt-in", test_info_v2_opt_in);
    g_test_add_func("/save/p2p-order", test_p2p_order);
    g_test_add_func("/save/several-devices-need-p2p", test_several_devices_need_p2p);
    return g_test_run();
}
