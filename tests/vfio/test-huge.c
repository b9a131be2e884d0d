/* M9: a state of 64 GiB passes through a pump of 16 MiB; the process does not grow by more. */
#include <fcntl.h>
#include <sys/resource.h>

#include "sim/transport.h"
#include "vfio/pump.h"

#define STATE_BYTES (64ull << 30)

/* The chunks, threads' stacks and the rest; sanitizers keep books of several times that. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GROWTH_KIB (400 * 1024)
#endif
#endif
#ifndef GROWTH_KIB
#define GROWTH_KIB (24 * 1024)
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
    g_autoptr(SimDevice) sim = sim_device_new(&options);
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(sim_transport_new(sim, "huge"), NULL);
    g_autoptr(FerryChannel) channel = ferry_channel_new_fd(open("/dev/null", O_WRONLY | O_CLOEXEC),
                                                           FERRY_CHANNEL_ONE_WAY, "nothing", 30000);
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(GError) error = NULL;
    const char *meta = "{}";
    int64_t before = max_rss_kib();

    (void)ferry_pump_send(&device, &meta, 1, &channel, 1,
                          &(FerryPumpOptions){ .precopy_ms = 600000 }, &report, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(report.devices[0].precopy_bytes + report.devices[0].stop_bytes, >=,
                     STATE_BYTES);
    g_assert_cmpuint(report.memory_bytes, <=, 16 << 20);
    g_assert_cmpint(max_rss_kib() - before, <=, GROWTH_KIB);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/huge/memory-bound", test_memory_bound);
    return g_test_run();
}
