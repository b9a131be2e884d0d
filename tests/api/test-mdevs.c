#include <errno.h>

#include "base/error.h"
#include "test-devices-fixture.h"

#define MTTY  "virtual/mtty/mtty"
#define MADE  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define OTHER "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"
#define VF0   "0000:03:10.0"

static TestHost *
host_new(void)
{
    TestHost *host = test_host_new();
    Tree *tree = host->tree;

    tree_parent(tree, MTTY, NULL, "mtty", 2);
    g_assert_cmpint(tree_mdev(tree, MTTY, "mtty-2", MADE), ==, 0);
    tree_file(
        tree, "etc/mdevctl.d/mtty/" MADE,
        "{\"mdev_type\": \"mtty-2\", \"start\": \"auto\", \"attrs\": [{\"a\": \"1\"}, {\"a\": "
        "\"2\"}]}");
    tree_file(tree, "etc/mdevctl.d/mtty/" OTHER,
              "{\"mdev_type\": \"mtty-1\", \"start\": \"manual\"}");
    tree_file(tree, "etc/mdevctl.d/matrix/" MADE, "{\"start\": \"manual\"}");
    test_host_look(host);
    return host;
}

/* A VF that is a vGPU, one that could be, of a driver without mdevs. */
static void
add_vgpus(TestHost *host)
{
    Tree *tree = host->tree;

    tree_pf(tree, "0000:03:00.0", NULL, "nvidia", 2, 2);
    tree_bind(tree, VF0, "nvidia");
    tree_bind(tree, "0000:03:10.2", "nvidia");
    tree_file(tree, "sys/bus/pci/devices/" VF0 "/nvidia/creatable_vgpu_types", "ID : vGPU Name");
    tree_file(tree, "sys/bus/pci/devices/" VF0 "/nvidia/current_vgpu_type", "1145");
    tree_file(tree, "sys/bus/pci/devices/0000:03:10.2/nvidia/creatable_vgpu_types",
              "ID : vGPU Name\n1145 : NVIDIA H100-4C\n1146 : NVIDIA H100-8C");
    tree_file(tree, "sys/bus/pci/devices/0000:03:10.2/nvidia/current_vgpu_type", "0");
    test_host_look(host);
}

typedef struct {
    const char *path, *value;
} Row;

static const Row list_rows[] = {
    { "mdevs.0.name", MADE },
    { "mdevs.0.uuid", MADE },
    { "mdevs.0.active", "true" },
    { "mdevs.0.defined", "true" },
    { "mdevs.0.autostart", "true" },
    { "mdevs.0.attrs.1.value", "2" },
    { "mdevs.0.state", "free" },
    { "mdevs.0.problem", NULL },
    { "mdevs.1.name", VF0 },
    { "mdevs.1.uuid", NULL },
    { "mdevs.1.type", "1145" },
    { "mdevs.1.defined", "false" },
    { "mdevs.2.parent", "matrix" }, /* the same UUID for another parent: not active there */
    { "mdevs.2.active", "false" },
    { "mdevs.2.state", "defined" },
    { "mdevs.2.problem", "not a definition of mdevctl: \"mdev_type\" is missing or no string" },
    { "mdevs.3.name", OTHER },
    { "mdevs.3.type", "mtty-1" },
    { "mdevs.3.autostart", "false" },
};

static void
test_list(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    add_vgpus(host);
    body = test_host_call(host, "GET", "/v1/mdevs", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(body, "mdevs")), ==, 4);
    for (size_t i = 0; i < G_N_ELEMENTS(list_rows); i++) {
        g_test_message("%s", list_rows[i].path);
        g_assert_cmpstr(test_text(body, list_rows[i].path), ==, list_rows[i].value);
    }
    json_decref(body);
}

static void
test_types(void)
{
    static const Row rows[] = {
        { "parents.2.name", "mtty" },
        { "parents.2.types.0.available", "22" },
        { "parents.0.name", VF0 },
        { "parents.0.note", "vGPU of type 1145" },
        { "parents.1.types.1.type", "1146" },
        { "parents.1.types.1.name", "NVIDIA H100-8C" },
        { "parents.1.note", "1 × 1145 or 1 × 1146" },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    add_vgpus(host);
    body = test_host_call(host, "GET", "/v1/mdevs/types", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(body, "parents")), ==, 3);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpstr(test_text(body, rows[i].path), ==, rows[i].value);
    json_decref(body);
}

static void
test_show(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *body = test_host_call(host, "GET", "/v1/mdevs/" MADE, NULL, 200);
    g_autofree char *xml = NULL;

    xml = g_strdup_printf("<device>\n"
                          "  <name>mdev_0d9f7f5c_2f0e_4a55_9c4d_6a1f54a1c001_mtty</name>\n"
                          "  <path>/sys/devices/virtual/mtty/mtty/" MADE "</path>\n"
                          "  <parent>virtual_mtty</parent>\n"
                          "  <driver>\n    <name>vfio_mdev</name>\n  </driver>\n"
                          "  <capability type='mdev'>\n"
                          "    <type id='mtty-2'/>\n"
                          "    <uuid>" MADE "</uuid>\n"
                          "    <iommuGroup number='%s'/>\n"
                          "    <attr name='a' value='1'/>\n"
                          "    <attr name='a' value='2'/>\n"
                          "    <start type='auto'/>\n"
                          "  </capability>\n"
                          "</device>\n",
                          test_text(body, "iommu_group"));
    g_assert_cmpstr(test_text(body, "xml"), ==, xml);
    json_decref(body);
    test_host_error(host, "GET", "/v1/mdevs/" OTHER, NULL, FERRY_ERROR_NOT_FOUND,
                    "there is no mediated device " OTHER ": see \"ferry mdev list\"");
    add_vgpus(host);
    body = test_host_call(host, "GET", "/v1/mdevs/" VF0, NULL, 200);
    g_assert_null(json_object_get(body, "xml")); /* it is a PCI device for libvirt */
    json_decref(body);
}

static void
test_remove(void)
{
    g_autoptr(TestHost) host = host_new();

    add_vgpus(host);
    g_assert_null(test_host_call(host, "DELETE", "/v1/mdevs/" MADE, NULL, 204));
    test_host_error(host, "DELETE", "/v1/mdevs/" MADE, NULL, FERRY_ERROR_NOT_FOUND,
                    "there is no mediated device " MADE ": see \"ferry mdev list\"");
    g_assert_null(test_host_call(host, "DELETE", "/v1/mdevs/" VF0, NULL, 204));
    g_assert_cmpstr(host->tree->last_write, ==,
                    "sys/bus/pci/devices/" VF0 "/nvidia/current_vgpu_type=0");
}

typedef struct {
    const char *name;
    bool is_claimed, is_open;
    const char *code, *message;
} RefuseRow;

static const RefuseRow refuse_rows[] = {
    { "claimed", true, false, "claimed", "it is used by guest g1 (ua-gpu0)" },
    { "in-use", true, true, "in-use", "it is used by guest g1 (ua-gpu0)" },
    { "foreign", false, true, "in-use",
      "it is used by process 4711 (qemu-system-x86, guest else)" },
};

/* Scenario C6: named, and nothing waits. */
static void
test_remove_refused(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    if (row->is_claimed)
        test_host_claim(host, "mtty/mtty-2", MADE);
    if (row->is_open)
        test_host_open(host, MADE, "else");
    body = test_host_call(host, "DELETE", "/v1/mdevs/" MADE, NULL, 409);
    g_assert_cmpstr(test_text(body, "detail"), ==, MADE " cannot be removed now");
    g_assert_cmpstr(test_text(body, "reasons.0.code"), ==, row->code);
    g_assert_cmpstr(test_text(body, "reasons.0.message"), ==, row->message);
    g_assert_cmpuint(host->tree->n_writes, ==, 0);
    json_decref(body);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mdevs/list", test_list);
    g_test_add_func("/mdevs/types", test_types);
    g_test_add_func("/mdevs/show", test_show);
    g_test_add_func("/mdevs/remove", test_remove);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/mdevs/remove-refused/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_remove_refused);
    }
    return g_test_run();
}
