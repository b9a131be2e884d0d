#include "migrate/survey.h"

#include <string.h>

#include "tree.h"

#define UUID  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define WHOLE "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c003" /* of a kernel with IOMMUFD */
#define GONE  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"

#define GUEST(metadata, devices, more)                                                             \
    "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"                  \
    "<name>web</name><uuid>0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e</uuid><memory>1024</memory>"       \
    "<os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>"                                \
    "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>" metadata                             \
    "</ferry:guest></metadata><devices>" devices "</devices>" more "</domain>"
#define MDEV(uuid)                                                                                 \
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" uuid          \
    "'/></source><alias name='ua-gpu0'/></hostdev>"
#define VF(function)                                                                               \
    "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/><source>"           \
    "<address type='pci' domain='0' bus='3' slot='0x10' function='" function                       \
    "'/></source><alias name='ua-vf'/></interface>"
#define OVERRIDE                                                                                   \
    "<qemu:override><qemu:device alias='ua-gpu0'><qemu:frontend>"                                  \
    "<qemu:property name='x-device-dirty-page-tracking' type='string' value='off'/>"               \
    "<qemu:property name='enable-migration' type='string' value='on'/>"                            \
    "</qemu:frontend></qemu:device></qemu:override>"
#define MANAGED                                                                                    \
    "<ferry:mdev alias='ua-gpu0' pool='gpus' type='mtty-1' managed='yes'>"                         \
    "<ferry:attr name='x' value='7'/></ferry:mdev>"
#define VIRTIO                                                                                     \
    "<interface type='direct'><mac address='52:54:00:00:00:01'/><source dev='eth3'/>"              \
    "<model type='virtio'/><alias name='ua-net0'/></interface>"
#define HYBRID                                                                                     \
    "<ferry:hybrid alias='ua-net0' pool='fast' vf-alias='ua-vf' vf-address='0000:07:00.0' "        \
    "on-no-vf='degrade'/>"

typedef struct {
    const char *name;
    const char *xml;
    const char *needs;   /* "way alias" of each, joined with ", " */
    const char *code;    /* NULL: no reason */
    const char *part;    /* of its message */
    const char *devices; /* (nullable) of --device */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nothing", GUEST("", "<interface type='user'><alias name='ua-n'/></interface>", ""), "", NULL, NULL, NULL },
    { "managed-mdev", GUEST(MANAGED, MDEV(UUID), OVERRIDE), "state ua-gpu0", NULL, NULL, NULL },
    { "no-override", GUEST(MANAGED, MDEV(UUID), ""), "state ua-gpu0", "dirty-tracking-missing", "<qemu:device alias='ua-gpu0'>", NULL },
    { "no-override-needed", GUEST(MANAGED, MDEV(WHOLE), ""), "state ua-gpu0", NULL, NULL, NULL },
    { "unseen-mdev", GUEST(MANAGED, MDEV(GONE), OVERRIDE), "", "device-unknown", GONE, NULL },
    { "foreign-mdev", GUEST("", MDEV(UUID), OVERRIDE), "", "device-cannot-travel", "--device ua-gpu0=UUID", NULL },
    { "foreign-mdev-with-facts", GUEST("<ferry:mdev alias='ua-gpu0' type='mtty-1'/>", MDEV(UUID), OVERRIDE), "", "device-cannot-travel", "made by somebody else", NULL },
    { "given-mdev", GUEST("", MDEV(UUID), OVERRIDE), "state ua-gpu0", NULL, NULL, "{\"ua-gpu0\": \"" GONE "\"}" },
    { "plain-vf", GUEST("", VF("0"), ""), "", "device-cannot-travel", "its driver cannot migrate it", NULL },
    { "variant-vf", GUEST("", VF("2"), ""), "state ua-vf", NULL, NULL, NULL },
    { "ephemeral-vf", GUEST("<ferry:ephemeral alias='ua-vf' pool='fast'/>", VF("0"), ""), "ephemeral ua-vf", NULL, NULL, NULL },
    { "ephemeral-vf-no-pool", GUEST("<ferry:ephemeral alias='ua-vf'/>", VF("0"), ""), "", "device-needs-pool", "0000:03:10.0", NULL },
    { "ephemeral-mdev", GUEST("<ferry:ephemeral alias='ua-gpu0' pool='gpus'/>", MDEV(UUID), ""), "ephemeral ua-gpu0", NULL, NULL, NULL },
    { "ephemeral-usb", GUEST("<ferry:ephemeral alias='ua-key'/>", "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source><alias name='ua-key'/></hostdev>", ""), "", NULL, NULL, NULL },
    { "hybrid", GUEST(HYBRID, VIRTIO, ""), "hybrid ua-net0", NULL, NULL, NULL },
    { "hybrid-with-vf", GUEST(HYBRID, VIRTIO VF("0"), ""), "hybrid ua-net0", NULL, NULL, NULL },
    { "hybrid-slot-taken", GUEST(HYBRID, VIRTIO "<interface type='user'><alias name='ua-n'/><address type='pci' domain='0' bus='7' slot='0' function='0'/></interface>", ""), "hybrid ua-net0", "no-hot-plug-slot", "0000:07:00.0 for its VF, and ua-n sits there", NULL },
    { "no-alias", GUEST("", "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='3' slot='0x10' function='0'/></source></hostdev>", ""), "", "device-cannot-travel", "0000:03:10.0", NULL },
};
/* clang-format on */

/* A host with an mdev, a PF with a plain VF and one under a driver that can migrate. */
static Tree *
make_tree(void)
{
    Tree *tree = tree_new();
    g_autofree char *cdev = NULL;

    tree->ports = 24;
    tree_pf(tree, "0000:03:00.0", "eth3", "mlx5_core", 7, 2);
    tree_bind(tree, "0000:03:10.0", "vfio-pci");
    tree_bind(tree, "0000:03:10.2", "mlx5_vfio_pci");
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    cdev = g_strdup_printf("sys/class/vfio-dev/vfio%u", tree->n_groups);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", WHOLE), ==, 0);
    tree_remove(tree, cdev); /* Debian's kernel has no device cdevs */
    return tree;
}

static char *
describe(const GPtrArray *needs)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(needs, i);

        g_string_append_printf(text, "%s%s %s", i == 0 ? "" : ", ", ferry_way_name(need->way),
                               need->alias);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static GPtrArray *
survey(const char *xml, const char *devices, json_t *reasons)
{
    g_autoptr(Tree) tree = make_tree();
    g_autoptr(FerryInventory) inventory = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    FerrySurveyHost host = { .root = tree->root, .ops = tree_drivers() };
    json_t *given = devices == NULL ? NULL : json_loads(devices, 0, NULL);
    GPtrArray *needs = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    host.inventory = inventory;
    host.devices = given;
    g_assert_true(ferry_domain_parse(xml, &domain, &error));
    g_assert_no_error(error);
    ferry_survey(domain, xml, &host, needs, reasons);
    json_decref(given);
    return needs;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    json_t *reasons = json_array();
    g_autoptr(GPtrArray) needs = survey(row->xml, row->devices, reasons);
    g_autofree char *text = describe(needs);
    const json_t *first = json_array_get(reasons, 0);

    g_assert_cmpstr(text, ==, row->needs);
    g_assert_cmpuint(json_array_size(reasons), ==, row->code == NULL ? 0 : 1);
    if (row->code != NULL) {
        g_assert_cmpstr(json_string_value(json_object_get(first, "code")), ==, row->code);
        g_assert_nonnull(strstr(json_string_value(json_object_get(first, "message")), row->part));
    }
    json_decref(reasons);
}

/* What is asked for comes from the metadata, what is known from the device; neither names the
 * source's own UUID but as a label. */
static void
test_managed_mdev(void)
{
    json_t *reasons = json_array();
    g_autoptr(GPtrArray) needs = survey(GUEST(MANAGED, MDEV(UUID), OVERRIDE), NULL, reasons);
    const FerryPlanNeed *need = g_ptr_array_index(needs, 0);
    const FerryNeedAttr *attr = g_ptr_array_index(need->attrs, 0);

    g_assert_cmpstr(need->pool, ==, "gpus");
    g_assert_cmpstr(need->type, ==, "mtty-1");
    g_assert_null(need->parent);
    g_assert_null(need->device);
    g_assert_cmpstr(attr->name, ==, "x");
    g_assert_cmpstr(attr->value, ==, "7");
    g_assert_cmpstr(json_string_value(json_object_get(need->facts, "mdev_type")), ==, "mtty-1");
    json_decref(reasons);
}

static void
test_hybrid(void)
{
    json_t *reasons = json_array();
    g_autoptr(GPtrArray) needs = survey(GUEST(HYBRID, VIRTIO, ""), NULL, reasons);
    const FerryPlanNeed *need = g_ptr_array_index(needs, 0);

    g_assert_cmpstr(need->pool, ==, "fast");
    g_assert_cmpstr(need->vf_alias, ==, "ua-vf");
    g_assert_cmpstr(need->vf_address, ==, "0000:07:00.0");
    g_assert_cmpstr(need->mac, ==, "52:54:00:00:00:01");
    g_assert_true(need->may_degrade);
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/survey/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/survey/managed-mdev-in-full", test_managed_mdev);
    g_test_add_func("/survey/hybrid-in-full", test_hybrid);
    return g_test_run();
}
