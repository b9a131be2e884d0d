#include "guest/device.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "guest/act.h"
#include "guest/look.h"

/* libvirt's test driver plugs only some kinds of devices, and takes them off at once; a guest that
 * is asked, and may refuse, is in tests/pair. */
#define NOBODY "00000000-0000-4000-8000-000000000001"
#define GUEST  "6f1d2c1e-7d3b-4a57-8a44-000000000002"
#define DISK                                                                                       \
    "<disk type='file' device='disk'><source file='/d'/><target dev='vdb' bus='virtio'/><alias "   \
    "name='ua-disk1'/></disk>"
#define DOMAIN                                                                                     \
    "<domain type='test'><name>g</name><uuid>" GUEST                                               \
    "</uuid><memory>65536</memory><os><type>hvm</type></os><devices>"                              \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='6' "      \
    "slot='0' function='0'/></source><alias name='ua-card0'/></hostdev>"                           \
    "</devices></domain>"

static FerryGuests *
start_guest(void)
{
    FerryGuests *guests = ferry_guests_new("test:///default");

    g_assert_true(ferry_guests_define(guests, DOMAIN, NULL));
    g_assert_true(ferry_guests_start(guests, GUEST, NULL));
    return guests;
}

static void
test_detach(void)
{
    g_autoptr(FerryGuests) guests = start_guest();
    g_autofree char *reason = NULL;
    FerryDetach answer = FERRY_DETACH_REFUSED;

    g_assert_true(ferry_guests_detach_ask(guests, GUEST, "ua-card0", &answer, &reason, NULL));
    g_assert_cmpint(answer, ==, FERRY_DETACH_ASKED);
    g_assert_null(reason);
    g_assert_true(ferry_guests_detach_ask(guests, GUEST, "ua-card0", &answer, &reason, NULL));
    g_assert_cmpint(answer, ==, FERRY_DETACH_ABSENT);
}

static void
test_attach(void)
{
    g_autoptr(FerryGuests) guests = start_guest();
    g_autofree char *xml = NULL;

    g_assert_true(ferry_guests_attach(guests, GUEST, "ua-disk1", DISK, FERRY_DEVICE_LIVE, NULL));
    g_assert_true(ferry_guests_xml(guests, GUEST, FERRY_GUESTS_XML_LIVE, &xml, NULL));
    g_assert_nonnull(strstr(xml, "ua-disk1"));
    /* There already: libvirt is not even asked, or it would refuse this. */
    g_assert_true(
        ferry_guests_attach(guests, GUEST, "ua-disk1", "garbage", FERRY_DEVICE_LIVE, NULL));
}

static void
test_attach_refused(void)
{
    static const char nic[] = "<interface type='user'><alias name='ua-nic7'/></interface>";
    g_autoptr(FerryGuests) guests = start_guest();
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_guests_attach(guests, GUEST, "ua-nic7", nic, FERRY_DEVICE_LIVE, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_true(
        g_str_has_prefix(error->message, "cannot attach device ua-nic7 to guest " GUEST ": "));
}

/* clang-format off */
static const struct {
    int code;
    const char *words;
    int answer; /* -1: none */
} refusals[] = {
    { VIR_ERR_INTERNAL_ERROR, "internal error: unable to execute QEMU command 'device_del': Bus 'pcie.0' does not support hotplugging", FERRY_DETACH_REFUSED },
    { VIR_ERR_INTERNAL_ERROR, "internal error: unable to execute QEMU command 'device_del': Device ua-nic7 is already in the process of unplug", FERRY_DETACH_ASKED },
    { VIR_ERR_INTERNAL_ERROR, "internal error: unable to execute QEMU command 'device_del': Hot-unplug failed: guest is busy (power indicator blinking)", FERRY_DETACH_ASKED },
    { VIR_ERR_OPERATION_UNSUPPORTED, "Operation not supported: 'pci' controller cannot be hot unplugged.", FERRY_DETACH_REFUSED },
    { VIR_ERR_DEVICE_MISSING, "device not found", FERRY_DETACH_ABSENT },
    { VIR_ERR_OPERATION_INVALID, "Requested operation is not valid: domain is not running", FERRY_DETACH_REFUSED },
    { VIR_ERR_OPERATION_TIMEOUT, "Timed out during operation: cannot acquire state change lock", -1 },
    { VIR_ERR_RPC, "client socket is closed", -1 },
    { VIR_ERR_SYSTEM_ERROR, "Cannot write data: Broken pipe", -1 },
};
/* clang-format on */

static void
test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        FerryDetach answer = FERRY_DETACH_ASKED;

        g_test_message("%s", refusals[i].words);
        g_assert_cmpint(ferry_device_judge_refusal(refusals[i].code, refusals[i].words, &answer),
                        ==, refusals[i].answer >= 0);
        g_assert_cmpint((int)answer, ==, MAX(refusals[i].answer, 0));
    }
}

static void
test_nobody(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    FerryDetach answer = FERRY_DETACH_REFUSED;
    g_autofree char *reason = NULL;
    g_autoptr(GError) of_attach = NULL;
    g_autoptr(GError) of_detach = NULL;

    g_assert_false(
        ferry_guests_attach(guests, NOBODY, "ua-disk1", DISK, FERRY_DEVICE_CONFIG, &of_attach));
    g_assert_error(of_attach, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_false(
        ferry_guests_detach_ask(guests, NOBODY, "ua-disk1", &answer, &reason, &of_detach));
    g_assert_error(of_detach, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpint(answer, ==, FERRY_DETACH_REFUSED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device/detach", test_detach);
    g_test_add_func("/device/attach", test_attach);
    g_test_add_func("/device/attach-refused", test_attach_refused);
    g_test_add_func("/device/refusals", test_refusals);
    g_test_add_func("/device/nobody", test_nobody);
    return g_test_run();
}
