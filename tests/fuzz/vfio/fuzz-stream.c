/* A state file or a peer's frames, loaded into a simulated device: nothing but an error may come of
 * it, and the device runs afterwards. */
#include <unistd.h>

#include "sim/transport.h"
#include "vfio/pump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
accept_all(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error)
{
    (void)data;
    (void)device;
    (void)meta;
    (void)reasons;
    (void)error;
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){ 0 });
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(sim_transport_new(sim, "fuzz"), NULL);
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = NULL;
    g_autoptr(GError) error = NULL;
    int fds[2];

    if (size > 60000 || pipe(fds) != 0) /* what a pipe holds */
        return 0;
    if (write(fds[1], data, size) != (ssize_t)size)
        return 0;
    (void)close(fds[1]);
    channel = ferry_channel_new_fd(fds[0], FERRY_CHANNEL_ONE_WAY, "fuzz", 1000);
    if (!ferry_pump_receive(&device, 1, &channel, 1, accept_all, NULL,
                            &(FerryPumpOptions){ .memory_bytes = 65536 }, &report, &error))
        g_assert_nonnull(error);
    g_assert_cmpint(sim_device_state(sim), ==, FERRY_MIG_STATE_RUNNING);
    return 0;
}
