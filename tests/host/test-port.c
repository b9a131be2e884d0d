#include "host/port.h"

#include "base/file.h"
#include "host/inventory.h"
#include "host/sysfs.h"
#include "tree.h"

#define PF  "0000:03:00.0"
#define VF  "0000:03:10.0"
#define NET "sys/bus/pci/devices/" PF "/net/"

typedef struct {
    const char *name;
    bool is_representor;
} NameRow;

static const NameRow name_rows[] = {
    { "pf0vf3", true },   { "pf10vf127", true }, { "c1pf0vf3", true }, { "pf0sf1", true },
    { "p0", false },      { "pf0", false },      { "", false },        { "c1pf0", false },
    { "pfvf", false },    { "pf0vf", false },    { "vf0", false },     { "pf0vf3x", false },
    { "xpf0vf3", false },
};

static void
test_names(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(name_rows); i++) {
        g_test_message("%s", name_rows[i].name);
        g_assert_cmpint(ferry_port_is_representor(name_rows[i].name), ==,
                        name_rows[i].is_representor);
    }
}

typedef struct {
    const char *name;
    const char *files[8]; /* "eth1/dev_port=1" … */
    const char *ports;    /* joined */
} ListRow;

static const ListRow list_rows[] = {
    { "none", { NULL }, "" },
    { "one", { "eth1/operstate=up", NULL }, "eth1" },
    { "switchdev",
      { "eth1/phys_port_name=pf0vf0", "eth2/phys_port_name=pf0vf1", "eth9/phys_port_name=p0",
        NULL },
      "eth9" },
    { "switchdev-nameless", { "eth1/phys_port_name=pf0vf0", "eth9/operstate=up", NULL }, "eth9" },
    { "two-ports", { "eth1/dev_port=1", "eth2/dev_port=0", NULL }, "eth2 eth1" },
    { "two-ports-without-numbers",
      { "eth2/operstate=up", "eth1/operstate=up", NULL },
      "eth1 eth2" },
    { "port-that-is-no-number", { "eth1/dev_port=x", "eth2/dev_port=1", NULL }, "eth1 eth2" },
};

static void
test_list(gconstpointer data)
{
    const ListRow *row = data;
    g_autoptr(Tree) tree = tree_new();
    FERRY_AUTOFD int folder = -1;
    g_autoptr(GPtrArray) ports = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    tree_pf(tree, PF, NULL, "mlx4_core", 2, 0);
    for (size_t i = 0; row->files[i] != NULL; i++) {
        g_auto(GStrv) parts = g_strsplit(row->files[i], "=", 2);
        g_autofree char *path = g_strconcat(NET, parts[0], NULL);

        tree_file(tree, path, parts[1]);
    }
    folder = ferry_sysfs_open(tree->root, "sys/bus/pci/devices");
    ports = ferry_port_list(folder, PF);
    for (guint i = 0; i < ports->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               ((const FerryPort *)g_ptr_array_index(ports, i))->netdev);
    g_assert_cmpstr(text->str, ==, row->ports);
}

/* Both ports are names of the PF, and a VF with a netdev is on the one with its id. */
static void
test_inventory(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *pf = NULL;
    const FerryHostDevice *vf = NULL;

    tree_pf(tree, PF, NULL, "mlx4_core", 2, 2);
    tree_bind(tree, VF, "mlx4_core");
    tree_file(tree, NET "eth1/dev_port", "0");
    tree_file(tree, NET "eth1/phys_port_id", "aa");
    tree_file(tree, NET "eth2/dev_port", "1");
    tree_file(tree, NET "eth2/phys_port_id", "bb");
    tree_file(tree, NET "eth1/operstate", "down");
    tree_file(tree, "sys/bus/pci/devices/" VF "/net/eth7/operstate", "up");
    tree_file(tree, "sys/class/net/eth7/phys_port_id", "bb");
    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    pf = ferry_inventory_find(inventory, PF);
    vf = ferry_inventory_find(inventory, VF);
    g_assert_cmpstr(pf->netdev, ==, "eth1");
    g_assert_cmpstr(pf->link, ==, "down");
    g_assert_cmpuint(pf->ports->len, ==, 2);
    g_assert_true(ferry_inventory_find_netdev(inventory, "eth1") == pf);
    g_assert_true(ferry_inventory_find_netdev(inventory, "eth2") == pf);
    g_assert_true(ferry_inventory_find_netdev(inventory, "eth7") == vf);
    g_assert_cmpstr(vf->pf_netdev, ==, "eth2");
    vf = ferry_inventory_find(inventory, "0000:03:10.2");
    g_assert_null(vf->pf_netdev); /* no netdev of its own: nobody can tell */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/port/names", test_names);
    for (size_t i = 0; i < G_N_ELEMENTS(list_rows); i++) {
        g_autofree char *path = g_strconcat("/port/list/", list_rows[i].name, NULL);
        g_test_add_data_func(path, &list_rows[i], test_list);
    }
    g_test_add_func("/port/inventory", test_inventory);
    return g_test_run();
}
