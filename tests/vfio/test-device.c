#include "vfio/device.h"

#include <errno.h>

#include "base/error.h"
#include "sim/transport.h"
#include "vfio/uapi.h"

static FerryVfioDevice *
open_sim(SimDevice *sim)
{
    FerryVfioDevice *device = ferry_vfio_device_new(sim_transport_new(sim, "sim0"), NULL);

    g_assert_nonnull(device);
    return device;
}

/* Every ordered pair of states for every kind of device: the move succeeds, or is refused without
 * the device being asked, as the machine says. */
static void
test_all_pairs(void)
{
    static const uint64_t all_flags[] = { 1, 3, 5, 7 };

    for (size_t f = 0; f < G_N_ELEMENTS(all_flags); f++)
        for (unsigned from = 1; from < FERRY_MIG_N_STATES; from++)
            for (unsigned to = 1; to < FERRY_MIG_N_STATES; to++) {
                g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){
                    .flags = all_flags[f], .accepts_all = true, .fail = SIM_FAIL_MOVE });
                g_autoptr(FerryVfioDevice) device = open_sim(sim);
                g_autoptr(GError) error = NULL;
                FerryMigState a = (FerryMigState)from;
                FerryMigState b = (FerryMigState)to;

                if (!ferry_mig_state_in_flags(a, all_flags[f]) ||
                    !ferry_mig_state_in_flags(b, all_flags[f]))
                    continue;
                g_assert_true(ferry_vfio_device_move(device, a, NULL));
                bool legal = ferry_mig_path(a, b, all_flags[f]).move != FERRY_MIG_MOVE_REFUSED;
                g_assert_cmpint(ferry_vfio_device_move(device, b, &error), ==, legal);
                g_assert_cmpint(sim_device_state(sim), ==, legal ? b : a);
                g_assert_cmpint(device->state, ==, legal ? b : a);
                if (!legal)
                    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
            }
}

static void
test_refuses_what_flags_lack(void)
{
    g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){ .flags = 1 });
    g_autoptr(FerryVfioDevice) device = open_sim(sim);
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_vfio_device_move(device, FERRY_MIG_STATE_PRE_COPY, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==, "sim0 has no state PRE_COPY: its migration flags are 0x1");
}

static void
test_failed_move_reads_the_state_again(void)
{
    g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){ 0 });
    g_autoptr(FerryVfioDevice) device = open_sim(sim);
    g_autoptr(GError) error = NULL;

    sim_device_set_fail(sim, SIM_FAIL_MOVE, SIM_HOW_ERROR_STATE, EIO, 1);
    g_assert_false(ferry_vfio_device_move(device, FERRY_MIG_STATE_STOP, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(
        error->message, ==,
        "cannot move sim0 from RUNNING to STOP: Input/output error; it is in ERROR now");
    g_assert_cmpint(device->state, ==, FERRY_MIG_STATE_ERROR);
}

/* From ERROR nothing is asked (the kernel would warn); recovery resets. */
static void
test_error_state_needs_a_reset(void)
{
    g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){ 0 });
    g_autoptr(FerryVfioDevice) device = open_sim(sim);
    g_autoptr(GError) error = NULL;

    sim_device_set_fail(sim, SIM_FAIL_MOVE, SIM_HOW_ERROR_STATE, EIO, 1);
    g_assert_false(ferry_vfio_device_move(device, FERRY_MIG_STATE_STOP, NULL));
    g_assert_false(ferry_vfio_device_move(device, FERRY_MIG_STATE_RUNNING, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_true(ferry_vfio_device_recover(device, NULL));
    g_assert_cmpint(sim_device_state(sim), ==, FERRY_MIG_STATE_RUNNING);
}

static void
test_recovers_from_every_state(void)
{
    for (unsigned state = 1; state < FERRY_MIG_N_STATES; state++) {
        g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){ .reset_keeps = state % 2 });
        g_autoptr(FerryVfioDevice) device = open_sim(sim);

        if (state == FERRY_MIG_STATE_RESUMING)
            sim_device_set_fail(sim, SIM_FAIL_NOTHING, SIM_HOW_ERRNO, 0, 0);
        g_assert_true(ferry_vfio_device_move(device, (FerryMigState)state, NULL));
        g_assert_true(ferry_vfio_device_recover(device, NULL));
        g_assert_cmpint(sim_device_state(sim), ==, FERRY_MIG_STATE_RUNNING);
    }
}

static void
test_reset_that_fails_is_said(void)
{
    g_autoptr(SimDevice) sim = sim_device_new(&(SimOptions){ 0 });
    g_autoptr(FerryVfioDevice) device = open_sim(sim);
    g_autoptr(GError) error = NULL;

    sim_device_set_fail(sim, SIM_FAIL_RESET, SIM_HOW_ERRNO, EBUSY, 1);
    g_assert_false(ferry_vfio_device_reset(device, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(error->message, ==, "cannot reset sim0: Device or resource busy");
}

static void
test_size_may_be_unknown(void)
{
    g_autoptr(SimDevice) with = sim_device_new(&(SimOptions){ .state_bytes = 8192 });
    g_autoptr(SimDevice) without = sim_device_new(&(SimOptions){ .no_info = true });
    g_autoptr(FerryVfioDevice) knows = open_sim(with);
    g_autoptr(FerryVfioDevice) does_not = open_sim(without);
    FerrySize size = { 0 };

    g_assert_true(ferry_vfio_device_data_size(knows, &size, NULL));
    g_assert_true(size.known);
    g_assert_cmpuint(size.bytes, >, 8192);
    g_assert_true(ferry_vfio_device_data_size(does_not, &size, NULL));
    g_assert_false(size.known);
}

/* A device of plain vfio-pci: opened without error, and every move says why not. */
static bool
no_migration(void *data, FerryFeatureCall *call, GError **error)
{
    (void)data;
    (void)error;
    call->code = ENOTTY;
    return true;
}

static void
free_nothing(void *data)
{
    (void)data;
}

static void
test_plain_device_cannot_migrate(void)
{
    static const FerryTransportOps ops = { .feature = no_migration, .free = free_nothing };
    FerryTransport *transport = g_new0(FerryTransport, 1);
    g_autoptr(FerryVfioDevice) device = NULL;
    g_autoptr(GError) error = NULL;

    transport->ops = &ops;
    transport->name = g_strdup("0000:01:10.0");
    device = ferry_vfio_device_new(transport, NULL);
    g_assert_cmpuint(device->flags, ==, 0);
    g_assert_false(ferry_vfio_device_move(device, FERRY_MIG_STATE_STOP, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "0000:01:10.0 cannot migrate: its driver has no "
                                            "migration feature (Inappropriate ioctl"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device/all-pairs", test_all_pairs);
    g_test_add_func("/device/refuses-what-flags-lack", test_refuses_what_flags_lack);
    g_test_add_func("/device/failed-move-reads-the-state-again",
                    test_failed_move_reads_the_state_again);
    g_test_add_func("/device/error-state-needs-a-reset", test_error_state_needs_a_reset);
    g_test_add_func("/device/recovers-from-every-state", test_recovers_from_every_state);
    g_test_add_func("/device/reset-that-fails-is-said", test_reset_that_fails_is_said);
    g_test_add_func("/device/size-may-be-unknown", test_size_may_be_unknown);
    g_test_add_func("/device/plain-device-cannot-migrate", test_plain_device_cannot_migrate);
    return g_test_run();
}
