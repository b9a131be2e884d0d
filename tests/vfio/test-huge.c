/* M9: a state of 64 GiB passes through a pump of 16 MiB at each end; the process, which is both
 * ends, does not grow by more. */
#include <sys/resource.h>

#include "pump-pair.h"

#define STATE_BYTES (64ull << 30)

/* The chunks, threads' stacks and the rest; sanitizers keep books of several times that. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GROWTH_KIB (400 * 1024)
#endif
#endif
#ifndef GROWTH_KIB
#define GROWTH_KIB (40 * 1024)
#endif

static int64_t
max_rss_kib(void)
{
    struct rusage usage = { 0 };

    g_assert_cmpint(getrusage(RUSAGE_SELF, &usage), ==, 0);
    return usage.ru_maxrss;
}

static void
test_memory_bound(void)
{
    static const SimOptions options = { .state_bytes = STATE_BYTES,
                                        .page_bytes = 1 << 20,
                                        .opaque = true };
    PumpPair pair;

    pump_pair_init(&pair, &options, 1, 1);
    pair.options.precopy_ms = 600000;
    int64_t before = max_rss_kib();
    pump_pair_run(&pair);
    g_assert_no_error(pair.send_error);
    g_assert_no_error(pair.receive_error);
    g_assert_cmpint(sim_device_state(pair.b_sims[0]), ==, FERRY_MIG_STATE_RUNNING);
    g_assert_cmpuint(pair.received.devices[0].stop_bytes, >=, STATE_BYTES);
    g_test_message("%" G_GINT64_FORMAT " ms, grew by %" G_GINT64_FORMAT " KiB", pair.sent.total_ms,
                   max_rss_kib() - before);
    g_assert_cmpuint(pair.sent.devices[0].precopy_bytes + pair.sent.devices[0].stop_bytes, >=,
                     STATE_BYTES);
    g_assert_cmpuint(pair.sent.memory_bytes, <=, 16 << 20);
    g_assert_cmpint(max_rss_kib() - before, <=, GROWTH_KIB);
    pump_pair_clear(&pair);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/huge/memory-bound", test_memory_bound);
    return g_test_run();
}
