#include "host/mediated.h"

#include "base/file.h"
#include "host/sysfs.h"
#include "tree.h"

/* What a parent has left is the same in both ways of reading it; the cheap one reads no more. */
static void
test_left(void)
{
    static const struct {
        const char *name, *folder, *bus;
        unsigned n_types;
    } rows[] = {
        { "0000:41:00.0", "pci0000:40/0000:41:00.0", "pci", 3 },
        { "mtty", "virtual/mtty/mtty", NULL, 2 },
        { "late", "virtual/late/late", NULL, 0 },
    };
    g_autoptr(Tree) tree = tree_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        tree_parent(tree, rows[i].folder, rows[i].bus, "bench", rows[i].n_types);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FERRY_AUTOFD int classes = ferry_sysfs_open(tree->root, "sys/class/mdev_bus");
        g_autoptr(FerryHostDevice) all = ferry_mediated_read_parent(classes, rows[i].name);
        g_autoptr(FerryHostDevice) left = ferry_mediated_read_left(classes, rows[i].name);

        g_assert_cmpstr(left->name, ==, rows[i].name);
        g_assert_cmpint(left->roles, ==, FERRY_HOST_PARENT);
        g_assert_cmpuint(left->types != NULL ? left->types->len : 0, ==, rows[i].n_types);
        for (unsigned n = 0; n < rows[i].n_types; n++) {
            const FerryHostType *type = g_ptr_array_index(left->types, n);
            const FerryHostType *like = ferry_host_device_type(all, type->id);

            g_assert_cmpuint(type->available, ==, like->available);
            g_assert_cmpuint(type->available, >, 0);
            g_assert_null(type->device_api);
            g_assert_cmpstr(like->device_api, ==, "vfio-pci");
        }
        g_assert_null(ferry_mediated_read_left(classes, "gone"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mediated/left", test_left);
    return g_test_run();
}
