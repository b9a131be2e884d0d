#include "xml/convert.h"

#include "base/error.h"
#include "convert-fixture.h"
#include "example.h"
#include "xml/domain.h"
#include "xml/network.h"

/* Each example says in its first line what it shows, and here is what comes of it. */
typedef struct {
    const char *file;
    unsigned n_changed;
    const char *element; /* (nullable) of ferry's metadata */
    const char *has;     /* (nullable) what became of the device */
    const char *has_not; /* (nullable) */
} ExampleRow;

#define ADDRESS_1 "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"
#define HYBRID_0                                                                                   \
    "<ferry:hybrid alias='ua-ferry0' pool='net-x' vf-alias='ua-ferry0-vf' "                        \
    "vf-address='0000:03:00.0' on-no-vf='refuse'/>"

/* clang-format off */
static const ExampleRow examples[] = {
    { "domain-mdev-uuid.xml", 0, NULL, NULL, NULL },
    { "domain-mdev-managed-parent-name.xml", 1, "<ferry:mdev alias='ua-gpu0' type='nvidia-474' parent='0000:41:00.0' managed='yes'/>",
      "<hostdev mode='subsystem' type='mdev' model='vfio-pci'>\n      <source>\n        <address uuid='c0ffee", "<parent>" },
    { "domain-mdev-managed-parent-address.xml", 1, "<ferry:mdev alias='ua-ferry0' type='nvidia-474' parent='0000:41:00.0' managed='yes'/>",
      "</source>\n      <alias name='ua-ferry0'/>\n    </hostdev>", "<parent>" },
    { "domain-mdev-managed-uuid.xml", 1, "<ferry:mdev alias='ua-ferry0' type='mtty-2' parent='mtty' managed='yes'/>",
      "<source>\n        <address uuid='0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c004'/>\n      </source>", "<type id" },
    { "domain-mdev-vendor-product-type.xml", 1, "<ferry:mdev alias='ua-gpu0' type='nvidia-474' vendor-id='0x10de' product-id='0x20b5'/>",
      "<source>\n        <address uuid='0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c005'/>\n      </source>", "<mdevtype>" },
    { "domain-mdev-metadata.xml", 0, NULL, NULL, NULL },
    { "domain-mdev-facts-metadata.xml", 0, NULL, NULL, NULL },
    { "domain-hybrid-one-element.xml", 1, HYBRID_0, "<interface type='network'>\n      <mac address='52:54:00:5e:00:07'/>\n"
      "      <source network='net-x'/>\n      <alias name='ua-ferry0'/>\n      <model type='virtio'/>\n      <teaming type='persistent'/>\n      " ADDRESS_1, "hostdev" },
    { "domain-hybrid-fixed-vf.xml", 2, HYBRID_0, "<source network='net-x'/>\n      <alias name='ua-ferry0'/>\n      <mac address='52:54:00:c0:ff:ee'/>", "slot='0x10'" },
    { "domain-hybrid-by-network.xml", 1, HYBRID_0, "<model type='virtio'/>\n      <alias name='ua-ferry0'/>\n      <teaming type='persistent'/>\n      " ADDRESS_1, NULL },
    { "domain-hybrid-metadata.xml", 0, NULL, NULL, NULL },
    { "domain-hybrid-vlan-metadata.xml", 0, NULL, NULL, NULL },
    { "domain-teaming-pair.xml", 0, NULL, NULL, NULL },
    { "domain-ephemeral-attribute.xml", 1, "<ferry:ephemeral alias='ua-card0'/>", "<hostdev mode='subsystem' type='pci' managed='yes'>", "ephemeral='yes'" },
    { "domain-ephemeral-metadata.xml", 0, NULL, NULL, NULL },
    { "domain-vf-variant-driver.xml", 0, NULL, NULL, NULL },
    { "domain-live.xml", 0, NULL, NULL, NULL },
};
/* clang-format on */

static void
test_example(gconstpointer data)
{
    const ExampleRow *row = data;
    g_autofree char *xml = example_read(FERRY_XML_EXAMPLES, row->file);
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out = fixture_convert(xml, &notes);
    g_autoptr(FerryDomain) domain = NULL;

    g_assert_cmpuint(fixture_count(notes, FERRY_NOTE_CHANGED), ==, row->n_changed);
    if (row->n_changed == 0)
        g_assert_cmpstr(out, ==, xml);
    fixture_assert_has(out, row->element);
    fixture_assert_has(out, row->has);
    g_assert_true(row->has_not == NULL || strstr(out, row->has_not) == NULL);
    g_assert_true(ferry_domain_parse(out, &domain, NULL)); /* what was written can be read */
    fixture_assert_settled(out);
}

static const struct {
    const char *file;
    const char *message;
} refused[] = {
    { "refused/domain-mdev-pci-source.xml",
      "line 21, <address>: an mdev has no PCI address on the host: name it by UUID, or write "
      "managed='yes' with <parent> and <type>" },
    { "refused/domain-mdev-no-model.xml",
      "line 19, <hostdev>: the attribute model is missing: vfio-pci, vfio-ccw or vfio-ap" },
    { "refused/domain-mdev-duplicate-uuid.xml",
      "line 26, <address>: the mdev 0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C084 is in another device of "
      "this guest already: give each its own" },
    { "refused/domain-mdev-managed-no-type.xml",
      "line 19, <hostdev>: a managed mdev needs its type, <type id='…'/> in <source>: ferry does "
      "not choose one; see \"ferry mdev types\"" },
    { "refused/domain-teaming-broken.xml",
      "line 31, <teaming>: no device of this guest has the alias ua-net9 of its other half" },
    { "refused/domain-hybrid-vlan.xml",
      "line 22, <vlan>: the VLAN of a hybrid is its pool's, and net-x has none: after a failover "
      "the guest would be in another network; take <vlan> out, or use a pool with this VLAN" },
    { "refused/domain-hybrid-qbh.xml",
      "line 22, <virtualport>: a hybrid takes no port profile (802.1Qbh): its virtio half would be "
      "outside of it; use a VF alone, <interface type='hostdev'>" },
};

static void
test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *xml = example_read(FERRY_XML_EXAMPLES, refused[i].file);

        fixture_refuse(xml, refused[i].message);
    }
}

/* A file that has no row is a mistake, not an example. */
static void
test_every_example_has_a_row(void)
{
    g_autoptr(GDir) folder = g_dir_open(FERRY_XML_EXAMPLES, 0, NULL);
    const char *file = NULL;

    while ((file = g_dir_read_name(folder)) != NULL) {
        bool found = !g_str_has_prefix(file, "domain-");

        for (size_t i = 0; !found && i < G_N_ELEMENTS(examples); i++)
            found = strcmp(examples[i].file, file) == 0;
        if (!found)
            g_error("%s has no row", file);
    }
}

/* What others write into their guests, and ferry has no part in. */
static const struct {
    const char *file;
    const char *feature;
} foreign[] = {
    { "nova.xml", "<nova:name>web &amp; db</nova:name>" },
    { "nova.xml", "<shares>1024</shares>" },
    { "nova.xml", "<entry name='product'>OpenStack Nova</entry>" },
    { "nova.xml", "<timer name='hpet' present='no'/>" },
    { "nova.xml", "<source protocol='rbd' name='vms/disk'>" },
    { "nova.xml", "<secret type='ceph' uuid='6f1d2c1e-7d3b-4a57-8a44-0000000000c1'/>" },
    { "nova.xml", "<parameters interfaceid='6f1d2c1e-7d3b-4a57-8a44-0000000000c2'/>" },
    { "nova.xml", "<mtu size='1450'/>" },
    { "nova.xml", "<log file='/var/log/libvirt/console.log' append='off'/>" },
    { "nova.xml", "<stats period='10'/>" },
    { "nova.xml", "<backend model='random'>/dev/urandom</backend>" },
    { "elsewhere/virt-install.xml", "<libosinfo:os id=\"http://debian.org/debian/12\"/>" },
    { "elsewhere/virt-install.xml", "<controller type='pci' model='pcie-root-port'/>" },
    { "elsewhere/virt-install.xml", "<target type='virtio' name='com.redhat.spice.0'/>" },
    { "elsewhere/virt-install.xml", "<audio id='1' type='spice'/>" },
    { "elsewhere/virt-install.xml", "<redirdev bus='usb' type='spicevmc'/>" },
    { "elsewhere/virt-install.xml", "<watchdog model='itco' action='reset'/>" },
    { "elsewhere/aarch64.xml", "<backend type='emulator' version='2.0'/>" },
    { "elsewhere/virt-install.xml",
      "<backend type='passthrough'><device path='/dev/tpm0'/></backend>" },
    { "elsewhere/virt-install.xml", "<link state='down'/>" },
    { "realtime.xml", "<page size='2' unit='MiB' nodeset='0'/>" },
    { "realtime.xml", "<vcpusched vcpus='0' scheduler='fifo' priority='1'/>" },
    { "realtime.xml", "<memnode cellid='0' mode='preferred' nodeset='0'/>" },
    { "realtime.xml", "<cell id='0' cpus='0-1' memory='2' unit='GiB' memAccess='shared'/>" },
    { "realtime.xml", "<target chassis='1' port='0x10' hotplug='off'/>" },
    { "realtime.xml", "<controller type='pci' index='9' model='pcie-expander-bus'>" },
    { "realtime.xml", "<source type='unix' path='/run/vhost.sock' mode='server'/>" },
    { "realtime.xml", "<memory model='dimm'>" },
    { "realtime.xml", "<driver intremap='on' caching_mode='on' iotlb='on'/>" },
    { "realtime.xml", "<seclabel type='none' model='none'/>" },
    { "passthrough.xml", "<!-- the card in slot 3 -->" },
    { "passthrough.xml", "<address domain='0' bus='06' slot='0' function='0'/>" },
    { "passthrough.xml", "<source startupPolicy='optional'>" },
    { "passthrough.xml", "<hostdev mode='subsystem' type='scsi' sgio='filtered' rawio='yes'>" },
    { "passthrough.xml", "type='mdev' managed='yes' model='vfio-pci' display='off'>" },
    { "passthrough.xml", "<parameters profileid='finance'/>" },
    { "passthrough.xml", "<driver type='virtiofs' queue='1024'/>" },
    { "passthrough.xml", "<cid auto='no' address='42'/>" },
    { "passthrough.xml", "<shmem name='ring' role='peer'>" },
    { "passthrough.xml", "<crypto model='virtio' type='qemu'>" },
    { "passthrough.xml", "<qemu:arg value='driver=cfi.pflash01,property=secure,value=on'/>" },
    { "passthrough.xml", "<cmdline>console=ttyS0 root=\"/dev/vda\"</cmdline>" },
    { "windows.xml", "\t<uuid>6F1D2C1E-7D3B-4A57-8A44-0000000000B5</uuid>" },
    { "elsewhere/aarch64.xml", "<feature enabled='no' name='secure-boot'/>" },
    { "windows.xml", "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/var/lib/win.fd</nvram>" },
    { "windows.xml", "<spinlocks state='on' retries='8191'/>" },
    { "windows.xml", "win &apos;10&apos;.qcow2" },
    { "windows.xml", "<interface type='direct' trustGuestRxFilters='yes'>" },
    { "pairs.xml", "<teaming type='transient' persistent='ua-a'/>" },
    { "pairs.xml", "<teaming type='transient' persistent='ua-b'/>" },
    { "odd.xml", "<![CDATA[<hostdev type='mdev'/> & more]]>" },
    { "odd.xml", "<?author someone?>" },
    { "odd.xml", "Gr&#252;&#xDF;e, 日本 &lt;here&gt;" },
    { "odd.xml", "slot='037'" },
    { "old-pc.xml", "<uid start='0' target='1000' count='10'/>" },
    { "old-pc.xml", "<hard_limit unit='KiB'>1048576</hard_limit>" },
    { "old-pc.xml", "<target dev='fda' bus='fdc'/>" },
    { "elsewhere/pseries.xml", "<nvram><address type='spapr-vio' reg='0x3000'/></nvram>" },
    { "elsewhere/aarch64.xml", "<iommu model='smmuv3'/>" },
    { "elsewhere/s390x.xml", "model='vfio-ccw'>" },
    { "elsewhere/s390x.xml", "<hostdev mode='subsystem' type='mdev' model='vfio-ap'>" },
};

/* Returns: (transfer full): @xml with one more device, which must be converted */
static char *
with_mdev(const char *xml)
{
    static const char mdev[] =
        "<hostdev type='mdev' managed='yes' model='vfio-pci'><source><type id='mtty-2'/>"
        "<parent>mtty</parent></source></hostdev></devices>\n";
    g_auto(GStrv) parts = g_strsplit(xml, "</devices>\n", -1);

    return g_strjoinv(mdev, parts);
}

static void
test_foreign(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_autofree char *xml = example_read(FERRY_XML_FOREIGN, foreign[i].file);
        g_autofree char *more = with_mdev(xml);
        g_autofree char *out = fixture_convert(more, NULL);

        fixture_assert_settled(xml);
        fixture_assert_has(xml, foreign[i].feature);
        fixture_assert_has(out, foreign[i].feature);
        fixture_assert_has(out, "<ferry:mdev alias='ua-ferry0' type='mtty-2'");
        fixture_assert_settled(out);
    }
}

/* The manual's examples do what they say. */
static void
test_manual(void)
{
    static const struct {
        const char *file, *element;
    } rows[] = {
        { "managed-mdev.xml", "<ferry:mdev alias='ua-serial0' type='mtty-2' parent='mtty'" },
        { "hybrid-nic.xml", "<ferry:hybrid alias='ua-net0' pool='net-x' vf-alias='ua-net0-vf'" },
        { "ephemeral-card.xml", "<ferry:ephemeral alias='ua-card0'/>" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml = example_read(FERRY_XML_GUESTS, rows[i].file);
        g_autofree char *out = fixture_convert(xml, NULL);

        fixture_assert_has(out, rows[i].element);
        fixture_assert_settled(out);
    }
}

#define EPHEMERAL "<rng ephemeral='yes'/>"
#define NEW       "<ferry:ephemeral alias='ua-ferry0'/>"

/* Where ferry's metadata goes. */
static const struct {
    const char *name, *xml, *has;
} places[] = {
    { "in-metadata", GUEST("<o:o xmlns:o='o'/>", EPHEMERAL),
      "<metadata><o:o xmlns:o='o'/><ferry:guest xmlns:ferry='urn:ferry:guest:1'>" NEW
      "</ferry:guest></metadata>" },
    { "in-ours", GUEST(FERRY("<ferry:ephemeral alias='ua-x'/>"), EPHEMERAL),
      "<ferry:ephemeral alias='ua-x'/>" NEW "</ferry:guest></metadata>" },
    { "in-ours-that-is-empty", GUEST("<ferry:guest xmlns:ferry='urn:ferry:guest:1' />", EPHEMERAL),
      "<ferry:guest xmlns:ferry='urn:ferry:guest:1' >" NEW "</ferry:guest></metadata>" },
    { "other-prefix", GUEST("<f:guest xmlns:f='urn:ferry:guest:1'/>", EPHEMERAL),
      "<f:guest xmlns:f='urn:ferry:guest:1'><f:ephemeral alias='ua-ferry0'/></f:guest>" },
    { "no-prefix", GUEST("<guest xmlns='urn:ferry:guest:1'></guest>", EPHEMERAL),
      "<guest xmlns='urn:ferry:guest:1'><ephemeral alias='ua-ferry0'/></guest>" },
    { "behind-name", "<domain>\n  <name>g</name>\n  <devices>" EPHEMERAL "</devices>\n</domain>",
      "  <name>g</name>\n  <metadata>\n    <ferry:guest xmlns:ferry='urn:ferry:guest:1'>\n     "
      " " NEW "\n    </ferry:guest>\n  </metadata>\n  <devices>" },
    { "nowhere", "<domain><devices>" EPHEMERAL "</devices></domain>",
      "</devices><metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>" NEW
      "</ferry:guest></metadata></domain>" },
    { "prefix-is-taken",
      "<domain xmlns:ferry='urn:boats'><metadata/><devices>" EPHEMERAL "</devices></domain>",
      "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>" NEW "</ferry:guest></metadata>" },
};

static void
test_place(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *out = fixture_convert(places[i].xml, NULL);

        fixture_assert_has(out, places[i].has);
        fixture_assert_settled(out);
    }
}

/* Documents of random pieces: refused or converted, and then settled; never a crash. */
static void
append_random(GRand *random, GString *xml, unsigned depth)
{
    /* clang-format off */
    static const char *const names[] = { "devices", "hostdev", "interface", "source", "address", "alias", "parent", "type", "pool",
        "mdevtype", "teaming", "mac", "model", "metadata", "f:guest", "f:mdev", "f:hybrid", "f:ephemeral", "controller", "vlan", "tag", "rng", "driver" };
    static const char *const attributes[] = { " type='mdev'", " type='network'", " type='hostdev-hybrid'", " type='pci'", " managed='yes'", " model='vfio-pci'",
        " model='pcie-root-port'", " index='3'", " name='ua-a'", " alias='ua-a'", " persistent='ua-a'", " network='net-x'", " network='net-x-vfs'", " pool='net-x'",
        " ephemeral='yes'", " uuid='0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c0b7'", " id='mtty-2'", " address='52:54:00:00:00:01'", " domain='0'", " bus='3'", " slot='16'",
        " function='2'", " vf-address='0000:03:00.0'", " vf-alias='ua-v'" };
    /* clang-format on */
    const char *name = names[g_rand_int_range(random, 0, G_N_ELEMENTS(names))];
    const size_t first = (size_t)g_rand_int_range(random, 0, G_N_ELEMENTS(attributes));
    const int n_attributes = g_rand_int_range(random, 0, 4);

    g_string_append_printf(xml, "%s<%s", g_rand_boolean(random) ? "\n " : "", name);
    for (int i = 0; i < n_attributes; i++) {
        const char *attribute = attributes[(first + (size_t)i * 7) % G_N_ELEMENTS(attributes)];
        g_autofree char *word = g_strndup(attribute, strcspn(attribute, "=") + 1);

        if (strstr(strrchr(xml->str, '<'), word) == NULL)
            g_string_append(xml, attribute);
    }
    g_string_append(xml, ">");
    for (int n = g_rand_int_range(random, 0, 5); depth < 4 && n > 0; n--)
        append_random(random, xml, depth + 1);
    g_string_append_printf(xml, "mtty</%s>", name);
}

static void
test_random(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    unsigned n_accepted = 0, n_changed = 0;

    for (unsigned i = 0; i < 20000; i++) {
        g_autoptr(GString) xml = g_string_new("<domain xmlns:f='urn:ferry:guest:1'><devices>");
        g_autoptr(GPtrArray) notes = NULL;
        g_autofree char *out = NULL;

        append_random(random, xml, 1);
        g_string_append(xml, "</devices>");
        append_random(random, xml, 0);
        g_string_append(xml, "</domain>");
        if (!ferry_convert_domain(xml->str, fixture_host(), &out, &notes, NULL))
            continue;
        n_accepted++;
        n_changed += fixture_count(notes, FERRY_NOTE_CHANGED) > 0;
        fixture_assert_settled(out);
    }
    g_assert_cmpuint(n_accepted, >, 1000);
    g_assert_cmpuint(n_changed, >, 100);
}

static void
test_not_a_domain(void)
{
    fixture_refuse("<network/>", "domain XML is not what it should be: line 1: the outermost "
                                 "element is <network> and not <domain>");
    fixture_refuse("<domain>", "domain XML is not XML: line 1: Premature end of data in tag domain "
                               "line 1");
    fixture_refuse(GUEST("<f:guest xmlns:f='urn:ferry:guest:1'><f:vgpu alias='a'/></f:guest>", ""),
                   "line 3, <f:vgpu>: ferry knows no such element here");
    fixture_refuse(GUEST(FERRY("<ferry:ephemeral alias='a' for='b'/>"), ""),
                   "line 3, <ferry:ephemeral>: ferry knows no attribute \"for\" here");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_autofree char *path = g_strconcat("/convert/example/", examples[i].file, NULL);

        g_test_add_data_func(path, &examples[i], test_example);
    }
    g_test_add_func("/convert/every-example-has-a-row", test_every_example_has_a_row);
    g_test_add_func("/convert/refused", test_refused);
    g_test_add_func("/convert/foreign", test_foreign);
    g_test_add_func("/convert/manual", test_manual);
    g_test_add_func("/convert/place", test_place);
    g_test_add_func("/convert/random", test_random);
    g_test_add_func("/convert/not-a-domain", test_not_a_domain);
    return g_test_run();
}
