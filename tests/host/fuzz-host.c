/*
 * libFuzzer target: any bytes as what sysfs and files of facts hold.  The first byte says where
 * the rest goes; whatever it is, a look ends, and what it found can be shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/facts-dir.h"
#include "host/inventory.h"
#include "host/json.h"
#include "tree.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

#define PF   "sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/"
#define VF   "sys/devices/pci0000:00/0000:00:01.0/0000:03:10.0/"
#define MTTY "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/"

static const char *const files[] = {
    PF "uevent",
    PF "sriov_totalvfs",
    PF "numa_node",
    PF "net/eth3/operstate",
    PF "net/eth4/phys_port_name",
    VF "uevent",
    VF "nvidia/creatable_vgpu_types",
    VF "nvidia/current_vgpu_type",
    MTTY "available_instances",
    MTTY "description",
    MTTY "name",
    "etc/ferry/facts.d/x.json",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once: that takes longer than a look. */
static Tree *tree;

static void
remove_tree(void)
{
    tree_free(tree);
}

static void
make_tree(void)
{
    if (access("/dev/shm", W_OK) == 0) /* ext4 writes out what it replaces: far slower */
        (void)g_setenv("TMPDIR", "/dev/shm", TRUE);
    tree = tree_new();
    (void)atexit(remove_tree);
    tree_pf(tree, "0000:03:00.0", "eth3", NULL, 7, 1);
    tree_bind(tree, "0000:03:10.0", "nvidia");
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
}

static void
complete_facts(void)
{
    g_autoptr(FerryFactsDir) facts_files = ferry_facts_dir_read(tree->root);
    g_autoptr(json_t) facts = json_pack("{s:s, s:s}", "driver", "mtty", "class", "mdev");

    ferry_facts_dir_complete(facts_files, facts);
    g_assert_cmpstr(json_string_value(json_object_get(facts, "driver")), ==, "mtty");
}

static void
look(void)
{
    g_autoptr(FerryInventory) inventory = NULL;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    for (unsigned i = 0; i < ferry_inventory_n_devices(inventory); i++) {
        g_autoptr(json_t) json = ferry_host_json(ferry_inventory_device(inventory, i), NULL);

        g_assert_nonnull(json);
    }
    complete_facts();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *file = size > 0 ? files[data[0] % G_N_ELEMENTS(files)] : files[0];
    g_autofree char *text = g_strndup((const char *)data + (size > 0), size - (size > 0));
    g_autofree char *path = NULL;
    g_autofree char *before = NULL;

    if (tree == NULL)
        make_tree();
    path = g_build_filename(tree->path, file, NULL);
    (void)g_file_get_contents(path, &before, NULL, NULL);
    tree_file(tree, file, text);
    look();
    tree_file(tree, file, before != NULL ? before : "");
    return 0;
}
