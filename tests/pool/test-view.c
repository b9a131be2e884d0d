#include "pool/view.h"

#include <string.h>

#include "world.h"

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"
#define PORTS "{\"name\": \"ports\", \"parents\": [\"mtty\"], \"types\": [\"mtty-1\", \"mtty-2\"]}"

/* "free", or "STATE DEVICE: WHO" */
static char *
describe_slot(World *world, const char *pool, const char *id)
{
    g_autoptr(FerryPoolView) view = NULL;
    const FerrySlot *slot = NULL;

    g_assert_true(ferry_pools_view(world->pools, pool, &view, NULL));
    slot = ferry_pool_view_slot(view, id);
    if (slot == NULL)
        return g_strdup("none");
    return g_strdup_printf("%s %s: %s", ferry_slot_state_name(slot->state),
                           slot->device != NULL ? slot->device : "-",
                           slot->who != NULL ? slot->who : "-");
}

static void
assert_slot(World *world, const char *pool, const char *id, const char *expected)
{
    g_autofree char *slot = describe_slot(world, pool, id);

    g_assert_cmpstr(slot, ==, expected);
}

static void
assert_view(World *world, const char *pool, const char *expected)
{
    g_autofree char *view = world_view(world, pool);

    g_assert_cmpstr(view, ==, expected);
}

/* Somebody else's, of each kind; P1's numbers count them. */
static void
test_foreign_vfs(void)
{
    g_autoptr(World) world = world_new_two_ports();

    world_define(world, NET_X);
    tree_bind(world->tree, "0000:03:10.0", "vfio-pci");
    world_open(world, 47, "other", "0000:03:10.0");
    tree_bind(world->tree, "0000:03:10.2", "igbvf");
    tree_bind(world->tree, "0000:03:10.4", "igbvf");
    tree_bind(world->tree, "0000:03:10.6", "igbvf");
    tree_file(world->tree, "sys/bus/pci/devices/0000:03:10.2/net/eth5/operstate", "up");
    tree_file(world->tree, "sys/bus/pci/devices/0000:03:10.4/net/eth6/operstate", "down");
    tree_file(world->tree, "sys/bus/pci/devices/0000:03:10.4/net/eth6/flags", "0x1003");
    tree_file(world->tree, "sys/bus/pci/devices/0000:03:10.6/net/eth7/operstate", "down");
    tree_file(world->tree, "sys/bus/pci/devices/0000:03:10.6/net/eth7/flags", "0x1002");
    tree_file(world->tree, "run/libvirt/hostdevmgr/eth3_vf4", "{}");
    tree_bind(world->tree, "0000:03:11.2", "igbvf");
    tree_bind(world->tree, "0000:03:11.4", "vfio-pci");
    assert_slot(world, "net-x", "0000:03:00.0/vf0",
                "foreign 0000:03:10.0: process 47 (qemu-system-x86, guest other)");
    assert_slot(world, "net-x", "0000:03:00.0/vf1",
                "foreign 0000:03:10.2: the host itself as eth5");
    assert_slot(world, "net-x", "0000:03:00.0/vf2",
                "foreign 0000:03:10.4: the host itself as eth6");
    assert_slot(world, "net-x", "0000:03:00.0/vf3", "free 0000:03:10.6: -");
    assert_slot(world, "net-x", "0000:03:00.0/vf4",
                "foreign 0000:03:11.0: a guest that libvirt gave it to "
                "(/run/libvirt/hostdevmgr/eth3_vf4)");
    assert_slot(world, "net-x", "0000:03:00.0/vf5",
                "foreign 0000:03:11.2: driver igbvf, with its netdev in a container");
    assert_slot(world, "net-x", "0000:03:00.0/vf6", "free 0000:03:11.4: -");
    assert_view(world, "net-x", "eth3 5/7, eth4 0/7");
}

/* Nobody can have a VF open through VFIO that is not under it: then no process is looked at. */
static void
test_no_look_at_processes(void)
{
    g_autoptr(World) world = world_new_two_ports();

    world_define(world, NET_X);
    world_open(world, 47, "other", "0000:03:10.0");
    assert_slot(world, "net-x", "0000:03:00.0/vf0", "free 0000:03:10.0: -");
    tree_bind(world->tree, "0000:03:10.0", "vfio-pci");
    assert_slot(world, "net-x", "0000:03:00.0/vf0",
                "foreign 0000:03:10.0: process 47 (qemu-system-x86, guest other)");
}

/* A claimed VF is its guest's, whatever it looks like from outside. */
static void
test_claimed_vf(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    world_open(world, 47, "web", "0000:03:10.0");
    tree_file(world->tree, "run/libvirt/hostdevmgr/eth3_vf0", "{}");
    assert_slot(world, "net-x", claim->slot, "claimed 0000:03:10.0: guest web (ua-net0)");
    assert_view(world, "net-x", "eth3 1/7, eth4 0/7");
}

/* What is claimed and not there counts neither as used nor as there. */
static void
test_gone_vf(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = NEED_VF("web", "one");
    g_autoptr(FerryClaimRow) claim = NULL;

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 1);
    world_define(world, "{\"name\": \"one\", \"pfs\": [\"eth3\"]}");
    claim = world_claim(world, &need);
    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 0);
    assert_slot(world, "one", claim->slot, "gone -: guest web (ua-net0)");
    assert_view(world, "one", "eth3 0/0");
    tree_remove(world->tree, "sys/bus/pci/devices/0000:03:00.0");
    assert_slot(world, "one", claim->slot, "none");
}

/* D5: a claim is on PF and index; the VF's address and group may be others after a boot. */
static void
test_other_addresses_after_a_boot(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    tree_link(world->tree, "sys/bus/pci/devices/0000:03:00.0/virtfn0", "../0000:03:10.2");
    tree_link(world->tree, "sys/bus/pci/devices/0000:03:00.0/virtfn1", "../0000:03:10.0");
    world_reopen(world);
    assert_slot(world, "net-x", claim->slot, "claimed 0000:03:10.2: guest web (ua-net0)");
    assert_slot(world, "net-x", "0000:03:00.0/vf1", "free 0000:03:10.0: -");
}

static void
test_address_list(void)
{
    g_autoptr(World) world = world_new_two_ports();

    world_define(world, "{\"name\": \"list\", \"addresses\": [\"0000:03:10.2\", \"0000:03:10.1\","
                        "\"0000:03:10.0\"]}");
    assert_view(world, "list", "eth3 0/2, eth4 0/1");
    assert_slot(world, "list", "0000:03:00.1/vf0", "free 0000:03:10.1: -");
    assert_slot(world, "list", "0000:03:00.1/vf1", "none");
    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 1);
    assert_view(world, "list", "0000:03:10.2 0/0, eth4 0/1, eth3 0/1");
}

/* P8: a driver that does not tell is not without link. */
static void
test_links(void)
{
    static const struct {
        const char *state;
        unsigned n_without;
    } rows[] = { { "up", 0 }, { "unknown", 0 }, { "down", 7 }, { "lowerlayerdown", 7 } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(World) world = world_new_two_ports();
        g_autoptr(FerryPoolView) view = NULL;
        g_autofree char *degraded = NULL;

        world_define(world, NET_X);
        world_set_link(world, "0000:03:00.1", "eth4", rows[i].state);
        g_assert_true(ferry_pools_view(world->pools, "net-x", &view, NULL));
        g_assert_cmpuint(view->n_without_link, ==, rows[i].n_without);
        degraded = ferry_pool_view_degraded(view);
        g_assert_cmpstr(degraded, ==,
                        rows[i].n_without > 0 ? "degraded: 7 of 14 on a PF without link" : NULL);
    }
}

/* ---- parents: what is claimed and not made yet is taken off, each type by its share ---- */

static void
test_types_are_alternatives(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed one = NEED_MDEV("a", "mtty", "mtty-1");
    const FerryNeed two = NEED_MDEV("b", "mtty", "mtty-2");
    g_autoptr(FerryClaimRow) first = NULL;
    g_autoptr(FerryClaimRow) second = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 3);
    world_define(world, PORTS);
    assert_view(world, "ports", "mtty 0/0: mtty-1 24 or mtty-2 12 or mtty-3 8");
    first = world_claim(world, &one);
    assert_view(world, "ports", "mtty 1/0: mtty-1 23 or mtty-2 11 or mtty-3 7");
    world_prepare(world, first->generation);
    assert_view(world, "ports", "mtty 1/0: mtty-1 23 or mtty-2 11 or mtty-3 7");
    second = world_claim(world, &two);
    assert_view(world, "ports", "mtty 2/0: mtty-1 21 or mtty-2 10 or mtty-3 7");
    world_prepare(world, second->generation);
    assert_view(world, "ports", "mtty 2/0: mtty-1 21 or mtty-2 10 or mtty-3 7");
    world_release(world, first->generation);
    world_release(world, second->generation);
    assert_view(world, "ports", "mtty 0/0: mtty-1 24 or mtty-2 12 or mtty-3 8");
}

static void
test_foreign_mdevs(void)
{
    static const char uuid[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    g_autoptr(World) world = world_new();

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    world_define(world, PORTS);
    g_assert_cmpint(tree_mdev(world->tree, "virtual/mtty/mtty", "mtty-2", uuid), ==, 0);
    assert_view(world, "ports", "mtty 1/0: mtty-1 22 or mtty-2 11");
    assert_slot(world, "ports", "mtty/mtty-2",
                "foreign 4b20d080-1b54-4048-85b3-a6a62d165c01: made by somebody else");
    world_open(world, 47, "other", uuid);
    assert_slot(world, "ports", "mtty/mtty-2",
                "foreign 4b20d080-1b54-4048-85b3-a6a62d165c01: process 47 (qemu-system-x86, guest "
                "other)");
}

/* A device in use that is gone with its parent's driver. */
static void
test_gone_mdev(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = NEED_MDEV("web", "mtty", "mtty-1");
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autofree char *remove = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    world_define(world, PORTS);
    claim = world_claim(world, &need);
    world_prepare(world, claim->generation);
    g_assert_true(ferry_pools_keep(world->pools, claim->generation, NULL));
    assert_view(world, "ports", "mtty 1/0: mtty-1 23 or mtty-2 11");
    remove = g_strconcat("sys/bus/mdev/devices/", claim->device, "/remove", NULL);
    g_assert_cmpint(tree_write(world->tree, remove, "1"), ==, 0);
    assert_view(world, "ports", "mtty 0/0: mtty-1 24 or mtty-2 12");
    assert_slot(world, "ports", "mtty/mtty-1", "gone -: guest web (ua-gpu0)");
}

static void
test_parents_by_both_names(void)
{
    g_autoptr(World) world = world_new();

    tree_parent(world->tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 2);
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    world_define(world, "{\"name\": \"two\", \"parents\": [\"pci_0000_41_00_0\", \"mtty\"],"
                        "\"types\": [\"nvidia-1\"]}");
    assert_view(world, "two",
                "pci_0000_41_00_0 0/0: nvidia-1 24 or nvidia-2 12, mtty 0/0: mtty-1 "
                "24");
}

/* One snapshot of the host serves all parents: each has its own devices in it, and no other's. */
static void
test_devices_by_parents(void)
{
    static const char foreign[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    const FerryNeed need = NEED_MDEV("web", "mtty", "mtty-1");
    g_autoptr(World) world = world_new();
    g_autoptr(FerryClaimRow) claim = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_parent(world->tree, "virtual/other/other", NULL, "mtty", 1);
    world_define(world, "{\"name\": \"two\", \"parents\": [\"other\", \"mtty\"],"
                        "\"types\": [\"mtty-1\"]}");
    g_assert_cmpint(tree_mdev(world->tree, "virtual/other/other", "mtty-1", foreign), ==, 0);
    claim = world_claim(world, &need);
    assert_view(world, "two", "other 1/0: mtty-1 23, mtty 1/0: mtty-1 23");
    world_prepare(world, claim->generation);
    assert_view(world, "two", "other 1/0: mtty-1 23, mtty 1/0: mtty-1 23");
    assert_slot(world, "two", "other/mtty-1",
                "foreign 4b20d080-1b54-4048-85b3-a6a62d165c01: made by somebody else");
}

static void
test_describes_claims(void)
{
    static const struct {
        const char *uuid, *name, *text;
    } rows[] = {
        { "u-1", "web", "guest web (ua-net0)" },
        { "u-1", "", "guest u-1 (ua-net0)" },
        { "", "", "claim 7 (ua-net0)" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryClaimRow row = { .generation = 7,
                                    .guest_uuid = (char *)rows[i].uuid,
                                    .guest_name = (char *)rows[i].name,
                                    .alias = (char *)"ua-net0" };
        g_autofree char *text = ferry_claim_describe(&row);

        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/foreign-vfs", test_foreign_vfs);
    g_test_add_func("/view/no-look-at-processes", test_no_look_at_processes);
    g_test_add_func("/view/claimed-vf", test_claimed_vf);
    g_test_add_func("/view/gone-vf", test_gone_vf);
    g_test_add_func("/view/other-addresses-after-a-boot", test_other_addresses_after_a_boot);
    g_test_add_func("/view/address-list", test_address_list);
    g_test_add_func("/view/links", test_links);
    g_test_add_func("/view/types-are-alternatives", test_types_are_alternatives);
    g_test_add_func("/view/foreign-mdevs", test_foreign_mdevs);
    g_test_add_func("/view/gone-mdev", test_gone_mdev);
    g_test_add_func("/view/parents-by-both-names", test_parents_by_both_names);
    g_test_add_func("/view/devices-by-parents", test_devices_by_parents);
    g_test_add_func("/view/describes-claims", test_describes_claims);
    return g_test_run();
}
