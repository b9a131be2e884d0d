#include "host/sriov.h"

#include <errno.h>

#include "base/error.h"
#include "host/inventory.h"
#include "tree.h"

#define PF     "0000:03:00.0"
#define VF_0   "sys/devices/pci0000:00/0000:00:01.0/0000:03:10.0/"
#define CANNOT "cannot set 7 VFs on " PF ": "
#define IN_USE "cannot change the number of VFs of " PF ": VF 0 (0000:03:10.0) is used by "

static const FerryKernelOps tree_ops = { tree_write };

static unsigned
n_vfs(const Tree *tree)
{
    g_autoptr(FerryInventory) inventory = NULL;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    return ferry_host_device_n_vfs(ferry_inventory_find(inventory, PF));
}

typedef struct {
    unsigned before;
    unsigned after;
    unsigned n_writes;
} Row;

/* Each write costs up to seconds: none too many.  Autoprobe is one of them. */
static const Row rows[] = {
    { 0, 7, 2 }, { 7, 7, 0 }, { 0, 0, 0 }, { 7, 0, 1 }, { 3, 7, 3 }, { 7, 3, 3 },
};

static void
test_set(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Tree) tree = tree_new();
        const FerryKernel kernel = { tree->root, &tree_ops, tree };
        g_autoptr(GError) error = NULL;

        tree_pf(tree, PF, "eth3", NULL, 7, rows[i].before);
        g_assert_true(ferry_sriov_set_vfs(&kernel, PF, rows[i].after, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(n_vfs(tree), ==, rows[i].after);
        g_assert_cmpuint(tree->n_writes, ==, rows[i].n_writes);
    }
}

typedef struct {
    const char *name;
    const char *pf;
    unsigned wanted;
    int write_errno; /* of the write of autoprobe, which may fail, when this is negative */
    int code;
    const char *message;
} RefuseRow;

/* clang-format off */
static const RefuseRow refuse_rows[] = {
    { "none", "0000:99:00.0", 1, 0, FERRY_ERROR_NOT_FOUND, "0000:99:00.0 is no device that can have VFs: \"ferry pf list\" lists those" },
    { "vf", "0000:03:10.0", 1, 0, FERRY_ERROR_NOT_FOUND, "0000:03:10.0 is no device that can have VFs: \"ferry pf list\" lists those" },
    { "too-many", PF, 8, 0, FERRY_ERROR_INVALID, "cannot set 8 VFs on " PF ": it can have 7 at most" },
    { "no-driver", PF, 7, ENOENT, FERRY_ERROR_UNSUPPORTED, "cannot set 0 VFs on " PF ": it has no driver, or one that makes no VFs" },
    { "not-root", PF, 7, EACCES, FERRY_ERROR_DENIED,
      "cannot set 0 VFs on " PF ": Permission denied. The driver's own messages are in the kernel's log (dmesg)." },
    { "driver", PF, 7, EIO, FERRY_ERROR_IO,
      "cannot set 0 VFs on " PF ": Input/output error. The driver's own messages are in the kernel's log (dmesg)." },
};
/* clang-format on */

static void
test_refuses(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autoptr(Tree) tree = tree_new();
    const FerryKernel kernel = { tree->root, &tree_ops, tree };
    g_autoptr(GError) error = NULL;

    tree_pf(tree, PF, "eth3", NULL, 7, 3);
    tree->write_errno = row->write_errno;
    g_assert_false(ferry_sriov_set_vfs(&kernel, row->pf, row->wanted, &error));
    g_assert_error(error, FERRY_ERROR, row->code);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_cmpuint(n_vfs(tree), ==, 3);
}

static void
test_in_use_by_process(void)
{
    g_autoptr(Tree) tree = tree_new();
    const FerryKernel kernel = { tree->root, &tree_ops, tree };
    g_autofree char *node = NULL;
    g_autoptr(FerryInventory) inventory = NULL;
    g_autoptr(GError) error = NULL;

    tree_pf(tree, PF, "eth3", NULL, 7, 3);
    tree_bind(tree, "0000:03:10.0", "vfio-pci");
    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    node = g_strdup_printf("/dev/vfio/%d",
                           ferry_inventory_find(inventory, "0000:03:10.0")->iommu_group);
    tree_file(tree, "proc/99/comm", "dpdk");
    tree_link(tree, "proc/99/fd/3", node);
    g_assert_false(ferry_sriov_set_vfs(&kernel, PF, 0, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==, IN_USE "process 99 (dpdk)");
    g_assert_cmpuint(tree->n_writes, ==, 0);
}

static void
test_in_use_by_host(void)
{
    g_autoptr(Tree) tree = tree_new();
    const FerryKernel kernel = { tree->root, &tree_ops, tree };
    g_autoptr(GError) error = NULL;

    tree_pf(tree, PF, "eth3", NULL, 7, 3);
    tree_bind(tree, "0000:03:10.0", "igbvf");
    tree_file(tree, VF_0 "net/eth9/operstate", "up");
    g_assert_false(ferry_sriov_set_vfs(&kernel, PF, 7, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==, IN_USE "the host itself as eth9");
    g_clear_error(&error);
    tree_file(tree, VF_0 "net/eth9/operstate", "down");
    g_assert_true(ferry_sriov_set_vfs(&kernel, PF, 7, &error));
    g_assert_no_error(error);
}

/* The write succeeds, and there are fewer: read back. */
static int
write_fewer(void *data, const char *path, const char *text)
{
    return tree_write(data, path, g_strcmp0(text, "7") == 0 ? "5" : text);
}

static void
test_fewer_than_asked_for(void)
{
    static const FerryKernelOps ops = { write_fewer };
    g_autoptr(Tree) tree = tree_new();
    const FerryKernel kernel = { tree->root, &ops, tree };
    g_autoptr(GError) error = NULL;

    tree_pf(tree, PF, "eth3", NULL, 7, 0);
    g_assert_false(ferry_sriov_set_vfs(&kernel, PF, 7, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(error->message, ==,
                    CANNOT "its driver made 5. The reason is in the kernel's log (dmesg).");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sriov/set", test_set);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/sriov/refuses/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refuses);
    }
    g_test_add_func("/sriov/in-use-by-process", test_in_use_by_process);
    g_test_add_func("/sriov/in-use-by-host", test_in_use_by_host);
    g_test_add_func("/sriov/fewer-than-asked-for", test_fewer_than_asked_for);
    return g_test_run();
}
