#include "host/json.h"

#include "base/error.h"
#include "tree.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

static char *
dump(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    char *copy = g_strdup(text);

    free(text);
    return copy;
}

static void
test_devices(void)
{
    static const struct {
        const char *name;
        const char *expected;
    } rows[] = {
        { "0000:03:00.0",
          "{\"autoprobe\":true,\"bus\":\"pci\",\"device_id\":\"808610c9\",\"driver\":\"igb\","
          "\"iommu_group\":0,\"link\":\"up\",\"n_vfs\":1,\"name\":\"0000:03:00.0\",\"netdev\":"
          "\"eth3\",\"path\":\"devices/pci0000:00/0000:00:01.0/0000:03:00.0\",\"roles\":[\"pf\"],"
          "\"total_vfs\":7,\"vfs\":[\"0000:03:10.0\"]}" },
        { "0000:03:10.0",
          "{\"bus\":\"pci\",\"device_id\":\"808610ca\",\"iommu_group\":1,\"name\":\"0000:03:10.0\","
          "\"path\":\"devices/pci0000:00/0000:00:01.0/0000:03:10.0\",\"pf\":\"0000:03:00.0\","
          "\"roles\":[\"vf\"],\"vf_index\":0}" },
        { "mtty",
          "{\"bus\":\"virtual\",\"capacity\":\"one_of\",\"driver\":\"mtty\",\"name\":\"mtty\","
          "\"path\":\"devices/virtual/mtty/mtty\",\"roles\":[\"parent\"],\"types\":[{\"available\":"
          "23,\"description\":\"ports=1, rate=1\",\"device_api\":\"vfio-pci\",\"name\":\"1 "
          "ports\",\"type\":\"mtty-1\"}]}" },
        { UUID,
          "{\"bus\":\"mdev\",\"cdev\":\"vfio2\",\"driver\":\"vfio_mdev\",\"iommu_group\":3,"
          "\"name\":\"" UUID "\",\"parent\":\"mtty\",\"path\":\"devices/virtual/mtty/mtty/" UUID
          "\",\"roles\":[\"mdev\"],\"type\":\"mtty-1\"}" },
    };
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;

    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 1);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(json_t) json =
            ferry_host_json(ferry_inventory_find(inventory, rows[i].name), NULL);
        g_autofree char *text = dump(json);

        g_assert_cmpstr(text, ==, rows[i].expected);
    }
}

static void
test_user(void)
{
    g_autoptr(FerryHostDevice) device = ferry_host_device_new("x", "pci");
    const FerryUser user = { 7, (char *)"qemu", (char *)"g1" };
    g_autoptr(json_t) json = ferry_host_json(device, &user);

    g_assert_cmpstr(json_string_value(json_object_get(json, "used_by")), ==,
                    "process 7 (qemu, guest g1)");
}

static void
test_vf_round_trip(void)
{
    static const FerryVfSettings settings = { .known = FERRY_VF_ALL,
                                              .mac = { 0x52, 0x54, 0, 0xab, 0x0a, 1 },
                                              .vlan = 4095,
                                              .vlan_priority = 7,
                                              .vlan_protocol = 0x88a8,
                                              .spoof_check = true,
                                              .link_state = 2,
                                              .min_rate_mbps = 1,
                                              .max_rate_mbps = G_MAXUINT32,
                                              .rss_query = true };
    FerryVfSettings again = { 0 };
    FerryVfSettings none = { 0 };

    for (unsigned known = 0; known <= FERRY_VF_ALL; known++) {
        FerryVfSettings some = settings;
        g_autoptr(json_t) json = NULL;

        some.known = known;
        json = ferry_vf_json(&some);
        g_assert_true(ferry_vf_from_json(json, &again, NULL));
        g_assert_cmpuint(again.known, ==, known);
        g_assert_cmpint(ferry_vf_compare(&some, &again), ==, 0);
    }
    g_assert_cmpint(ferry_vf_compare(&none, &again), ==, 0);
}

static void
test_vf_refuses(void)
{
    static const struct {
        const char *json;
        const char *key;
    } rows[] = {
        { "[]", "(all of it)" },
        { "{\"mac\": 5}", "mac" },
        { "{\"mac\": \"52:54:00:00:0a\"}", "mac" },
        { "{\"mac\": \"52:54:00:00:0a:0g\"}", "mac" },
        { "{\"mac\": \"52:54:00:00:0a:011\"}", "mac" },
        { "{\"vlan\": 4096}", "vlan" },
        { "{\"vlan\": -1}", "vlan" },
        { "{\"trust\": true}", "trust" },
        { "{\"link_state\": 3}", "link_state" },
        { "{\"max_rate_mbps\": 4294967296}", "max_rate_mbps" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(json_t) json = json_loads(rows[i].json, 0, NULL);
        FerryVfSettings settings = { .vlan = 9 };
        g_autofree char *message =
            g_strdup_printf("saved VF settings: \"%s\" is not what it should be", rows[i].key);
        g_autoptr(GError) error = NULL;

        g_assert_nonnull(json);
        g_assert_false(ferry_vf_from_json(json, &settings, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
        g_assert_cmpstr(error->message, ==, message);
        g_assert_cmpuint(settings.vlan, ==, 9);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/devices", test_devices);
    g_test_add_func("/json/user", test_user);
    g_test_add_func("/json/vf-round-trip", test_vf_round_trip);
    g_test_add_func("/json/vf-refuses", test_vf_refuses);
    return g_test_run();
}
