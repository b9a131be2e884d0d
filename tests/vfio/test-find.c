#include "vfio/find.h"

#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "vfio/meta.h"

#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"

/* A small sysfs: an mdev in group 7, a function of group 9 with a device node, a group of two. */
typedef struct {
    char *root;
} Fixture;

static void
put(const Fixture *f, const char *path, const char *text)
{
    g_autofree char *whole = g_build_filename(f->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(whole);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(whole, text, -1, NULL));
}

static void
put_link(const Fixture *f, const char *path, const char *target)
{
    g_autofree char *whole = g_build_filename(f->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(whole);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_cmpint(symlink(target, whole), ==, 0);
}

#define MDEV "bus/mdev/devices/" UUID
#define VF   "bus/pci/devices/0000:3b:00.4"

static void
set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->root = g_dir_make_tmp("ferry-find-XXXXXX", NULL);
    put_link(f, MDEV "/iommu_group", "../../../../kernel/iommu_groups/7");
    put(f, "types/mtty-2/device_api", "vfio-pci\n");
    put_link(f, MDEV "/mdev_type", "../../../../types/mtty-2");
    put(f, MDEV "/vfio-dev/vfio0/uevent", ""); /* no number: a kernel without device nodes */
    put(f, VF "/vendor", "0x15b3\n");
    put(f, VF "/device", "0x101e\n");
    put(f, VF "/vfio-dev/vfio3/dev", "511:3\n");
    put(f, "kernel/iommu_groups/8/devices/0000:3b:00.5/x", "");
    put(f, "kernel/iommu_groups/8/devices/0000:3b:00.6/x", "");
    put(f, "kernel/iommu_groups/7/devices/" UUID "/x", "");
    put(f, "bus/pci/devices/0000:3b:00.0/vendor", "0x15b3\n");
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("rm -r %s", f->root);

    (void)data;
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(f->root);
}

static void
test_doors(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *name;
        FerryKernelDoor door;
        const char *node;
    } rows[] = {
        { UUID, FERRY_KERNEL_GROUP, "/dev/vfio/7" },
        { "0000:3B:00.4", FERRY_KERNEL_CDEV, "/dev/vfio/devices/vfio3" },
        { "/dev/vfio/7", FERRY_KERNEL_GROUP, "/dev/vfio/7" },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(FerryPlace) place = { 0 };

        g_assert_true(ferry_place_find(rows[i].name, f->root, &place, NULL));
        g_assert_cmpint(place.door, ==, rows[i].door);
        g_assert_cmpstr(place.node, ==, rows[i].node);
    }
}

static void
test_refusals(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *name;
        int code;
        const char *message;
    } rows[] = {
        { "gpu0", FERRY_ERROR_INVALID, "names no device" },
        { "0000:3b:00.9", FERRY_ERROR_INVALID, "names no device" },
        { "0000:ff:00.0", FERRY_ERROR_NOT_FOUND, "there is no device 0000:ff:00.0" },
        { "/dev/vfio/8", FERRY_ERROR_UNSUPPORTED, "IOMMU group 8 has 2 devices" },
        { "/dev/vfio/99", FERRY_ERROR_NOT_FOUND, "there is no IOMMU group 99" },
        { "/dev/vfio/devices/vfio9", FERRY_ERROR_NOT_FOUND, "there is no device" },
        { "0000:3b:00.0", FERRY_ERROR_UNSUPPORTED, "Its driver is none" },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(FerryPlace) place = { 0 };
        g_autoptr(GError) error = NULL;

        g_assert_false(ferry_place_find(rows[i].name, f->root, &place, &error));
        g_assert_error(error, FERRY_ERROR, rows[i].code);
        g_assert_nonnull(strstr(error->message, rows[i].message));
        g_assert_null(place.node);
    }
}

static void
test_facts(Fixture *f, gconstpointer data)
{
    g_auto(FerryPlace) mdev = { 0 };
    g_auto(FerryPlace) function = { 0 };
    g_autofree char *mdev_facts = NULL;
    g_autofree char *function_facts = NULL;

    (void)data;
    g_assert_true(ferry_place_find(UUID, f->root, &mdev, NULL));
    g_assert_true(ferry_place_find("0000:3b:00.4", f->root, &function, NULL));
    mdev_facts = ferry_place_describe(&mdev, f->root);
    function_facts = ferry_place_describe(&function, f->root);
    g_assert_nonnull(strstr(mdev_facts, "\"mdev_type\":\"mtty-2\""));
    g_assert_nonnull(strstr(mdev_facts, "\"device_api\":\"vfio-pci\""));
    g_assert_nonnull(strstr(function_facts, "\"device_id\":\"15b3:101e\""));
}

/* The description goes ahead of the stream and is judged by the compatibility engine. */
static void
test_meta(Fixture *f, gconstpointer data)
{
    static const char own[] = "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"a\","
                              "\"driver\":\"d\",\"firmware\":\"none\",\"kernel\":\"6.12\"}";
    static const char other[] = "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"b\","
                                "\"driver\":\"d\",\"firmware\":\"none\",\"kernel\":\"6.12\"}";
    FerryVfioDevice device = { .flags = 7 };
    g_autofree char *meta = ferry_meta_build(own, &device, (FerrySize){ 96, true });
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    (void)f;
    (void)data;
    g_assert_true(ferry_meta_check(meta, own, FERRY_META_STRICT, reasons, NULL, NULL));
    g_assert_cmpuint(reasons->len, ==, 0);
    g_assert_true(ferry_meta_check(meta, other, FERRY_META_STRICT, reasons, NULL, NULL));
    g_assert_cmpuint(reasons->len, ==, 1);
    g_assert_nonnull(strstr(reasons->pdata[0], "mdev_type"));
    g_assert_true(ferry_meta_check(meta, other, FERRY_META_CHECK_OFF, reasons, NULL, NULL));
    g_assert_cmpuint(reasons->len, ==, 1);
    g_assert_false(ferry_meta_check("{}", own, FERRY_META_STRICT, reasons, NULL, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
}

#define ADD(name, func) g_test_add("/find/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("doors", test_doors);
    ADD("refusals", test_refusals);
    ADD("facts", test_facts);
    ADD("meta", test_meta);
    return g_test_run();
}
