#include "vfio/load.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "sim/transport.h"
#include "vfio/save.h"

typedef struct {
    SimDevice *sim;
    FerryVfioDevice *device;
    GByteArray *stream; /* a whole one of a device of the same kind */
} Fixture;

static GByteArray *
make_stream(const SimOptions *options)
{
    g_autoptr(SimDevice) sim = sim_device_new(options);
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(sim_transport_new(sim, "src"), NULL);
    GByteArray *stream = g_byte_array_new();
    FerrySave save = { 0 };
    FerrySaveRead got = FERRY_SAVE_DATA;
    uint8_t buf[4096];
    size_t n = 0;

    sim_device_work(sim, 0xabcd, 1);
    g_assert_true(ferry_save_begin(&save, device, NULL));
    g_assert_true(ferry_save_stop(&save, NULL));
    while (got == FERRY_SAVE_DATA) {
        g_assert_true(ferry_save_read(&save, buf, sizeof buf, &got, &n, NULL));
        if (got == FERRY_SAVE_DATA)
            g_byte_array_append(stream, buf, (unsigned)n);
    }
    return stream;
}

static void
set_up(Fixture *f, gconstpointer data)
{
    static const SimOptions options = { .state_bytes = 1000, .page_bytes = 200 };

    (void)data;
    f->stream = make_stream(&options);
    f->sim = sim_device_new(&options);
    f->device = ferry_vfio_device_new(sim_transport_new(f->sim, "dst"), NULL);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    ferry_vfio_device_free(f->device);
    sim_device_free(f->sim);
    g_byte_array_unref(f->stream);
}

static void
test_any_pieces(Fixture *f, gconstpointer data)
{
    (void)data;
    for (unsigned piece = 1; piece < 300; piece += 13) {
        FerryLoad load = { 0 };
        FerryLoad *all[] = { &load };

        g_assert_true(ferry_load_begin(&load, f->device, NULL));
        for (unsigned at = 0; at < f->stream->len; at += piece)
            g_assert_true(ferry_load_write(&load, f->stream->data + at,
                                           MIN(piece, f->stream->len - at), NULL));
        g_assert_true(ferry_load_finish(&load, NULL));
        g_assert_cmpuint(load.bytes, ==, f->stream->len);
        g_assert_cmpuint(sim_device_register(f->sim), ==, 0xabcd);
        g_assert_true(ferry_load_run_all(all, 1, NULL));
        g_assert_cmpint(sim_device_state(f->sim), ==, FERRY_MIG_STATE_RUNNING);
        g_assert_true(ferry_vfio_device_reset(f->device, NULL));
    }
}

/* Truncated at every byte: refused at STOP, and the device is a fresh running one. */
static void
test_truncated(Fixture *f, gconstpointer data)
{
    (void)data;
    for (unsigned size = 0; size < f->stream->len; size += 11) {
        FerryLoad load = { 0 };
        g_autoptr(GError) error = NULL;

        g_assert_true(ferry_load_begin(&load, f->device, NULL));
        g_assert_true(ferry_load_write(&load, f->stream->data, size, NULL));
        g_assert_false(ferry_load_finish(&load, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
        g_assert_cmpstr(error->message, ==,
                        "the device was reset and is in RUNNING: cannot move dst from RESUMING to "
                        "STOP: Invalid argument; it is in RESUMING now");
        g_assert_cmpint(sim_device_state(f->sim), ==, FERRY_MIG_STATE_RUNNING);
        g_assert_cmpuint(sim_device_register(f->sim), ==, 0);
    }
}

/* The driver refuses a write: that is final, STOP is never asked for. */
static void
test_refused_write_is_final(Fixture *f, gconstpointer data)
{
    FerryLoad load = { 0 };
    g_autoptr(GError) error = NULL;

    (void)data;
    f->stream->data[0] ^= 1; /* the header's magic */
    g_assert_true(ferry_load_begin(&load, f->device, NULL));
    g_assert_false(ferry_load_write(&load, f->stream->data, f->stream->len, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "dst refused its state within the first"));
    g_assert_true(load.failed);
    g_assert_cmpint(sim_device_state(f->sim), ==, FERRY_MIG_STATE_RESUMING);
    g_assert_true(ferry_load_abort(&load, NULL));
    g_assert_cmpint(sim_device_state(f->sim), ==, FERRY_MIG_STATE_RUNNING);
}

static void
test_wants_a_free_device(Fixture *f, gconstpointer data)
{
    FerryLoad load = { 0 };
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(ferry_vfio_device_move(f->device, FERRY_MIG_STATE_STOP_COPY, NULL));
    g_assert_false(ferry_load_begin(&load, f->device, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
}

/* The reverse order of the stop: all quiet before one runs. */
typedef struct {
    unsigned n_quiet;
    bool broken_order;
} Order;

static void
watch_order(void *data, const SimDevice *device, FerryMigState state)
{
    Order *order = data;

    (void)device;
    order->n_quiet += state == FERRY_MIG_STATE_RUNNING_P2P;
    order->broken_order |= state == FERRY_MIG_STATE_RUNNING && order->n_quiet < 2;
}

static void
test_run_order(Fixture *f, gconstpointer data)
{
    g_autoptr(SimDevice) second_sim = sim_device_new(sim_device_options(f->sim));
    g_autoptr(FerryVfioDevice) second =
        ferry_vfio_device_new(sim_transport_new(second_sim, "dst2"), NULL);
    FerryLoad loads[2] = { 0 };
    FerryLoad *all[] = { &loads[0], &loads[1] };
    FerryVfioDevice *devices[] = { f->device, second };
    Order order = { 0 };

    (void)data;
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(ferry_load_begin(&loads[i], devices[i], NULL));
        g_assert_true(ferry_load_write(&loads[i], f->stream->data, f->stream->len, NULL));
        g_assert_true(ferry_load_finish(&loads[i], NULL));
    }
    sim_device_watch(f->sim, watch_order, &order);
    sim_device_watch(second_sim, watch_order, &order);
    g_assert_true(ferry_load_run_all(all, 2, NULL));
    g_assert_false(order.broken_order);
    g_assert_cmpuint(order.n_quiet, ==, 2);
}

#define ADD(name, func) g_test_add("/load/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("any-pieces", test_any_pieces);
    ADD("truncated", test_truncated);
    ADD("refused-write-is-final", test_refused_write_is_final);
    ADD("wants-a-free-device", test_wants_a_free_device);
    ADD("run-order", test_run_order);
    return g_test_run();
}
