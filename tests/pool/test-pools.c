#include "pool/pools.h"

#include <string.h>

#include "base/error.h"
#include "store/pools.h"
#include "world.h"

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"

/* ---- define ---- */

static void
test_members_must_be_there(void)
{
    static const struct {
        const char *json;
        FerryErrorCode code;
        const char *message;
    } rows[] = {
        { "{\"name\": \"x\", \"pfs\": [\"eth3\", \"eth9\"]}", FERRY_ERROR_NOT_FOUND,
          "pool x: there is no eth9 on this host: \"ferry pf list\" shows the PFs, \"ferry device "
          "list\" their VFs" },
        { "{\"name\": \"x\", \"pfs\": [\"0000:03:10.0\"]}", FERRY_ERROR_NOT_FOUND,
          "pool x: there is no 0000:03:10.0 on this host: \"ferry pf list\" shows the PFs, "
          "\"ferry device list\" their VFs" },
        { "{\"name\": \"x\", \"addresses\": [\"0000:03:00.0\"]}", FERRY_ERROR_NOT_FOUND,
          "pool x: there is no 0000:03:00.0 on this host: \"ferry pf list\" shows the PFs, "
          "\"ferry device list\" their VFs" },
        { "{\"name\": \"x\", \"parents\": [\"mdpy\"], \"types\": [\"t\"]}", FERRY_ERROR_NOT_FOUND,
          "pool x: there is no mdpy on this host: \"ferry mdev types\" shows the parents of "
          "mediated devices" },
        { "{\"name\": \"x\", \"parents\": [\"0000:03:10.0\"], \"types\": [\"1145\"]}",
          FERRY_ERROR_INVALID,
          "pool x: 0000:03:10.0 takes a vGPU type itself and is a VF to its guest, no mediated "
          "device: define a pool of VFs (\"--pf 0000:03:00.0\"), and give each VF its type with "
          "\"ferry mdev create\"" },
        { "{\"name\": \"x\", \"pfs\": [\"eth3\", \"0000:03:00.0\"]}", FERRY_ERROR_INVALID,
          "pool x: 0000:03:00.0 is 0000:03:00.0, which is a member already: take one out" },
        { "{\"name\": \"x\", \"parents\": [\"mtty\", \"mtty_mtty\"], \"types\": [\"t\"]}",
          FERRY_ERROR_INVALID,
          "pool x: mtty_mtty is mtty, which is a member already: take one out" },
        { "{\"name\": \"taken\", \"pfs\": [\"eth4\"]}", FERRY_ERROR_EXISTS,
          "cannot define pool taken: there is one of that name. Undefine it first (\"ferry pool "
          "undefine taken\"), or choose another name." },
    };
    g_autoptr(World) world = world_new_two_ports();
    g_autoptr(GPtrArray) pools = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    tree_bind(world->tree, "0000:03:10.0", "nvidia");
    tree_file(world->tree, "sys/bus/pci/devices/0000:03:10.0/nvidia/creatable_vgpu_types", "");
    world_define(world, "{\"name\": \"taken\", \"pfs\": [\"eth4\"]}");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        g_autoptr(FerryPool) pool = NULL;
        json_t *reasons = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(ferry_pool_from_json(json, &pool, NULL));
        g_assert_false(ferry_pools_define(world->pools, pool, &reasons, &error));
        g_assert_error(error, FERRY_ERROR, (int)rows[i].code);
        g_assert_cmpstr(error->message, ==, rows[i].message);
        g_assert_null(reasons);
        json_decref(json);
    }
    g_assert_true(ferry_pools_list(world->pools, &pools, NULL));
    g_assert_cmpuint(pools->len, ==, 1);
}

static void
test_vf_in_two_pools(void)
{
    static const struct {
        const char *json, *refused;
    } rows[] = {
        { "{\"name\": \"y\", \"pfs\": [\"0000:03:00.0\"]}",
          "vf-in-two-pools: 0000:03:00.0 and more belongs to pool one already" },
        { "{\"name\": \"y\", \"addresses\": [\"0000:03:10.1\", \"0000:03:10.2\"]}",
          "vf-in-two-pools: 0000:03:00.0/vf1 belongs to pool one already" },
        { "{\"name\": \"y\", \"pfs\": [\"eth4\"]}",
          "vf-in-two-pools: 0000:03:00.1/vf3 belongs to pool some already" },
        { "{\"name\": \"y\", \"addresses\": [\"0000:03:10.7\"]}",
          "vf-in-two-pools: 0000:03:00.1/vf3 belongs to pool some already" },
        { "{\"name\": \"y\", \"addresses\": [\"0000:03:10.1\", \"0000:03:10.3\"]}", NULL },
    };
    g_autoptr(World) world = world_new_two_ports();

    world_define(world, "{\"name\": \"one\", \"pfs\": [\"eth3\"]}");
    world_define(world, "{\"name\": \"some\", \"addresses\": [\"0000:03:10.7\"]}");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *refused = world_refused_define(world, rows[i].json);

        g_assert_cmpstr(refused, ==, rows[i].refused);
    }
}

/* A PF without VFs yet can be in one pool only, all the same. */
static void
test_pf_without_vfs(void)
{
    g_autoptr(World) world = world_new();
    g_autofree char *refused = NULL;

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 0);
    world_define(world, "{\"name\": \"one\", \"pfs\": [\"eth3\"]}");
    refused = world_refused_define(world, "{\"name\": \"two\", \"pfs\": [\"0000:03:00.0\"]}");
    g_assert_cmpstr(refused, ==, "vf-in-two-pools: 0000:03:00.0 belongs to pool one already");
}

static void
test_parents_may_be_shared(void)
{
    g_autoptr(World) world = world_new();

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    world_define(world, "{\"name\": \"a\", \"parents\": [\"mtty\"], \"types\": [\"mtty-1\"]}");
    world_define(world, "{\"name\": \"b\", \"parents\": [\"mtty\"], \"types\": [\"mtty-2\"]}");
}

/* ---- find, list, undefine ---- */

static void
test_find_after_restart(void)
{
    g_autoptr(World) world = world_new_two_ports();
    g_autoptr(FerryPool) found = NULL;
    FerryPool *none = (FerryPool *)world; /* to see that it is set */
    g_autoptr(GPtrArray) pools = NULL;

    world_define(world, NET_X);
    world_reopen(world);
    g_assert_true(ferry_pools_find(world->pools, "net-x", &found, NULL));
    g_assert_cmpstr(g_ptr_array_index(found->pfs, 1), ==, "eth4");
    g_assert_true(ferry_pools_find(world->pools, "net-y", &none, NULL));
    g_assert_null(none);
    g_assert_true(ferry_pools_list(world->pools, &pools, NULL));
    g_assert_cmpuint(pools->len, ==, 1);
}

static void
test_undefine(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;
    json_t *reasons = NULL;
    const char *code = NULL;
    const char *message = NULL;
    g_autoptr(GError) error = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    g_assert_true(ferry_pools_undefine(world->pools, "net-x", &reasons, NULL));
    g_assert_cmpint(json_unpack(reasons, "[{s:s, s:s}]", "code", &code, "message", &message), ==,
                    0);
    g_assert_cmpstr(code, ==, "pool-in-use");
    g_assert_cmpstr(message, ==, "pool net-x is used by guest web (ua-net0)");
    json_decref(reasons);
    world_release(world, claim->generation);
    g_assert_true(ferry_pools_undefine(world->pools, "net-x", &reasons, NULL));
    g_assert_null(reasons);
    g_assert_false(ferry_pools_undefine(world->pools, "net-x", &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

static void
test_view_of_none(void)
{
    g_autoptr(World) world = world_new();
    FerryPoolView *view = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_pools_view(world->pools, "net-x", &view, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "there is no pool net-x: \"ferry pool list\" shows those there are");
    g_assert_null(view);
}

static void
test_damaged_definition(void)
{
    g_autoptr(World) world = world_new();
    const FerryPoolRow row = { (char *)"bad", (char *)"{\"name\":7}", 1 };
    FerryPool *pool = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_store_pool_add(world->store, &row, NULL));
    g_assert_false(ferry_pools_find(world->pools, "bad", &pool, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
    g_assert_cmpstr(error->message, ==,
                    "cannot read the stored pool bad: field \"name\" is not a text, or is empty. "
                    "Undefine it and define it anew.");
}

/* D7: 8 VFs, 6 in use by us and by others: after a restart capacity and use are the same. */
static void
test_restart_shrinks_nothing(void)
{
    g_autoptr(World) world = world_new();
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 8, 8);
    world_define(world, "{\"name\": \"eight\", \"pfs\": [\"eth3\"]}");
    for (unsigned i = 0; i < 5; i++) {
        g_autofree char *guest = g_strdup_printf("guest-%u", i);
        const FerryNeed need = NEED_VF(guest, "eight");
        g_autoptr(FerryClaimRow) claim = world_claim(world, &need);
        g_autofree char *vf = g_strdup_printf("0000:03:1%u.%u", i / 4, i % 4 * 2);

        world_prepare(world, claim->generation);
        tree_bind(world->tree, vf, "vfio-pci");
        world_open(world, 100 + i, guest, vf);
        g_assert_true(ferry_pools_keep(world->pools, claim->generation, NULL));
    }
    tree_bind(world->tree, "0000:03:11.4", "vfio-pci");
    world_open(world, 200, "foreign", "0000:03:11.4");
    before = world_view(world, "eight");
    g_assert_cmpstr(before, ==, "eth3 6/8");
    world_reopen(world);
    after = world_view(world, "eight");
    g_assert_cmpstr(after, ==, before);
}

/* ---- the device behind a claim ---- */

static void
test_device(void)
{
    g_autoptr(World) world = world_new_two_ports();
    g_autoptr(FerryInventory) inventory = world_inventory(world);
    static const struct {
        const char *slot, *device;
    } rows[] = {
        { "0000:03:00.1/vf2", "0000:03:10.5" },
        { "0000:03:00.1/vf7", NULL },
        { "0000:03:00.2/vf0", NULL },
        { "0000:03:10.0/vf0", NULL },
        { "mtty/mtty-1", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryClaimRow claim = { .slot = (char *)rows[i].slot, .device = (char *)"" };
        const FerryHostDevice *device = ferry_pools_device(inventory, &claim);

        g_assert_cmpstr(device != NULL ? device->name : NULL, ==, rows[i].device);
    }
}

static void
test_device_of_mdev(void)
{
    static const char uuid[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    g_autoptr(World) world = world_new();
    const FerryClaimRow claim = { .slot = (char *)"mtty/mtty-1", .device = (char *)uuid };
    g_autoptr(FerryInventory) inventory = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    g_assert_cmpint(tree_mdev(world->tree, "virtual/mtty/mtty", "mtty-1", uuid), ==, 0);
    inventory = world_inventory(world);
    g_assert_cmpstr(ferry_pools_device(inventory, &claim)->name, ==, uuid);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pools/members-must-be-there", test_members_must_be_there);
    g_test_add_func("/pools/vf-in-two-pools", test_vf_in_two_pools);
    g_test_add_func("/pools/pf-without-vfs", test_pf_without_vfs);
    g_test_add_func("/pools/parents-may-be-shared", test_parents_may_be_shared);
    g_test_add_func("/pools/find-after-restart", test_find_after_restart);
    g_test_add_func("/pools/undefine", test_undefine);
    g_test_add_func("/pools/view-of-none", test_view_of_none);
    g_test_add_func("/pools/damaged-definition", test_damaged_definition);
    g_test_add_func("/pools/restart-shrinks-nothing", test_restart_shrinks_nothing);
    g_test_add_func("/pools/device", test_device);
    g_test_add_func("/pools/device-of-mdev", test_device_of_mdev);
    return g_test_run();
}
