#include "host/vgpu.h"

#include <errno.h>

#include "base/error.h"
#include "host/inventory.h"
#include "tree.h"

#define VF     "0000:41:10.0"
#define NVIDIA "sys/devices/pci0000:00/0000:00:01.0/" VF "/nvidia/"

static const FerryKernelOps ops = { tree_write };

static Tree *
make_tree(void)
{
    Tree *tree = tree_new();

    tree_pf(tree, "0000:41:00.0", NULL, "nvidia", 2, 2);
    tree_bind(tree, VF, "nvidia");
    tree_file(tree, NVIDIA "creatable_vgpu_types", "ID    : vGPU Name\n1145  : NVIDIA X-4C");
    tree_file(tree, NVIDIA "current_vgpu_type", "0");
    return tree;
}

static char *
type_of(const Tree *tree)
{
    g_autoptr(FerryInventory) inventory = NULL;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    return g_strdup(ferry_inventory_find(inventory, VF)->type);
}

static void
test_set_and_clear(void)
{
    g_autoptr(Tree) tree = make_tree();
    const FerryKernel kernel = { tree->root, &ops, tree };
    g_autofree char *set = NULL;
    g_autofree char *cleared = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_vgpu_set(&kernel, VF, "1145", &error));
    g_assert_true(ferry_vgpu_set(&kernel, VF, "1145", &error)); /* again: no second write */
    g_assert_cmpuint(tree->n_writes, ==, 1);
    set = type_of(tree);
    g_assert_cmpstr(set, ==, "1145");
    g_assert_true(ferry_vgpu_clear(&kernel, VF, "1145", &error));
    g_assert_true(ferry_vgpu_clear(&kernel, VF, "1145", &error));
    g_assert_cmpuint(tree->n_writes, ==, 2);
    cleared = type_of(tree);
    g_assert_null(cleared);
    g_assert_no_error(error);
}

/* A late release must not hit the VF's next owner. */
static void
test_leaves_the_next_owner_alone(void)
{
    g_autoptr(Tree) tree = make_tree();
    const FerryKernel kernel = { tree->root, &ops, tree };
    g_autoptr(GError) error = NULL;

    tree_file(tree, NVIDIA "current_vgpu_type", "1200");
    g_assert_false(ferry_vgpu_clear(&kernel, VF, "1145", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_false(ferry_vgpu_set(&kernel, VF, "1145", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_cmpstr(error->message, ==,
                    "VF " VF " is a vGPU of type 1200 now, which is somebody else's");
    g_assert_cmpuint(tree->n_writes, ==, 0);
}

static void
test_refuses(void)
{
    static const char *const no_vfs[] = { "0000:41:00.0", "0000:41:10.2", "none", "../x", "." };
    g_autoptr(Tree) tree = make_tree();
    const FerryKernel kernel = { tree->root, &ops, tree };
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(no_vfs); i++) {
        g_assert_false(ferry_vgpu_set(&kernel, no_vfs[i], "1145", &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
        g_clear_error(&error);
    }
    g_assert_false(ferry_vgpu_set(&kernel, VF, "9", &error));
    g_assert_cmpstr(error->message, ==,
                    "VF " VF " cannot be a vGPU of type 9: its GPU has no such type, or nothing "
                    "left for it");
    g_clear_error(&error);
    tree->write_errno = EACCES;
    g_assert_false(ferry_vgpu_set(&kernel, VF, "1145", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_DENIED);
    g_assert_cmpstr(error->message, ==,
                    "cannot make a vGPU of type 1145 of " VF ": Permission denied");
}

static void
test_in_use(void)
{
    g_autoptr(Tree) tree = make_tree();
    const FerryKernel kernel = { tree->root, &ops, tree };
    g_autoptr(FerryInventory) inventory = NULL;
    g_autofree char *node = NULL;
    g_autoptr(GError) error = NULL;

    tree_file(tree, NVIDIA "current_vgpu_type", "1145");
    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    node = g_strdup_printf("/dev/vfio/%d", ferry_inventory_find(inventory, VF)->iommu_group);
    tree_file(tree, "proc/5/comm", "qemu");
    tree_link(tree, "proc/5/fd/3", node);
    g_assert_false(ferry_vgpu_clear(&kernel, VF, "1145", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==,
                    "cannot take the vGPU type off VF " VF ": process 5 (qemu) has it open");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vgpu/set-and-clear", test_set_and_clear);
    g_test_add_func("/vgpu/leaves-the-next-owner-alone", test_leaves_the_next_owner_alone);
    g_test_add_func("/vgpu/refuses", test_refuses);
    g_test_add_func("/vgpu/in-use", test_in_use);
    return g_test_run();
}
