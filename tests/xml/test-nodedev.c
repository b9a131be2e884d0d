#include "xml/nodedev.h"

#include "base/error.h"
#include "example.h"
#include "xml/nodedev-parse.h"

/* All that was read, in one line, so that a row can say it. */
static char *
describe(const FerryNodedev *device)
{
    g_autoptr(GString) text = g_string_new(device->capability);

    g_string_append_printf(text, " %s parent %s driver %s", device->name, device->parent,
                           device->driver);
    if (device->address != NULL)
        g_string_append_printf(text, " at %s %s:%s", device->address, device->vendor,
                               device->product);
    if (device->pf != NULL)
        g_string_append_printf(text, " pf %s", device->pf);
    if (device->vfs != NULL)
        g_string_append_printf(text, " vfs %u of %d", device->vfs->len, device->max_vfs);
    for (guint i = 0; device->vfs != NULL && i < device->vfs->len; i++)
        g_string_append_printf(text, " %s", (const char *)g_ptr_array_index(device->vfs, i));
    for (guint i = 0; i < device->types->len; i++) {
        const FerryNodedevType *type = g_ptr_array_index(device->types, i);

        g_string_append_printf(text, " [%s|%s|%s|%u]", type->id, type->name, type->device_api,
                               type->available);
    }
    if (device->type != NULL)
        g_string_append_printf(text, " type %s uuid %s", device->type, device->uuid);
    for (guint i = 0; i < device->attrs->len; i++) {
        const FerryNodedevAttr *attr = g_ptr_array_index(device->attrs, i);

        g_string_append_printf(text, " %s=%s", attr->name, attr->value);
    }
    if (device->autostart)
        g_string_append(text, " auto");
    g_string_append_printf(text, " group %d numa %d", device->iommu_group, device->numa_node);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

typedef struct {
    const char *file;
    const char *expected;
} Row;

#define PORT "parent pci_0000_00_01_0 driver"

/* clang-format off */
static const Row rows[] = {
    { "nodedev-pci-mdev-types", "pci pci_0000_41_00_0 parent pci_0000_40_01_1 driver nvidia at 0000:41:00.0 0x10de:0x20b5"
      " [nvidia-471|GRID X-4C|vfio-pci|10] [nvidia-474|GRID X-20C|vfio-pci|2] [nvidia-475|(null)|vfio-pci|0] group 71 numa 1" },
    { "nodedev-sriov-pf", "pci pci_0000_03_00_0 " PORT " igb at 0000:03:00.0 0x8086:0x10c9 vfs 3 of 7"
      " 0000:03:10.0 0000:03:10.2 0000:03:10.4 group 16 numa -1" },
    { "nodedev-sriov-pf-no-vfs", "pci pci_0000_03_00_1 " PORT " (null) at 0000:03:00.1 0x8086:0x10c9 vfs 0 of 7 group -1 numa -1" },
    { "nodedev-sriov-vf", "pci pci_0000_03_10_2 " PORT " vfio-pci at 0000:03:10.2 0x8086:0x10ca pf 0000:03:00.0 group 44 numa -1" },
    { "nodedev-ap-matrix", "ap_matrix ap_matrix parent computer driver (null)"
      " [vfio_ap-passthrough|VFIO AP Passthrough Device|vfio-ap|4096] group -1 numa -1" },
    { "nodedev-css", "css css_0_0_0052 parent computer driver vfio_ccw [vfio_ccw-io|I/O subchannel (Non-QDIO)|vfio-ccw|1] group -1 numa -1" },
    { "nodedev-mdev", "mdev mdev_0d9f7f5c_2f0e_4a55_9c4d_6a1f54a1c001_0000_41_00_0 parent pci_0000_41_00_0 driver vfio_mdev"
      " type nvidia-474 uuid 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 nvidia/vgpu_params=frame_rate_limiter=0 group 81 numa -1" },
};

/* read with _parse_create */
static const Row create_rows[] = {
    { "mdev-create-uuid", "mdev (null) parent pci_0000_41_00_0 driver (null) type nvidia-474"
      " uuid 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 group -1 numa -1" },
    { "mdev-create-nouuid", "mdev (null) parent pci_0000_41_00_0 driver (null) type nvidia-474 uuid (null) group -1 numa -1" },
    { "mdev-create-attrs", "mdev (null) parent ap_matrix driver (null) type vfio_ap-passthrough uuid 5f7d6a6e-8a4c-4f2b-9f0e-0f6f3a2b7c10"
      " assign_adapter=0x05 assign_adapter=0x06 assign_domain=0x0004 auto group -1 numa -1" },
    /* the UUID in the name does not count here */
    { "nodedev-mdev", "mdev (null) parent pci_0000_41_00_0 driver (null) type nvidia-474 uuid (null)"
      " nvidia/vgpu_params=frame_rate_limiter=0 group 81 numa -1" },
};
/* clang-format on */

typedef bool Parse(const char *xml, FerryNodedev **ret, GError **error);

static void
check_example(const Row *row, Parse *parse)
{
    g_autofree char *xml = example(row->file);
    g_autoptr(FerryNodedev) device = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    g_assert_true(parse(xml, &device, &error));
    g_assert_no_error(error);
    text = describe(device);
    g_assert_cmpstr(text, ==, row->expected);
}

static void
test_example(gconstpointer data)
{
    check_example(data, ferry_nodedev_parse);
}

static void
test_create(gconstpointer data)
{
    check_example(data, ferry_nodedev_parse_create);
}

#define DEVICE(inside)   "<device><parent>p</parent>" inside "</device>"
#define CAP(kind, inner) DEVICE("<capability type='" kind "'>" inner "</capability>")
#define MDEV(inside)     CAP("mdev", "<type id='t'/>" inside)
#define PCI(inner)                                                                                 \
    CAP("pci", "<domain>0</domain><bus>1</bus><slot>0</slot><function>0</function>" inner)
#define INNER(kind, inside) CAP("css", "<capability type='" kind "'>" inside "</capability>")
#define TYPES(inside)       INNER("mdev_types", inside)

/* clang-format off */
static const RefuseRow refuse_rows[] = {
    { "mdev-create-no-type", NULL, "line 4, <capability>: the mdev's type is missing: <type id='…'/>" },
    { "nodedev-slot-range", NULL, "line 7, <slot>: \"32\" is not a number from 0 to 31" },
    { "empty", "", "node device XML is not XML: line 1: Document is empty" },
    { "other-root", "<network/>", "node device XML is not what it should be: line 1: the outermost element is <network> and not <device>" },
    { "no-capability", "<device/>", "line 1, <device>: no capability: <capability type='…'>" },
    { "capability-type", "<device>\n<capability/></device>", "line 2, <capability>: no capability: <capability type='…'>" },
    { "empty-type", CAP("mdev", "<type id=''/>"), "line 1, <type>: the mdev's type is missing: <type id='…'/>" },
    { "uuid", MDEV("<uuid>0d9f7f5c</uuid>"), "line 1, <uuid>: \"0d9f7f5c\" is not a UUID" },
    { "attr-value", MDEV("<attr name='a'/>"), "line 1, <attr>: the attribute \"name\" or \"value\" is missing or empty" },
    { "attr-name", MDEV("<attr name='' value='1'/>"), "line 1, <attr>: the attribute \"name\" or \"value\" is missing or empty" },
    { "start", MDEV("<start type='later'/>"), "line 1, <start>: type=\"later\" is neither auto nor manual" },
    { "start-none", MDEV("<start/>"), "line 1, <start>: type=\"\" is neither auto nor manual" },
    { "group", MDEV("<iommuGroup number='x'/>"), "line 1, <iommuGroup>: \"x\" is not a number from 0 to 2147483647" },
    { "numa", PCI("<numa node='-1'/>"), "line 1, <numa>: \"-1\" is not a number from 0 to 2147483647" },
    { "no-slot", CAP("pci", "<domain>0</domain><bus>1</bus>"), "line 1, <capability>: <slot> is missing" },
    { "hex-bus", CAP("pci", "<domain>0</domain><bus>0x1</bus>"), "line 1, <bus>: \"0x1\" is not a number from 0 to 255" },
    { "type-id", TYPES("<type/>"), "line 1, <type>: the attribute \"id\" is missing" },
    { "type-twice", TYPES("<type id='a'/><type id='a'/>"), "line 1, <type>: the type \"a\" stands here twice" },
    { "type-number", TYPES("<type id='a'><availableInstances>many</availableInstances></type>"),
      "line 1, <type>: \"many\" is not a number from 0 to 2147483647" },
    { "max-count", INNER("virt_functions", "") "<!--", "node device XML is not XML: line 1: Comment not terminated" },
    { "vf-count", CAP("pci", "<capability type='virt_functions' maxCount='70000'/>"), "line 1, <capability>: \"70000\" is not a number from 0 to 65535" },
    { "vf-address", INNER("virt_functions", "<address bus='1' slot='0x20' function='0'/>"),
      "line 1, <address>: slot=\"0x20\" is not a number up to 0x1f, in decimal or as 0x…" },
    { "no-pf", INNER("phys_function", ""), "line 1, <capability>: the VF's PF is missing, an <address>" },
};

static const RefuseRow create_refuse_rows[] = {
    { "mdev-create-no-type", NULL, "line 4, <capability>: the mdev's type is missing: <type id='…'/>" },
    { "not-mdev", PCI(""), "line 1, <capability>: only an mdev can be created, and this is \"pci\"" },
    { "no-parent", "<device><capability type='mdev'><type id='t'/></capability></device>", "line 1, <device>: the mdev's <parent> is missing" },
};
/* clang-format on */

static void
check_refusal(const RefuseRow *row, Parse *parse)
{
    g_autofree char *xml = example_refused(row);
    FerryNodedev *device = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(parse(xml, &device, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(device);
}

static void
test_refuses(gconstpointer data)
{
    check_refusal(data, ferry_nodedev_parse);
}

static void
test_create_refuses(gconstpointer data)
{
    check_refusal(data, ferry_nodedev_parse_create);
}

static void
test_too_many(void)
{
    g_autoptr(GString) xml = g_string_new("<device><capability type='mdev'><type id='t'/>");
    FerryNodedev *device = NULL;
    g_autoptr(GError) error = NULL;

    for (int i = 0; i <= FERRY_NODEDEV_MAX_ITEMS; i++)
        g_string_append(xml, "<attr name='a' value='b'/>");
    g_string_append(xml, "</capability></device>");
    g_assert_false(ferry_nodedev_parse(xml->str, &device, &error));
    g_assert_cmpstr(error->message, ==, "line 1, <attr>: more than 4096 of these");
}

/* What ferry writes, ferry reads, whatever stands in the strings. */
static void
test_format_round_trip(void)
{
    g_autoptr(FerryNodedev) mdev = ferry_nodedev_new("mdev");
    g_autoptr(FerryNodedev) again = NULL;
    g_autofree char *xml = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    mdev->name = g_strdup("mdev_x");
    mdev->parent = g_strdup("pci_0000_41_00_0");
    mdev->driver = g_strdup("vfio<mdev");
    mdev->type = g_strdup("a'b");
    mdev->uuid = g_strdup("0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001");
    mdev->iommu_group = 7;
    mdev->autostart = true;
    ferry_nodedev_add_attr(mdev, "b", "\"2' & <");
    ferry_nodedev_add_attr(mdev, "a", "1");
    ferry_nodedev_add_attr(mdev, "b", "");
    xml = ferry_nodedev_format_mdev(mdev);
    g_assert_true(ferry_nodedev_parse(xml, &again, NULL));
    before = describe(mdev);
    after = describe(again);
    g_assert_cmpstr(before, ==, after);
}

typedef struct {
    const char *name;
    const char *kernel_name;
    bool same;
} NameRow;

static const NameRow name_rows[] = {
    { "0000:41:00.0", "0000:41:00.0", true },
    { "pci_0000_41_00_0", "0000:41:00.0", true },
    { "ap_matrix", "matrix", true },
    { "matrix", "matrix", true },
    { "css_0_0_0052", "0.0.0052", true },
    { "mtty_mtty", "mtty", true },
    { "mtty", "mtty", true },
    { "pci_0000_41_00_1", "0000:41:00.0", false },
    { "pci_10000_01_00_0", "10000:01:00.0", true },
    { "MTTY", "mtty", false },
    { "pci_8086_27c5", "0000:41:00.0", false },
    { "_mtty", "mtty", false },
    { "", "mtty", false },
    { "mtty_", "mtty", false },
    { "0000_41_00_0", "0000:41:00.0", false },
};

static void
test_names(void)
{
    g_autofree char *pci = ferry_nodedev_name("pci", "0000:41:00.0");
    g_autofree char *matrix = ferry_nodedev_name("matrix", "matrix");

    g_assert_cmpstr(pci, ==, "pci_0000_41_00_0");
    g_assert_cmpstr(matrix, ==, "ap_matrix");
    for (size_t i = 0; i < G_N_ELEMENTS(name_rows); i++) {
        const NameRow *row = &name_rows[i];

        if (ferry_nodedev_is_named(row->name, row->kernel_name) != row->same)
            g_error("\"%s\" and \"%s\"", row->name, row->kernel_name);
    }
}

#define ADD_ROWS(prefix, table, key, func)                                                         \
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {                                             \
        g_autofree char *path = g_strconcat("/nodedev/" prefix "/", (table)[i].key, NULL);         \
        g_test_add_data_func(path, &(table)[i], func);                                             \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("example", rows, file, test_example);
    ADD_ROWS("create", create_rows, file, test_create);
    ADD_ROWS("refuses", refuse_rows, name, test_refuses);
    ADD_ROWS("create-refuses", create_refuse_rows, name, test_create_refuses);
    g_test_add_func("/nodedev/too-many", test_too_many);
    g_test_add_func("/nodedev/format-round-trip", test_format_round_trip);
    g_test_add_func("/nodedev/names", test_names);
    return g_test_run();
}
