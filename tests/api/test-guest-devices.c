#include "api/guest-devices.h"

#include "../host/tree.h"

#define UUID  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define OTHER "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"

static const char guest[] =
    "<domain type='kvm'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid>"
    "<memory>65536</memory><metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>"
    "<ferry:mdev alias='ua-a' type='mtty-2' parent='mtty' managed='yes'>"
    "<ferry:attr name='n' value='1'/></ferry:mdev>"
    "<ferry:mdev alias='ua-b' type='mtty-1' vendor-id='0x1'/>"
    "<ferry:mdev alias='ua-off' type='mtty-1'/>"
    "<ferry:hybrid alias='ua-n' pool='net-x' vf-alias='ua-v' vf-address='0000:02:00.0'/>"
    "<ferry:hybrid alias='ua-m' pool='net-y' vf-alias='ua-w' vf-address='0000:03:00.0' "
    "on-no-vf='degrade'/><ferry:ephemeral alias='ua-b'/></ferry:guest></metadata><devices>"
    "<hostdev type='mdev' model='vfio-pci'><source><address uuid='" UUID "'/></source>"
    "<alias name='ua-a'/></hostdev>"
    "<hostdev type='mdev' model='vfio-pci'><source><address uuid='" OTHER "'/></source>"
    "<alias name='ua-b'/></hostdev>"
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='net-x'/>"
    "<alias name='ua-n'/><address type='pci' domain='0' bus='1' slot='0' function='0'/></interface>"
    "<interface type='hostdev'><source><address type='pci' domain='0' bus='3' slot='16' "
    "function='2'/></source><alias name='ua-v'/></interface><rng model='virtio'/>"
    "</devices></domain>";

static FerryDomain *
read_guest(void)
{
    FerryDomain *domain = NULL;

    g_assert_true(ferry_domain_parse(guest, &domain, NULL));
    return domain;
}

static void
assert_json(json_t *json, const char *expected)
{
    g_autofree char *text = json_dumps(json, JSON_COMPACT);

    g_assert_cmpstr(text, ==, expected);
    json_decref(json);
}

static void
test_mdevs(void)
{
    g_autoptr(FerryDomain) domain = read_guest();
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;

    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-2", UUID), ==, 0);
    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    assert_json(
        ferry_guest_mdevs_json(domain, inventory),
        "[{\"alias\":\"ua-a\",\"type\":\"mtty-2\",\"pool\":null,\"parent\":\"mtty\",\"managed\":"
        "true,\"uuid\":\"" UUID "\",\"vendor_id\":null,\"product_id\":null,\"made\":true,\"attrs\":"
        "[{\"name\":\"n\",\"value\":\"1\"}]},"
        "{\"alias\":\"ua-b\",\"type\":\"mtty-1\",\"pool\":null,\"parent\":null,\"managed\":false,"
        "\"uuid\":\"" OTHER "\",\"vendor_id\":\"0x1\",\"product_id\":null,\"made\":false,\"attrs\":"
        "[]},"
        "{\"alias\":\"ua-off\",\"type\":\"mtty-1\",\"pool\":null,\"parent\":null,\"managed\":false,"
        "\"uuid\":null,\"vendor_id\":null,\"product_id\":null,\"made\":false,\"attrs\":[]}]");
}

/* What keeps the guest from moving is said at the device that it is about. */
static void
test_devices(void)
{
    g_autoptr(FerryDomain) domain = read_guest();
    json_t *reasons = json_pack("[{s:s}, {s:s, s:s}, {s:s, s:s}]", "message", "no alias", "alias",
                                "ua-v", "message", "why", "alias", "rng", "message", "rng too");
    json_t *devices = ferry_guest_devices_json(domain, reasons);

    g_assert_cmpuint(json_array_size(devices), ==, 5);
    assert_json(json_incref(json_array_get(devices, 1)),
                "{\"alias\":\"ua-b\",\"kind\":\"hostdev\",\"type\":\"mdev\",\"address\":null,"
                "\"ephemeral\":true,\"movable\":true,\"reason\":null}");
    assert_json(json_incref(json_array_get(devices, 3)),
                "{\"alias\":\"ua-v\",\"kind\":\"interface\",\"type\":\"hostdev\",\"address\":null,"
                "\"ephemeral\":false,\"movable\":false,\"reason\":\"why\"}");
    assert_json(json_incref(json_array_get(devices, 4)),
                "{\"alias\":null,\"kind\":\"rng\",\"type\":null,\"address\":null,"
                "\"ephemeral\":false,\"movable\":false,\"reason\":\"rng too\"}");
    json_decref(devices);
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-devices/mdevs", test_mdevs);
    g_test_add_func("/guest-devices/devices", test_devices);
    return g_test_run();
}
