#include "host/facts.h"

#include <errno.h>
#include <string.h>

#include "tree.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

/* A driver that tells what the test says; NULL: it cannot be asked. */
static int
tell(void *data, const char *netdev, FerryDriverInfo *ret)
{
    const char *firmware = data;

    g_assert_cmpstr(netdev, ==, "eth3");
    if (firmware == NULL)
        return EOPNOTSUPP;
    (void)g_strlcpy(ret->firmware, firmware, sizeof(ret->firmware));
    return 0;
}

static const FerryDriverOps ops = { tell };

static Tree *
make_tree(void)
{
    Tree *tree = tree_new();

    tree_pf(tree, "0000:03:00.0", "eth3", "mlx5_core", 7, 2);
    tree_parent(tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 2);
    tree_file(tree, "sys/devices/pci0000:40/0000:41:00.0/uevent",
              "DRIVER=nvidia\nPCI_ID=10DE:20B5");
    g_assert_cmpint(tree_mdev(tree, "pci0000:40/0000:41:00.0", "nvidia-2", UUID), ==, 0);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_file(tree, "sys/module/mtty/version", "0.1");
    tree_file(tree, "sys/module/nvidia/version", "550.90.05");
    tree_file(tree, "sys/module/mlx5_vfio_pci/version", "1.0");
    tree_file(tree, "proc/sys/kernel/osrelease", "6.12.117+deb12-amd64");
    return tree;
}

static char *
facts_of(const Tree *tree, const char *name, const char *type, const char *firmware)
{
    g_autoptr(FerryInventory) inventory = NULL;
    g_autoptr(json_t) facts = NULL;
    char *text = NULL;
    char *copy = NULL;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    facts = ferry_host_facts(tree->root, inventory, ferry_inventory_find(inventory, name), type,
                             &ops, (void *)firmware);
    text = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
    copy = g_strdup(text);
    free(text);
    return copy;
}

typedef struct {
    const char *row;
    const char *name;
    const char *type;
    const char *vf_driver;
    const char *firmware;
    const char *expected;
} Row;

#define KERNEL "\"kernel\":\"6.12.117+deb12-amd64\","
#define VF     "\"class\":\"pci\",\"device_api\":\"vfio-pci\",\"device_id\":\"808610ca\","
#define VF_END KERNEL "\"name\":\"0000:03:10.0\",\"parent_id\":\"808610c9\"}"
#define GPU    "\"device_api\":\"vfio-pci\",\"driver\":\"nvidia\",\"driver_version\":\"550.90.05\","

/* clang-format off */
static const Row rows[] = {
    { "mdev", UUID, NULL, NULL, NULL,
      "{\"class\":\"mdev\"," GPU "\"format\":1," KERNEL "\"mdev_type\":\"nvidia-2\",\"name\":\"" UUID "\",\"parent_id\":\"10de20b5\"}" },
    { "type", "0000:41:00.0", "nvidia-1", NULL, NULL,
      "{\"class\":\"mdev\"," GPU "\"format\":1," KERNEL "\"mdev_type\":\"nvidia-1\",\"name\":\"0000:41:00.0\",\"parent_id\":\"10de20b5\",\"state\":\"type\"}" },
    { "type-of-a-parent-without-driver", "mtty", "mtty-1", NULL, NULL,
      "{\"class\":\"mdev\",\"device_api\":\"vfio-pci\",\"driver\":\"mtty\",\"driver_version\":\"0.1\",\"format\":1," KERNEL "\"mdev_type\":\"mtty-1\",\"name\":\"mtty\",\"state\":\"type\"}" },
    { "plain-vf", "0000:03:10.0", NULL, "vfio-pci", "16.35.2000 (MT_1)",
      "{" VF "\"driver\":\"mlx5_core\",\"firmware\":\"16.35.2000 (MT_1)\",\"format\":1," VF_END },
    { "variant-vf", "0000:03:10.0", NULL, "mlx5_vfio_pci", " 1 ",
      "{" VF "\"driver\":\"mlx5_vfio_pci\",\"driver_version\":\"1.0\",\"firmware\":\"1\",\"format\":1," VF_END },
    { "vf-without-driver", "0000:03:10.0", NULL, NULL, NULL, "{" VF "\"driver\":\"mlx5_core\",\"format\":1," VF_END },
    { "firmware-unknown", "0000:03:10.0", NULL, "vfio-pci", "N/A", "{" VF "\"driver\":\"mlx5_core\",\"format\":1," VF_END },
    { "firmware-empty", "0000:03:10.0", NULL, "vfio-pci", "", "{" VF "\"driver\":\"mlx5_core\",\"format\":1," VF_END },
    { "firmware-bytes", "0000:03:10.0", NULL, "vfio-pci", "a\xff\x01", "{" VF "\"driver\":\"mlx5_core\",\"firmware\":\"a??\",\"format\":1," VF_END },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(Tree) tree = make_tree();
    g_autofree char *text = NULL;

    tree_bind(tree, "0000:03:10.0", row->vf_driver);
    text = facts_of(tree, row->name, row->type, row->firmware);
    g_assert_cmpstr(text, ==, row->expected);
}

/* The kernel's own answer for a netdev that has no driver to ask, and for none. */
static void
test_ethtool(void)
{
    FerryDriverInfo info = { .driver = "untouched" };

    g_assert_cmpint(ferry_host_ethtool()->driver_info(NULL, "no-such-dev", &info), !=, 0);
    g_assert_cmpstr(info.driver, ==, "untouched");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/facts/", rows[i].row, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/facts/ethtool", test_ethtool);
    return g_test_run();
}
