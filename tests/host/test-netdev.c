#include "host/netdev.h"

#include <errno.h>
#include <string.h>

#include "tree.h"

static void
test_is_up(void)
{
    g_autoptr(Tree) tree = tree_new();

    tree_file(tree, "sys/class/net/macvtap0/flags", "0x1003\n");
    tree_file(tree, "sys/class/net/macvtap1/flags", "0x1002\n");
    tree_file(tree, "sys/class/net/macvtap2/flags", "up\n");
    g_assert_true(ferry_netdev_is_up(tree->root, "macvtap0"));
    g_assert_false(ferry_netdev_is_up(tree->root, "macvtap1"));
    g_assert_false(ferry_netdev_is_up(tree->root, "macvtap2"));
    g_assert_false(ferry_netdev_is_up(tree->root, "macvtap3"));
}

static void
test_address(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *mac = NULL;

    tree_file(tree, "sys/class/net/macvtap0/address", "52:54:00:00:0a:01\n");
    mac = ferry_netdev_address(tree->root, "macvtap0");
    g_assert_cmpstr(mac, ==, "52:54:00:00:0a:01");
    g_assert_null(ferry_netdev_address(tree->root, "macvtap1"));
}

static void
test_lower(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *one = NULL;

    tree_file(tree, "sys/class/net/eth3/flags", "0x1003\n");
    tree_link(tree, "sys/class/net/eth3.42/lower_eth3", "../eth3");
    tree_link(tree, "sys/class/net/eth3/upper_eth3.42", "../eth3.42");
    tree_link(tree, "sys/class/net/bond0/lower_eth3", "../eth3");
    tree_link(tree, "sys/class/net/bond0/lower_eth4", "../eth4");
    one = ferry_netdev_lower(tree->root, "eth3.42");
    g_assert_cmpstr(one, ==, "eth3");
    g_assert_null(ferry_netdev_lower(tree->root, "eth3"));
    g_assert_null(ferry_netdev_lower(tree->root, "bond0"));
    g_assert_null(ferry_netdev_lower(tree->root, "none"));
}

/* clang-format off */
static const struct {
    const char *lower;
    unsigned vlan;
    const char *device;
} vlans[] = {
    { "eth3", 42, "eth3.42" },
    { "eth4", 42, "storage" },
    { "eth3", 43, NULL },
    { "eth3", 4, NULL },
    { "eth", 42, NULL },
};
/* clang-format on */

static void
test_vlan(void)
{
    g_autoptr(Tree) tree = tree_new();

    g_assert_null(ferry_netdev_vlan(tree->root, "eth3", 42));
    tree_file(tree, "proc/net/vlan/config",
              "VLAN Dev name\t | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\n"
              "eth3.42        | 42  | eth3\nstorage        | 42  | eth4\nodd | x | eth3\n");
    for (size_t i = 0; i < G_N_ELEMENTS(vlans); i++) {
        g_autofree char *found = ferry_netdev_vlan(tree->root, vlans[i].lower, vlans[i].vlan);

        g_assert_cmpstr(found, ==, vlans[i].device);
    }
}

static void
test_is_driven(void)
{
    g_autoptr(Tree) tree = tree_new();

    g_assert_false(ferry_vfio_is_driven(tree->root, "0000:01:10.0"));
    tree_file(tree, "proc/interrupts",
              "            CPU0       CPU1\n"
              " 45:          0          0  IR-PCI-MSIX-0000:01:10.2   0-edge      igb\n"
              " 46:          4          0  IR-PCI-MSIX-0000:01:10.0   1-edge      "
              "vfio-msix[1](0000:01:10.0)\n");
    g_assert_true(ferry_vfio_is_driven(tree->root, "0000:01:10.0"));
    g_assert_false(ferry_vfio_is_driven(tree->root, "0000:01:10.2"));
    g_assert_false(ferry_vfio_is_driven(tree->root, "0000:01:10"));
}

/* A host with a thousand processors, and the name at every place in a piece. */
static void
test_long_lines(void)
{
    for (unsigned pad = 16370; pad < 16400; pad++) {
        g_autoptr(Tree) tree = tree_new();
        g_autofree char *zeros = g_strnfill(pad, '0');
        g_autofree char *text = g_strconcat("1: ", zeros, " vfio-msi[0](0000:01:10.0)\n", NULL);

        tree_file(tree, "proc/interrupts", text);
        g_assert_true(ferry_vfio_is_driven(tree->root, "0000:01:10.0"));
        g_assert_false(ferry_vfio_is_driven(tree->root, "0000:01:10.1"));
    }
}

/* What it does with a netdev that is there is in tests/lab. */
static void
test_no_netdev(void)
{
    const FerryNetdevOps *ops = ferry_netdev_kernel();

    g_assert_cmpint(ops->set_up(NULL, "no-such-netdev"), ==, ENODEV);
    g_assert_cmpint(ops->set_down(NULL, "no-such-netdev"), ==, ENODEV);
    g_assert_cmpint(ops->set_down(NULL, "a-name-that-no-netdev-can-have"), ==, ENODEV);
    g_assert_cmpint(ops->set_address(NULL, "no-such-netdev", "52:54:00:00:0a:01"), ==, ENODEV);
    g_assert_cmpint(ops->set_address(NULL, "no-such-netdev", "52:54:00"), ==, EINVAL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/netdev/is-up", test_is_up);
    g_test_add_func("/netdev/address", test_address);
    g_test_add_func("/netdev/lower", test_lower);
    g_test_add_func("/netdev/vlan", test_vlan);
    g_test_add_func("/netdev/is-driven", test_is_driven);
    g_test_add_func("/netdev/long-lines", test_long_lines);
    g_test_add_func("/netdev/no-netdev", test_no_netdev);
    return g_test_run();
}
