#include "host/mdev.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "host/inventory.h"
#include "tree.h"

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define HERE "sys/devices/virtual/mtty/mtty/" UUID

static const FerryKernelOps tree_ops = { tree_write };

static FerryKernel
kernel_of(Tree *tree)
{
    return (FerryKernel){ .root = tree->root, .ops = &tree_ops, .data = tree };
}

static Tree *
mtty_tree(void)
{
    Tree *tree = tree_new();

    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    return tree;
}

static unsigned
n_mdevs(const Tree *tree)
{
    g_autoptr(FerryInventory) inventory = NULL;
    unsigned n = 0;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    for (unsigned i = 0; i < ferry_inventory_n_devices(inventory); i++)
        n += (ferry_inventory_device(inventory, i)->roles & FERRY_HOST_MDEV) != 0;
    return n;
}

static void
test_create_and_remove(void)
{
    g_autoptr(Tree) tree = mtty_tree();
    const FerryKernel kernel = kernel_of(tree);
    const FerryMdevRequest request = { "mtty", "mtty-2", "0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001",
                                       NULL, 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_mdev_create(&kernel, &request, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(n_mdevs(tree), ==, 1);
    g_assert_true(ferry_mdev_remove(&kernel, UUID, 1000, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(n_mdevs(tree), ==, 0);
    g_assert_true(ferry_mdev_remove(&kernel, UUID, 1000, &error)); /* again: it is gone, fine */
    g_assert_no_error(error);
}

static void
test_attributes_in_order(void)
{
    static const FerryMdevAttr attrs[] = { { "a", "1" }, { "vendor/b", "2" }, { "a", "3" } };
    g_autoptr(Tree) tree = mtty_tree();
    const FerryKernel kernel = kernel_of(tree);
    const FerryMdevRequest request = { "mtty", "mtty-1", UUID, attrs, G_N_ELEMENTS(attrs) };
    g_autoptr(GError) error = NULL;

    /* the tree has no such files: the first attribute fails, and the device goes again */
    g_assert_false(ferry_mdev_create(&kernel, &request, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "cannot set a=1 of mdev " UUID " of type mtty-1 on mtty: No such file or "
                    "directory. The device was removed again.");
    g_assert_cmpuint(n_mdevs(tree), ==, 0);
    g_clear_error(&error);
    tree_file(tree, HERE "/a", "");
    tree_file(tree, HERE "/vendor/b", "");
    g_assert_true(ferry_mdev_create(&kernel, &request, &error));
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(tree->last_write, "/a=3"));
    g_assert_cmpuint(tree->n_writes, ==, 3 + 4);
}

typedef struct {
    const char *name;
    FerryMdevRequest request;
    int write_errno;
    int code;
    const char *message;
} RefuseRow;

static const FerryMdevAttr up = { "../../x", "1" };
static const FerryMdevAttr deep = { "a/b/c", "1" };
static const FerryMdevAttr removal = { "remove", "1" };

#define CANNOT "cannot create mdev " UUID " of type mtty-1 on mtty: "
#define MTTY                                                                                       \
    {                                                                                              \
        "mtty", "mtty-1", UUID, NULL, 0                                                            \
    }
#define NOTHING_LEFT                                                                               \
    "The parent has nothing left for this type: remove a device of it, or name another parent."

/* clang-format off */
static const RefuseRow refuse_rows[] = {
    { "uuid", { "mtty", "mtty-1", "0d9f7f5c", NULL, 0 }, 0, FERRY_ERROR_INVALID, "\"0d9f7f5c\" is not a UUID" },
    { "attr-up", { "mtty", "mtty-1", UUID, &up, 1 }, 0, FERRY_ERROR_INVALID, "\"../../x\" is not the name of an mdev's attribute" },
    { "attr-deep", { "mtty", "mtty-1", UUID, &deep, 1 }, 0, FERRY_ERROR_INVALID, "\"a/b/c\" is not the name of an mdev's attribute" },
    { "attr-remove", { "mtty", "mtty-1", UUID, &removal, 1 }, 0, FERRY_ERROR_INVALID, "\"remove\" is not the name of an mdev's attribute" },
    { "parent", { "gpu", "mtty-1", UUID, NULL, 0 }, 0, FERRY_ERROR_NOT_FOUND,
      "no device \"gpu\" offers mediated devices here: \"ferry mdev types\" lists those that do" },
    { "parent-path", { "../mdev_bus/mtty", "mtty-1", UUID, NULL, 0 }, 0, FERRY_ERROR_NOT_FOUND,
      "no device \"../mdev_bus/mtty\" offers mediated devices here: \"ferry mdev types\" lists those that do" },
    { "type", { "mtty", "mtty-9", UUID, NULL, 0 }, 0, FERRY_ERROR_NOT_FOUND, "mtty has no type \"mtty-9\", but mtty-1, mtty-2" },
    { "exists", MTTY, EEXIST, FERRY_ERROR_EXISTS,
      CANNOT "File exists. The UUID is taken on this host: leave it out to get a new one, or remove that device." },
    { "none-left", MTTY, ENOSPC, FERRY_ERROR_EXHAUSTED, CANNOT "No space left on device. " NOTHING_LEFT },
    { "none-left-core", MTTY, EUSERS, FERRY_ERROR_EXHAUSTED, CANNOT "Too many users. " NOTHING_LEFT },
    { "going", MTTY, ENODEV, FERRY_ERROR_NOT_FOUND, CANNOT "No such device. The parent is going away: its driver is being unloaded." },
    { "gone", MTTY, ENOENT, FERRY_ERROR_NOT_FOUND, CANNOT "No such file or directory. The type or its parent went away meanwhile." },
    { "not-root", MTTY, EACCES, FERRY_ERROR_DENIED, CANNOT "Permission denied. Only root may create mediated devices." },
    { "driver", MTTY, EIO, FERRY_ERROR_IO, CANNOT "Input/output error. The driver's own messages are in the kernel's log (dmesg)." },
};
/* clang-format on */

static void
test_refuses(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autoptr(Tree) tree = mtty_tree();
    const FerryKernel kernel = kernel_of(tree);
    g_autoptr(GError) error = NULL;

    tree->write_errno = row->write_errno;
    g_assert_false(ferry_mdev_create(&kernel, &row->request, &error));
    g_assert_error(error, FERRY_ERROR, row->code);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_cmpuint(n_mdevs(tree), ==, 0);
    g_assert_cmpuint(tree->n_writes, ==, row->write_errno != 0 ? 1 : 0);
}

static void
test_types_not_published(void)
{
    g_autoptr(Tree) tree = tree_new();
    const FerryKernel kernel = kernel_of(tree);
    const FerryMdevRequest request = { "0000:41:00.0", "nvidia-1", UUID, NULL, 0 };
    g_autoptr(GError) error = NULL;

    tree_parent(tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 0);
    g_assert_false(ferry_mdev_create(&kernel, &request, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "0000:41:00.0 publishes no types of mediated devices yet: does its vendor's "
                    "service run?");
}

/* Fifty that fail exhaust nothing: scenario C2. */
static void
test_last_instance(void)
{
    g_autoptr(Tree) tree = mtty_tree();
    const FerryKernel kernel = kernel_of(tree);

    for (unsigned i = 0; i < 24 + 50; i++) {
        g_autofree char *uuid = g_uuid_string_random();
        const FerryMdevRequest request = { "mtty", "mtty-1", uuid, NULL, 0 };
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(ferry_mdev_create(&kernel, &request, &error), ==, i < 24);
        if (i >= 24)
            g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED);
    }
    g_assert_cmpuint(n_mdevs(tree), ==, 24);
}

static void
hold_open(Tree *tree, const char *node, const char *words, size_t n_bytes)
{
    g_autofree char *path = g_build_filename(tree->path, "proc/4711/cmdline", NULL);

    tree_file(tree, "proc/4711/comm", "qemu-system-x86");
    tree_link(tree, "proc/4711/fd/7", node);
    tree_link(tree, "proc/4711/fd/6", "/dev/vfio/vfio");
    tree_link(tree, "proc/4711/fd/5", "/dev/null");
    tree_file(tree, "proc/4712/comm", "no descriptors of it may be read");
    g_assert_true(g_file_set_contents(path, words, (gssize)n_bytes, NULL));
}

typedef struct {
    const char *words;
    size_t n_bytes;
    const char *who;
} UserRow;

#define WORDS(text) text, sizeof(text) - 1

static const UserRow user_rows[] = {
    { WORDS("qemu\0-name\0guest=g1,debug-threads=on\0-S\0"), "qemu-system-x86, guest g1" },
    { WORDS("qemu\0-S\0-name\0by-hand"), "qemu-system-x86, guest by-hand" },
    { WORDS("qemu\0-name"), "qemu-system-x86" },
    { WORDS("qemu"), "qemu-system-x86" },
    { WORDS(""), "qemu-system-x86" },
};

static void
test_remove_in_use(void)
{
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(user_rows); i++) {
        const UserRow *row = &user_rows[i / 2];
        g_autoptr(Tree) tree = mtty_tree();
        const FerryKernel kernel = kernel_of(tree);
        g_autoptr(FerryInventory) inventory = NULL;
        const FerryHostDevice *mdev = NULL;
        g_autofree char *node = NULL;
        g_autofree char *message = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
        g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
        mdev = ferry_inventory_find(inventory, UUID);
        /* by its group, or by its cdev */
        node = i % 2 == 0 ? g_strdup_printf("/dev/vfio/%d", mdev->iommu_group)
                          : g_strdup_printf("/dev/vfio/devices/%s", mdev->cdev);
        hold_open(tree, node, row->words, row->n_bytes);
        message = g_strdup_printf("cannot remove mdev " UUID ": process 4711 (%s) has it open. "
                                  "Stop it, or detach the device there first.",
                                  row->who);
        /* on kernels without cdevs there is no such name to look for */
        if (i % 2 == 1)
            g_assert_nonnull(mdev->cdev);
        g_assert_false(ferry_mdev_remove(&kernel, UUID, 1000, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
        g_assert_cmpstr(error->message, ==, message);
        g_assert_cmpuint(tree->n_writes, ==, 0);
    }
}

/* A kernel whose "remove" waits until the test lets it go on. */
typedef struct {
    Tree *tree;
    pthread_mutex_t gate;
    int first_errno; /* of the first write, then 0 */
    int done[2];     /* a pipe: a byte when the write has ended */
} Slow;

static int
slow_write(void *data, const char *path, const char *text)
{
    Slow *slow = data;
    int code = slow->first_errno;

    slow->first_errno = 0;
    (void)pthread_mutex_lock(&slow->gate);
    if (code == 0)
        code = tree_write(slow->tree, path, text);
    (void)pthread_mutex_unlock(&slow->gate);
    g_assert_cmpint(write(slow->done[1], "x", 1), ==, 1);
    return code;
}

static const FerryKernelOps slow_ops = { slow_write };

static void
test_remove_that_blocks(void)
{
    g_autoptr(Tree) tree = mtty_tree();
    Slow slow = { .tree = tree, .gate = PTHREAD_MUTEX_INITIALIZER };
    const FerryKernel kernel = { tree->root, &slow_ops, &slow };
    g_autoptr(GError) error = NULL;
    char byte = 0;

    g_assert_cmpint(pipe(slow.done), ==, 0);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    (void)pthread_mutex_lock(&slow.gate);
    g_assert_false(ferry_mdev_remove(&kernel, UUID, 10, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_cmpstr(error->message, ==,
                    "cannot remove mdev " UUID ": the kernel is still waiting for its user after "
                    "10 ms. It goes as soon as that lets go.");
    (void)pthread_mutex_unlock(&slow.gate);
    g_assert_cmpint(read(slow.done[0], &byte, 1), ==, 1);
    g_assert_cmpuint(n_mdevs(tree), ==, 0);
    (void)close(slow.done[0]);
    (void)close(slow.done[1]);
}

static int
write_again(void *data, const char *path, const char *text)
{
    (void)data;
    (void)path;
    (void)text;
    return EAGAIN;
}

static void
test_remove_gives_up(void)
{
    static const FerryKernelOps ops = { write_again };
    g_autoptr(Tree) tree = mtty_tree();
    const FerryKernel kernel = { tree->root, &ops, NULL };
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    g_assert_false(ferry_mdev_remove(&kernel, UUID, 50, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
}

static void
test_remove_later(void)
{
    g_autoptr(Tree) tree = mtty_tree();
    const FerryKernel kernel = kernel_of(tree);
    g_autoptr(GError) error = NULL;

    /* the kernel says EAGAIN while a creation goes on: it is tried again */
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    tree->write_errno = EAGAIN;
    g_assert_true(ferry_mdev_remove(&kernel, UUID, 5000, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(tree->n_writes, ==, 2);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    /* somebody else removed it meanwhile */
    tree->write_errno = ENODEV;
    g_assert_true(ferry_mdev_remove(&kernel, UUID, 1000, &error));
    tree->write_errno = EIO;
    g_assert_false(ferry_mdev_remove(&kernel, UUID, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mdev/create-and-remove", test_create_and_remove);
    g_test_add_func("/mdev/attributes-in-order", test_attributes_in_order);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/mdev/refuses/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refuses);
    }
    g_test_add_func("/mdev/types-not-published", test_types_not_published);
    g_test_add_func("/mdev/last-instance", test_last_instance);
    g_test_add_func("/mdev/remove-in-use", test_remove_in_use);
    g_test_add_func("/mdev/remove-that-blocks", test_remove_that_blocks);
    g_test_add_func("/mdev/remove-later", test_remove_later);
    g_test_add_func("/mdev/remove-gives-up", test_remove_gives_up);
    return g_test_run();
}
