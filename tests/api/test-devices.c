/* What an administrator sees: scenarios D1, D2, D3, D4, D7. */
#include <string.h>

#include "base/error.h"
#include "test-devices-fixture.h"

#define PF    "0000:03:00.0"
#define OTHER "0000:04:00.0"
#define VF0   "0000:03:10.0"
#define UUID  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

static void
set_up(TestHost *host)
{
    Tree *tree = host->tree;

    tree_pf(tree, PF, "eth3", "igb", 7, 7);
    tree_pf(tree, OTHER, "eth4", "igb", 7, 0);
    tree_bind(tree, VF0, "vfio-pci");
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    tree_parent(tree, "css0/0.0.0052", "css", "vfio_ccw", 1);
    tree_parent(tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 0);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-2", UUID), ==, 0);
    test_host_look(host);
}

static const json_t *
find(const json_t *devices, const char *name)
{
    const json_t *device = NULL;
    size_t i = 0;

    json_array_foreach(devices, i,
                       device) if (g_strcmp0(test_text(device, "name"), name) == 0) return device;
    return NULL;
}

typedef struct {
    const char *device, *key, *value;
} Row;

static const Row rows[] = {
    { PF, "roles.0", "pf" },
    { PF, "n_vfs", "7" },
    { PF, "note", "7 of 7 VFs" },
    { PF, "state", NULL }, /* a PF is nobody's */
    { OTHER, "n_vfs", "0" },
    { OTHER, "total_vfs", "7" },
    { OTHER, "note", "0 of 7 VFs: \"ferry pf set-vfs eth4 7\" makes them" },
    { VF0, "pf", PF },
    { VF0, "vf_index", "0" },
    { VF0, "driver", "vfio-pci" },
    { VF0, "state", "free" },
    { VF0, "note", "VF 0 of " PF },
    { "mtty", "capacity", "one_of" },
    { "mtty", "note", "22 × mtty-1 or 11 × mtty-2" },
    { "0.0.0052", "bus", "css" },
    { "0.0.0052", "types.0.type", "vfio_ccw-1" },
    { "0000:41:00.0", "note", "types not published yet: does its vendor's service run?" },
    { UUID, "parent", "mtty" },
    { UUID, "state", "free" },
    { UUID, "note", "mtty-2 of mtty" },
};

static void
test_list(void)
{
    g_autoptr(TestHost) host = test_host_new();
    json_t *body = NULL;

    set_up(host);
    host->tree->n_writes = 0;
    body = test_host_call(host, "GET", "/v1/devices", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(body, "devices")), ==, 2 + 7 + 3 + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const json_t *device = find(json_object_get(body, "devices"), rows[i].device);

        g_test_message("%s: %s", rows[i].device, rows[i].key);
        g_assert_nonnull(device);
        g_assert_cmpstr(test_text(device, rows[i].key), ==, rows[i].value);
    }
    g_assert_cmpuint(host->tree->n_writes, ==, 0); /* a look changes nothing */
    json_decref(body);
}

typedef struct {
    const char *name;
    const char *claim; /* (nullable) of guest g1 */
    bool is_open;
    const char *opener; /* (nullable): guest */
    const char *link;   /* (nullable) of its netdev */
    const char *state, *used_by;
} UseRow;

static const UseRow use_rows[] = {
    { "free", NULL, false, NULL, NULL, "free", NULL },
    { "claimed", PF "/vf0", false, NULL, NULL, "claimed", "guest g1 (ua-gpu0)" },
    { "other-claimed", PF "/vf1", false, NULL, NULL, "free", NULL },
    { "in-use", PF "/vf0", true, "g1", NULL, "in_use", "guest g1 (ua-gpu0)" },
    { "foreign-guest", NULL, true, "else", NULL, "foreign",
      "process 4711 (qemu-system-x86, guest else)" },
    { "foreign-process", NULL, true, NULL, NULL, "foreign", "process 4711 (qemu-system-x86)" },
    { "of-the-host", NULL, false, NULL, "up", "foreign", "the host itself as eth9" },
    { "idle-netdev", NULL, false, NULL, "down", "free", NULL },
};

static void
test_use(gconstpointer data)
{
    const UseRow *row = data;
    g_autoptr(TestHost) host = test_host_new();
    json_t *body = NULL;

    set_up(host);
    if (row->link != NULL) {
        tree_bind(host->tree, VF0, "igbvf");
        tree_file(host->tree, "sys/bus/pci/devices/" VF0 "/net/eth9/operstate", row->link);
        test_host_look(host);
    }
    if (row->claim != NULL)
        test_host_claim(host, row->claim, "");
    if (row->is_open)
        test_host_open(host, VF0, row->opener);
    body = test_host_call(host, "GET", "/v1/devices/" VF0, NULL, 200);
    g_assert_cmpstr(test_text(body, "state"), ==, row->state);
    g_assert_cmpstr(test_text(body, "used_by"), ==, row->used_by);
    g_assert_cmpstr(test_text(body, "claim.guest.name"), ==,
                    g_strcmp0(row->claim, PF "/vf0") == 0 ? "g1" : NULL);
    json_decref(body);
}

/* By the kernel's name, a netdev's, libvirt's, and a UUID in capitals. */
static void
test_names(void)
{
    static const char *const names[][2] = {
        { PF, PF },
        { "eth3", PF },
        { "pci_0000_03_00_0", PF },
        { "mtty_mtty", "mtty" },
        { "css_0_0_0052", "0.0.0052" },
        { "0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001", UUID },
    };
    g_autoptr(TestHost) host = test_host_new();

    set_up(host);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strconcat("/v1/devices/", names[i][0], NULL);
        json_t *body = test_host_call(host, "GET", path, NULL, 200);

        g_assert_cmpstr(test_text(body, "name"), ==, names[i][1]);
        json_decref(body);
    }
    test_host_error(host, "GET", "/v1/devices/eth9", NULL, FERRY_ERROR_NOT_FOUND,
                    "there is no device eth9 that guests could be given, or that makes such: see "
                    "\"ferry device list\"");
}

static void
test_facts(void)
{
    g_autoptr(TestHost) host = test_host_new();
    json_t *vf = NULL;
    json_t *mdev = NULL;
    json_t *pf = NULL;

    set_up(host);
    vf = test_host_call(host, "GET", "/v1/devices/" VF0, NULL, 200);
    mdev = test_host_call(host, "GET", "/v1/devices/" UUID, NULL, 200);
    pf = test_host_call(host, "GET", "/v1/devices/eth3", NULL, 200);
    g_assert_cmpstr(test_text(vf, "facts.driver"), ==, "igb");
    g_assert_cmpstr(test_text(mdev, "facts.mdev_type"), ==, "mtty-2");
    g_assert_null(json_object_get(pf, "facts"));
    json_decref(vf);
    json_decref(mdev);
    json_decref(pf);
}

/* Eight of a PF, six of them used: also after a new start, which has nothing but the store. */
static void
test_restart(void)
{
    g_autoptr(TestHost) host = test_host_new();
    json_t *before = NULL;
    json_t *after = NULL;

    set_up(host);
    test_host_claim(host, PF "/vf3", "");
    test_host_open(host, VF0, "else");
    before = test_host_call(host, "GET", "/v1/pfs/eth3", NULL, 200);
    g_assert_cmpstr(test_text(before, "used_vfs"), ==, "2");
    g_assert_cmpstr(test_text(before, "free_vfs"), ==, "5");
    ferry_watch_free(host->watch);
    host->watch = ferry_watch_new(host->tree->root, NULL, NULL, 60000, NULL);
    host->api.watch = host->watch;
    after = test_host_call(host, "GET", "/v1/pfs/eth3", NULL, 200);
    g_assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/devices/list", test_list);
    for (size_t i = 0; i < G_N_ELEMENTS(use_rows); i++) {
        g_autofree char *path = g_strconcat("/devices/use/", use_rows[i].name, NULL);
        g_test_add_data_func(path, &use_rows[i], test_use);
    }
    g_test_add_func("/devices/names", test_names);
    g_test_add_func("/devices/facts", test_facts);
    g_test_add_func("/devices/restart", test_restart);
    return g_test_run();
}
