/* What both halves of the pump share, and the numbers that they work with. */
#include "vfio/pump-crew.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define KIB 1024u
#define MIB (1024u * KIB)

/* memory, devices, asked for → bytes of a chunk, chunks for each device */
static const struct {
    const char *name;
    FerryPumpOptions options;
    size_t n_devices;
    size_t chunk_bytes;
    unsigned n_chunks;
} sizes[] = {
    { "defaults", { 0 }, 1, MIB, 16 },
    { "small-memory", { .memory_bytes = MIB }, 1, 256 * KIB, 4 },
    { "tiny-memory", { .memory_bytes = 1 }, 1, 4096, 2 },
    { "64-devices", { 0 }, 64, 64 * KIB, 4 },
    { "asked-for", { .chunk_bytes = 32 * KIB }, 1, 32 * KIB, 64 },
    { "asked-for-too-much", { .chunk_bytes = 64 * MIB }, 1, MIB, 16 },
    { "asked-for-too-little", { .chunk_bytes = 1 }, 1, 4096, 64 },
    { "more-than-fits", { .memory_bytes = MIB, .chunk_bytes = MIB }, 1, 256 * KIB, 4 },
    /* a chunk must not keep the receiver waiting: an eighth of a second, but for the least */
    { "slow-link", { .bandwidth_bps = 800 * KIB }, 1, 100 * KIB, 64 },
    { "slowest-link", { .bandwidth_bps = 1 }, 1, 4096, 64 },
    { "fast-link", { .bandwidth_bps = 1ull << 40 }, 1, MIB, 16 },
};

static void
test_sizes(gconstpointer data)
{
    const unsigned row = GPOINTER_TO_UINT(data);
    FerryPumpOptions all = ferry_pump_defaults(&sizes[row].options, sizes[row].n_devices);

    g_assert_cmpuint(all.chunk_bytes, ==, sizes[row].chunk_bytes);
    g_assert_cmpuint(ferry_pump_chunks_each(&all, sizes[row].n_devices), ==, sizes[row].n_chunks);
    g_assert_cmpuint(all.max_state_bytes, ==, 1ull << 40);
    g_assert_cmpint(all.max_downtime_ms, ==, 300);
    g_assert_cmpint(all.precopy_ms, ==, 60000);
    g_assert_cmpuint(all.visit.bytes, ==, 8 * MIB);
    g_assert_cmpint(all.visit.ms, ==, 100);
}

/* Never more than the limit, but where each device must have two chunks of the least size. */
static void
test_memory_limit(void)
{
    for (uint64_t memory = 1; memory <= 1ull << 30; memory *= 3)
        for (size_t n = 1; n <= 64; n++) {
            FerryPumpOptions all =
                ferry_pump_defaults(&(FerryPumpOptions){ .memory_bytes = memory }, n);
            uint64_t taken = (uint64_t)ferry_pump_chunks_each(&all, n) * n * all.chunk_bytes;

            g_assert_cmpuint(taken, <=, MAX(memory, n * 2 * 4096));
        }
}

typedef struct {
    PumpCrew crew;
    FerryChannel *channel;
    FerryPumpReport report;
    int cancelled;
    unsigned n_shown;
    uint64_t shown_bytes;
} Fixture;

static void
show(void *data, const FerryProgress *rows, size_t n_rows)
{
    Fixture *f = data;

    g_assert_cmpuint(n_rows, ==, 2);
    f->n_shown++;
    f->shown_bytes = rows[1].bytes;
}

static void
set_up(Fixture *f, gconstpointer data)
{
    FerryPumpOptions options = { .memory_bytes = 64 * KIB,
                                 .cancelled = &f->cancelled,
                                 .watch = { .show = show, .data = f } };
    int fds[2];

    (void)data;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    f->channel = ferry_channel_new_fd(fds[0], FERRY_CHANNEL_TWO_WAY, "peer", 1000);
    f->cancelled = 0;
    f->n_shown = 0;
    f->report = (FerryPumpReport){ 0 };
    pump_crew_init(&f->crew, &options, 2, &f->channel, 1, &f->report);
    (void)close(fds[1]);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    pump_crew_clear(&f->crew);
    ferry_pump_report_clear(&f->report);
    ferry_channel_free(f->channel);
}

static void
test_init(Fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(f->crew.n_lanes, ==, 2);
    g_assert_cmpuint(f->crew.n_wires, ==, 1);
    g_assert_true(f->crew.two_way);
    g_assert_cmpuint(f->report.n_devices, ==, 2);
    g_assert_nonnull(f->report.devices);
    g_assert_cmpuint(f->report.memory_bytes, ==, 64 * KIB);
}

/* No more channels than devices are used. */
static void
test_more_channels_than_devices(Fixture *f, gconstpointer data)
{
    FerryChannel *channels[] = { f->channel, f->channel, f->channel };
    g_auto(FerryPumpReport) report = { 0 };
    PumpCrew crew;

    (void)data;
    pump_crew_init(&crew, &(FerryPumpOptions){ 0 }, 2, channels, 3, &report);
    g_assert_cmpuint(crew.n_wires, ==, 2);
    pump_crew_clear(&crew);
}

static void
test_chunks(Fixture *f, gconstpointer data)
{
    FerryQueue free;
    GPtrArray *taken = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_chunk_free);
    FerryChunk *chunk = NULL;

    (void)data;
    ferry_queue_init(&free);
    pump_crew_fill(&f->crew, 1, &free);
    for (unsigned i = 0; i < ferry_pump_chunks_each(&f->crew.options, 2); i++) {
        chunk = pump_crew_take(&f->crew, &free);
        g_assert_nonnull(chunk);
        g_assert_cmpuint(chunk->lane, ==, 1);
        g_assert_cmpuint(chunk->capacity, ==, f->crew.options.chunk_bytes);
        g_ptr_array_add(taken, chunk);
    }
    ferry_queue_close(&free);
    g_assert_null(pump_crew_take(&f->crew, &free));
    g_ptr_array_unref(taken);
    ferry_queue_clear(&free);
}

static void
test_failure_ends_waiting(Fixture *f, gconstpointer data)
{
    FerryQueue free;

    (void)data;
    ferry_queue_init(&free);
    ferry_latch_fail(&f->crew.latch, g_error_new(FERRY_ERROR, FERRY_ERROR_IO, "first"));
    ferry_latch_fail(&f->crew.latch, g_error_new(FERRY_ERROR, FERRY_ERROR_IO, "second"));
    g_assert_null(pump_crew_take(&f->crew, &free));
    g_assert_cmpstr(f->crew.latch.error->message, ==, "first");
    ferry_queue_clear(&free);
}

static void *
leave(void *data)
{
    pump_crew_leave(data, g_error_new(FERRY_ERROR, FERRY_ERROR_IO, "broken"));
    return NULL;
}

static void
test_threads(Fixture *f, gconstpointer data)
{
    pthread_t threads[3];
    int64_t start_us = g_get_monotonic_time();

    (void)data;
    g_assert_cmpuint(pump_crew_wait(&f->crew, 60000), ==, 0); /* nobody to wait for */
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        pump_crew_start(&f->crew, &threads[i], leave, &f->crew);
    while (pump_crew_wait(&f->crew, 10000) > 0)
        g_assert_cmpint(g_get_monotonic_time() - start_us, <, 60 * G_USEC_PER_SEC);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        pump_crew_join(threads[i]);
    g_assert_cmpstr(f->crew.latch.error->message, ==, "broken");
}

static void
test_cancelled(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(pump_crew_check_cancelled(&f->crew, &error));
    f->cancelled = 1;
    g_assert_false(pump_crew_check_cancelled(&f->crew, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED);
    g_assert_cmpstr(error->message, ==, "cancelled; the source's device runs on");
}

static void
fill(const void *half, unsigned lane, FerryProgress *row)
{
    *row = (FerryProgress){ .device = "x",
                            .stage = "loading",
                            .bytes = lane + (unsigned)*(const int *)half };
}

/* About ten times a second, whatever it is called. */
static void
test_progress(Fixture *f, gconstpointer data)
{
    const int base = 41;

    (void)data;
    f->crew.shown_ms = pump_crew_now_ms(&f->crew) - 1000;
    for (unsigned i = 0; i < 5; i++)
        pump_crew_show(&f->crew, fill, &base);
    g_assert_cmpuint(f->n_shown, >=, 1);
    g_assert_cmpuint(f->n_shown, <, 5);
    g_assert_cmpuint(f->shown_bytes, ==, 42);
}

static void
test_doubt(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = g_error_new(FERRY_ERROR, FERRY_ERROR_PEER, "lost");

    (void)data;
    pump_report_doubt(&f->report, error);
    pump_report_doubt(&f->report, error); /* the first reason is freed */
    g_assert_cmpint(f->report.outcome, ==, FERRY_PUMP_IN_DOUBT);
    g_assert_cmpstr(f->report.reasons[0], ==, "lost");
    g_assert_null(f->report.reasons[1]);
}

#define ADD(name, func) g_test_add("/pump-crew/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = g_strdup_printf("/pump-crew/sizes/%s", sizes[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_sizes);
    }
    g_test_add_func("/pump-crew/memory-limit", test_memory_limit);
    ADD("init", test_init);
    ADD("more-channels-than-devices", test_more_channels_than_devices);
    ADD("chunks", test_chunks);
    ADD("failure-ends-waiting", test_failure_ends_waiting);
    ADD("threads", test_threads);
    ADD("cancelled", test_cancelled);
    ADD("progress", test_progress);
    ADD("doubt", test_doubt);
    return g_test_run();
}
