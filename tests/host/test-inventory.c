#include "host/inventory.h"

#include <string.h>

#include "base/error.h"
#include "tree.h"

#define UUID_A "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define UUID_B "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"

static FerryInventory *
look(const Tree *tree)
{
    FerryInventory *inventory = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, &error));
    g_assert_no_error(error);
    return inventory;
}

/* An 82576 with two ports: what scenario D1 asks for, and nothing is changed by looking. */
static void
test_two_port_card(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *vf = NULL;
    const FerryHostDevice *pf = NULL;

    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 7);
    tree_pf(tree, "0000:03:00.1", "eth4", NULL, 7, 7);
    tree_bind(tree, "0000:03:10.2", "vfio-pci");
    inventory = look(tree);
    g_assert_cmpuint(ferry_inventory_n_devices(inventory), ==, 16);

    pf = ferry_inventory_find(inventory, "0000:03:00.1");
    g_assert_cmpint(pf->roles, ==, FERRY_HOST_PF);
    g_assert_cmpuint(pf->total_vfs, ==, 7);
    g_assert_cmpuint(ferry_host_device_n_vfs(pf), ==, 7);
    g_assert_cmpstr(pf->netdev, ==, "eth4");
    g_assert_cmpstr(pf->link, ==, "up");
    g_assert_cmpstr(pf->driver, ==, "igb");
    g_assert_cmpstr(pf->device_id, ==, "808610c9");
    g_assert_cmpstr(pf->subsystem_id, ==, "8086a03c");
    g_assert_true(pf->autoprobe);
    g_assert_true(ferry_inventory_find_netdev(inventory, "eth4") == pf);

    vf = ferry_inventory_find(inventory, "0000:03:10.2");
    g_assert_cmpint(vf->roles, ==, FERRY_HOST_VF);
    g_assert_cmpstr(vf->pf, ==, "0000:03:00.0");
    g_assert_cmpint(vf->vf_index, ==, 1);
    g_assert_cmpstr(vf->driver, ==, "vfio-pci");
    g_assert_cmpint(vf->iommu_group, >=, 0);
    g_assert_true(g_str_has_prefix(vf->cdev, "vfio"));
    g_assert_cmpstr(vf->path, ==, "devices/pci0000:00/0000:00:01.0/0000:03:10.2");
    g_assert_cmpuint(tree->n_writes, ==, 0);
}

static void
test_pf_without_vfs(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *pf = NULL;

    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 0);
    tree_file(tree, "sys/bus/pci/devices/0000:00:1f.0/uevent", "PCI_CLASS=60100"); /* no PF */
    inventory = look(tree);
    g_assert_cmpuint(ferry_inventory_n_devices(inventory), ==, 1);
    pf = ferry_inventory_device(inventory, 0);
    g_assert_cmpuint(ferry_host_device_n_vfs(pf), ==, 0);
    g_assert_cmpuint(pf->total_vfs, ==, 7);
}

/* A recorded reading of sriov_numvfs would wait for the PF's lock: a FIFO there would block us. */
static void
test_does_not_read_numvfs(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;

    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 3);
    tree_file(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/sriov_numvfs", "nonsense");
    inventory = look(tree);
    g_assert_cmpuint(ferry_host_device_n_vfs(ferry_inventory_find(inventory, "0000:03:00.0")), ==,
                     3);
}

/* A VF's own event comes before the links between it and its PF: it has no index then. */
static void
test_vf_before_its_links(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *vf = NULL;

    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 3);
    tree_remove(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/virtfn1");
    tree_remove(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:10.4/physfn");
    inventory = look(tree);
    vf = ferry_inventory_find(inventory, "0000:03:10.2");
    g_assert_cmpint(vf->vf_index, ==, -1);
    g_assert_null(ferry_inventory_find(inventory, "0000:03:10.4"));
    g_assert_cmpuint(ferry_host_device_n_vfs(ferry_inventory_find(inventory, "0000:03:00.0")), ==,
                     2);
}

typedef struct {
    const char *folder;
    const char *bus;
    const char *shown_bus;
    const char *name;
} ParentRow;

static const ParentRow parent_rows[] = {
    { "virtual/mtty/mtty", NULL, "virtual", "mtty" },
    { "virtual/mtty/mtty", "mtty", "mtty", "mtty" },
    { "vfio_ap/matrix", "matrix", "matrix", "matrix" },
    { "css0/0.0.0052", "css", "css", "0.0.0052" },
    { "pci0000:40/0000:41:00.0", "pci", "pci", "0000:41:00.0" },
};

/* Parents need not be PCI devices: scenario D2. */
static void
test_parents_of_every_bus(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parent_rows); i++) {
        const ParentRow *row = &parent_rows[i];
        g_autoptr(Tree) tree = tree_new();
        g_autoptr(FerryInventory) inventory = NULL;
        const FerryHostDevice *parent = NULL;
        g_autofree char *path = g_strconcat("devices/", row->folder, NULL);

        tree_parent(tree, row->folder, row->bus, "drv", 2);
        inventory = look(tree);
        g_assert_cmpuint(ferry_inventory_n_devices(inventory), ==, 1);
        parent = ferry_inventory_find(inventory, row->name);
        g_assert_cmpint(parent->roles, ==, FERRY_HOST_PARENT);
        g_assert_cmpstr(parent->bus, ==, row->shown_bus);
        g_assert_cmpstr(parent->path, ==, path);
        g_assert_cmpuint(parent->types->len, ==, 2);
    }
}

/* Types are alternatives: one taken lowers all of them.  Scenario D4. */
static void
test_types_and_mdevs(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;
    const FerryHostType *type = NULL;
    const FerryHostDevice *mdev = NULL;

    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 3);
    before = look(tree);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-2", UUID_A), ==, 0);
    after = look(tree);

    type = ferry_host_device_type(ferry_inventory_find(before, "mtty"), "mtty-2");
    g_assert_cmpuint(type->available, ==, 12);
    g_assert_cmpstr(type->name, ==, "2 ports");
    g_assert_cmpstr(type->description, ==, "ports=2, rate=1");
    g_assert_cmpstr(type->device_api, ==, "vfio-pci");
    type = ferry_host_device_type(ferry_inventory_find(after, "mtty"), "mtty-1");
    g_assert_cmpuint(type->available, ==, 22);
    g_assert_null(ferry_host_device_type(ferry_inventory_find(after, "mtty"), "mtty-9"));

    g_assert_null(ferry_inventory_find(before, UUID_A));
    mdev = ferry_inventory_find(after, "0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001");
    g_assert_cmpstr(mdev->name, ==, UUID_A);
    g_assert_cmpint(mdev->roles, ==, FERRY_HOST_MDEV);
    g_assert_cmpstr(mdev->bus, ==, "mdev");
    g_assert_cmpstr(mdev->parent, ==, "mtty");
    g_assert_cmpstr(mdev->type, ==, "mtty-2");
    g_assert_cmpstr(mdev->driver, ==, "vfio_mdev");
    g_assert_cmpint(mdev->iommu_group, >=, 0);
    g_assert_nonnull(mdev->cdev);
}

/* Vendor's service not there yet: the parent is, its types are not.  Scenario D3. */
static void
test_types_come_late(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;

    tree_parent(tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 0);
    before = look(tree);
    g_assert_null(ferry_inventory_find(before, "0000:41:00.0")->types);
    tree_parent(tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 1);
    after = look(tree);
    g_assert_cmpuint(ferry_inventory_find(after, "0000:41:00.0")->types->len, ==, 1);
    g_assert_null(ferry_inventory_find(before, "0000:41:00.0")->types);
}

/* A PF with mdev types on its VFs is one device each, with both roles. */
static void
test_vf_that_is_a_parent(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *vf = NULL;

    tree_pf(tree, "0000:41:00.0", NULL, "nvidia", 2, 1);
    tree_parent(tree, "pci0000:00/0000:00:01.0/0000:41:10.0", "pci", "nvidia", 1);
    inventory = look(tree);
    g_assert_cmpuint(ferry_inventory_n_devices(inventory), ==, 2);
    vf = ferry_inventory_find(inventory, "0000:41:10.0");
    g_assert_cmpint(vf->roles, ==, FERRY_HOST_VF | FERRY_HOST_PARENT);
    g_assert_cmpuint(vf->types->len, ==, 1);
}

#define VGPU_VF "sys/devices/pci0000:00/0000:00:01.0/0000:41:10.0/"

/* NVIDIA on kernels from 6.8: no mdev, the VF takes the number of a type. */
static void
test_vgpu_on_vf(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *vf = NULL;

    tree_pf(tree, "0000:41:00.0", NULL, "nvidia", 2, 2);
    tree_bind(tree, "0000:41:10.0", "nvidia");
    tree_file(tree, VGPU_VF "nvidia/creatable_vgpu_types",
              "ID    : vGPU Name\n1145  : NVIDIA X-4C\n1146  : NVIDIA X: 8C\nnonsense");
    tree_file(tree, VGPU_VF "nvidia/current_vgpu_type", "1146");
    inventory = look(tree);
    vf = ferry_inventory_find(inventory, "0000:41:10.0");
    g_assert_cmpint(vf->roles, ==, FERRY_HOST_VF | FERRY_HOST_VGPU);
    g_assert_cmpuint(vf->types->len, ==, 2);
    g_assert_cmpstr(ferry_host_device_type(vf, "1145")->name, ==, "NVIDIA X-4C");
    g_assert_cmpstr(ferry_host_device_type(vf, "1146")->name, ==, "NVIDIA X: 8C");
    g_assert_cmpstr(vf->type, ==, "1146");
    tree_file(tree, VGPU_VF "nvidia/current_vgpu_type", "0");
    ferry_inventory_unref(inventory);
    inventory = look(tree);
    g_assert_null(ferry_inventory_find(inventory, "0000:41:10.0")->type);
}

#define PF_NET "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/net/"

/* switchdev: representors are first by name; mlx4: the other port is. */
static void
test_netdev_of_pf(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;

    tree_pf(tree, "0000:03:00.0", "eth9", NULL, 7, 0);
    tree_file(tree, PF_NET "eth9/phys_port_name", "p0");
    tree_file(tree, PF_NET "eth1/phys_port_name", "pf0vf1");
    tree_file(tree, PF_NET "eth2/phys_port_name", "c1pf0vf2");
    tree_file(tree, PF_NET "eth3/dev_port", "1");
    inventory = look(tree);
    g_assert_cmpstr(ferry_inventory_device(inventory, 0)->netdev, ==, "eth9");
}

/* Whatever a driver or a broken tree says, the reading ends and says no wrong number. */
static void
test_garbage(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *pf = NULL;

    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 1);
    tree_file(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/uevent",
              "DRIVER\n=\nPCI_ID=80861:0C9\nPCI_ID=8086\xff:\nDRIVER=a\nDRIVER=b");
    tree_file(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/numa_node", "99999999999");
    tree_link(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/iommu_group", "x/-5");
    tree_link(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/virtfn99999999", "../x");
    tree_link(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/virtfn3", "../0000:99:00.0");
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_file(tree, "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/available_instances",
              "-1");
    tree_link(tree, "sys/class/mdev_bus/loop", "loop");
    tree_link(tree, "sys/bus/mdev/devices/not-a-uuid", "../../../devices/virtual/mtty/mtty");
    tree_link(tree, "sys/bus/mdev/devices/" UUID_B, "nowhere");
    inventory = look(tree);
    g_assert_cmpuint(ferry_inventory_n_devices(inventory), ==, 3);
    pf = ferry_inventory_find(inventory, "0000:03:00.0");
    g_assert_cmpstr(pf->driver, ==, "a");
    g_assert_null(pf->device_id);
    g_assert_cmpint(pf->numa_node, ==, -1);
    g_assert_cmpint(pf->iommu_group, ==, -1);
    g_assert_cmpuint(pf->vfs->len, ==, 4);
    g_assert_cmpuint(
        ferry_host_device_type(ferry_inventory_find(inventory, "mtty"), "mtty-1")->available, ==,
        0);
}

static void
test_no_sysfs(void)
{
    g_autoptr(Tree) tree = tree_new();
    FerryInventory *inventory = NULL;
    g_autoptr(GError) error = NULL;

    tree_remove(tree, "sys");
    g_assert_false(ferry_inventory_read(tree->root, &inventory, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "cannot look for devices: there is no /sys: is it mounted?");
    g_assert_null(inventory);
}

/* A snapshot does not change, and lives as long as somebody holds it. */
static void
test_snapshot_is_immutable(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    FerryInventory *first = NULL;

    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    first = look(tree);
    inventory = ferry_inventory_ref(first);
    ferry_inventory_unref(first);
    tree_remove(tree, "sys");
    g_assert_cmpstr(ferry_inventory_find(inventory, "mtty")->name, ==, "mtty");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inventory/two-port-card", test_two_port_card);
    g_test_add_func("/inventory/pf-without-vfs", test_pf_without_vfs);
    g_test_add_func("/inventory/does-not-read-numvfs", test_does_not_read_numvfs);
    g_test_add_func("/inventory/vf-before-its-links", test_vf_before_its_links);
    g_test_add_func("/inventory/parents-of-every-bus", test_parents_of_every_bus);
    g_test_add_func("/inventory/types-and-mdevs", test_types_and_mdevs);
    g_test_add_func("/inventory/types-come-late", test_types_come_late);
    g_test_add_func("/inventory/vf-that-is-a-parent", test_vf_that_is_a_parent);
    g_test_add_func("/inventory/vgpu-on-vf", test_vgpu_on_vf);
    g_test_add_func("/inventory/netdev-of-pf", test_netdev_of_pf);
    g_test_add_func("/inventory/garbage", test_garbage);
    g_test_add_func("/inventory/no-sysfs", test_no_sysfs);
    g_test_add_func("/inventory/snapshot-is-immutable", test_snapshot_is_immutable);
    return g_test_run();
}
