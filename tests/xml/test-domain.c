#include "xml/domain.h"

#include "base/error.h"
#include "example.h"

static FerryDomain *
parse_example(const char *name)
{
    g_autofree char *xml = example(name);
    FerryDomain *domain = NULL;

    g_assert_true(ferry_domain_parse(xml, &domain, NULL));
    return domain;
}

static void
test_live(void)
{
    g_autoptr(FerryDomain) domain = parse_example("domain-live");
    const FerryDevice *nic = ferry_domain_device(domain, "ua-nic7");
    const FerryDevice *serial = ferry_domain_device(domain, "serial0");

    g_assert_cmpstr(domain->name, ==, "tiny");
    g_assert_cmpstr(domain->uuid, ==, "6f1d2c1e-7d3b-4a57-8a44-0000000000aa");
    g_assert_cmpstr(domain->type, ==, "qemu");
    g_assert_cmpstr(domain->arch, ==, "x86_64");
    g_assert_cmpstr(domain->machine, ==, "pc-q35-10.0");
    g_assert_cmpstr(domain->emulator, ==, "/usr/bin/qemu-system-x86_64");
    g_assert_cmpuint(domain->memory_bytes, ==, 64u << 20);
    g_assert_true(
        g_str_has_prefix(domain->cpu_xml, "<cpu mode=\"custom\" match=\"exact\" check=\"full\">"));
    g_assert_null(domain->nvram);
    g_assert_null(domain->tpm_state);
    g_assert_cmpuint(domain->disks->len, ==, 0);
    g_assert_cmpstr(nic->model, ==, "e1000e");
    g_assert_cmpint(nic->plug, ==, FERRY_PLUG_YES);
    g_assert_true(ferry_metadata_is_ephemeral(domain->metadata, "ua-nic7"));
    g_assert_cmpstr(serial->kind, ==, "serial"); /* and not the console that repeats it */
    g_assert_null(ferry_domain_device(domain, "ua-none"));
}

typedef struct {
    const char *file;
    const char *alias;
    const char *kind;
    const char *source;
    size_t n_mdevs;
    size_t n_hybrids;
    size_t n_ephemerals;
} ExampleRow;

/* clang-format off */
static const ExampleRow examples[] = {
    { "domain-mdev-uuid", NULL, NULL, NULL, 0, 0, 0 },
    { "domain-mdev-metadata", "ua-ferry0", "hostdev", "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c016", 2, 0, 0 },
    { "domain-mdev-facts-metadata", "ua-gpu0", "hostdev", "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c015", 1, 0, 0 },
    { "domain-hybrid-metadata", "ua-net0", "interface", "net-x", 0, 1, 0 },
    { "domain-ephemeral-metadata", "ua-card0", "hostdev", "0000:05:00.0", 0, 0, 2 },
    { "domain-teaming-pair", "ua-net0-vf", "interface", "0000:03:10.2", 0, 0, 0 },
    { "domain-vf-variant-driver", "ua-vf0", "interface", "0000:08:00.2", 0, 0, 0 },
};
/* clang-format on */

static void
test_example(gconstpointer data)
{
    const ExampleRow *row = data;
    g_autoptr(FerryDomain) domain = parse_example(row->file);
    const FerryDevice *device = row->alias != NULL ? ferry_domain_device(domain, row->alias) : NULL;

    g_assert_cmpuint(domain->memory_bytes, ==, 1024u << 20);
    g_assert_cmpuint(domain->metadata->mdevs->len, ==, row->n_mdevs);
    g_assert_cmpuint(domain->metadata->hybrids->len, ==, row->n_hybrids);
    g_assert_cmpuint(domain->metadata->ephemerals->len, ==, row->n_ephemerals);
    if (row->alias != NULL) {
        g_assert_cmpstr(device->kind, ==, row->kind);
        g_assert_cmpstr(device->source, ==, row->source);
    }
}

#define HEAD "<name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid><memory>65536</memory>"

/* clang-format off */
static const struct {
    const char *memory;
    uint64_t bytes;
} memories[] = {
    { "<memory>65536</memory>", 64u << 20 }, /* KiB unless said otherwise */
    { "<memory unit='b'>1</memory>", 1 },
    { "<memory unit='KB'>1</memory>", 1000 },
    { "<memory unit='MiB'> 64 </memory>", 64u << 20 },
    { "<memory unit='G'>2</memory>", UINT64_C(2) << 30 },
    { "<memory unit='TB'>3</memory>", UINT64_C(3000000000000) },
};
/* clang-format on */

static const struct {
    const char *backing;
    size_t n_sizes;
    uint64_t first;
} pages[] = {
    { "", 0, 0 },
    { "<memoryBacking/>", 0, 0 },
    { "<memoryBacking><hugepages/></memoryBacking>", 1, 0 },
    { "<memoryBacking> <hugepages> <page size='2048' unit='KiB'/> </hugepages></memoryBacking>", 1,
      2u << 20 },
    { "<memoryBacking><hugepages><page size='1' unit='G' nodeset='0'/><page "
      "size='2048'/></hugepages>"
      "</memoryBacking>",
      2, 1u << 30 },
};

static void
test_pages(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        g_autofree char *xml =
            g_strconcat("<domain type='kvm'>" HEAD, pages[i].backing, "</domain>", NULL);
        g_autoptr(FerryDomain) domain = NULL;

        g_assert_true(ferry_domain_parse(xml, &domain, NULL));
        g_assert_cmpuint(domain->page_bytes == NULL ? 0 : domain->page_bytes->len, ==,
                         pages[i].n_sizes);
        if (pages[i].n_sizes > 0)
            g_assert_cmpuint(g_array_index(domain->page_bytes, uint64_t, 0), ==, pages[i].first);
    }
}

static void
test_memory(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(memories); i++) {
        g_autofree char *xml = g_strconcat(
            "<domain type='kvm'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid>",
            memories[i].memory, "</domain>", NULL);
        g_autoptr(FerryDomain) domain = NULL;

        g_assert_true(ferry_domain_parse(xml, &domain, NULL));
        g_assert_cmpuint(domain->memory_bytes, ==, memories[i].bytes);
    }
}

/* NVRAM and TPM state: as text, in the newer form, on what is no file, and where libvirt has it. */
static void
test_own_files(void)
{
    /* clang-format off */
    static const struct {
        const char *nvram, *tpm;           /* elements */
        const char *nvram_path, *tpm_path; /* (nullable) */
    } rows[] = {
        { "", "", NULL, NULL },
        { "<nvram>/srv/a.fd</nvram>", "", "/srv/a.fd", NULL },
        { "<nvram type='file' template='/t'><source file='/srv/b.fd'/></nvram>", "", "/srv/b.fd", NULL },
        { "<nvram type='block'><source dev='/dev/vg/nvram'/></nvram>", "", NULL, NULL },
        { "<nvram type='network'><source protocol='nbd' name='n'/></nvram>", "", NULL, NULL },
        { "", "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", NULL, NULL },
        { "", "<tpm><backend type='emulator' version='2.0'/></tpm>", NULL, "/var/lib/libvirt/swtpm/6f1d2c1e-7d3b-4a57-8a44-000000000001" },
        { "", "<tpm><backend type='emulator'><source type='dir' path='/srv/tpm'/></backend></tpm>", NULL, "/srv/tpm" },
    };
    /* clang-format on */

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml =
            g_strconcat("<domain type='kvm'>" HEAD "<os><type>hvm</type>", rows[i].nvram,
                        "</os><devices>", rows[i].tpm, "</devices></domain>", NULL);
        g_autoptr(FerryDomain) domain = NULL;
        g_autoptr(GError) error = NULL;

        (void)ferry_domain_parse(xml, &domain, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(domain->nvram, ==, rows[i].nvram_path);
        g_assert_cmpstr(domain->tpm_state, ==, rows[i].tpm_path);
    }
}

static void
test_state_on_the_host(void)
{
    static const char xml[] = "<domain type='kvm'>" HEAD
                              "<os><type arch='x86_64' machine='pc-i440fx-10.0'>hvm</type><nvram "
                              "template='/t'> /var/lib/n.fd </nvram></os>"
                              "<devices><tpm model='tpm-crb'><backend type='emulator'/></tpm>"
                              "<interface type='user'><address type='pci' domain='0' bus='0' "
                              "slot='3' function='0'/></interface></devices></domain>";
    g_autoptr(FerryDomain) domain = NULL;
    const FerryDevice *nic = NULL;

    g_assert_true(ferry_domain_parse(xml, &domain, NULL));
    g_assert_cmpstr(domain->nvram, ==, "/var/lib/n.fd");
    g_assert_cmpstr(domain->tpm_state, ==,
                    "/var/lib/libvirt/swtpm/6f1d2c1e-7d3b-4a57-8a44-000000000001");
    g_assert_null(domain->cpu_xml);
    nic = g_ptr_array_index(domain->devices, 1);
    g_assert_cmpint(nic->plug, ==, FERRY_PLUG_YES); /* bus 0 of i440fx can hot-plug, q35's cannot */
}

static void
test_board_of_q35(void)
{
    static const char xml[] =
        "<domain type='kvm'>" HEAD
        "<os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os><devices>"
        "<interface type='user'><address type='pci' domain='0' bus='0' slot='3' "
        "function='0'/></interface></devices></domain>";
    g_autoptr(FerryDomain) domain = NULL;
    const FerryDevice *nic = NULL;

    g_assert_true(ferry_domain_parse(xml, &domain, NULL));
    nic = g_ptr_array_index(domain->devices, 0);
    g_assert_cmpint(nic->plug, ==, FERRY_PLUG_NO);
}

#define UUID "<uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid>"
#define MEM  "<memory>1</memory>"

/* clang-format off */
static const RefuseRow refused[] = {
    { "domain-mdev-duplicate-uuid", NULL, "line 24, <hostdev>: the mdev 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c084 is another device's already" },
    { "domain-mdev-pci-source", NULL, "line 19, <hostdev>: an mdev is named by its UUID, <source><address uuid='…'/></source>" },
    { "domain-teaming-broken", NULL, "line 26, <interface>: no device has the alias of its other half, ua-net9" },
    { "not-a-domain", "<network/>", "domain XML is not what it should be: line 1: the outermost element is <network> and not <domain>" },
    { "no-name", "<domain type='kvm'>" UUID MEM "</domain>", "line 1, <domain>: there is no <name> in it" },
    { "path-as-name", "<domain type='kvm'><name>../g</name>" UUID MEM "</domain>", "line 1, <name>: a guest's name is neither empty nor has it \"/\", tabs or line ends in it" },
    { "empty-name", "<domain type='kvm'><name> </name>" UUID MEM "</domain>", "line 1, <name>: a guest's name is neither empty nor has it \"/\", tabs or line ends in it" },
    { "no-uuid", "<domain type='kvm'><name>g</name>" MEM "</domain>", "line 1, <domain>: there is no <uuid> in it" },
    { "odd-uuid", "<domain type='kvm'><name>g</name>\n<uuid>../../x</uuid>" MEM "</domain>", "line 2, <uuid>: \"../../x\" is not a UUID" },
    { "no-memory", "<domain type='kvm'><name>g</name>" UUID "</domain>", "line 1, <domain>: there is no <memory> in it" },
    { "memory-unit", "<domain type='kvm'><name>g</name>" UUID "<memory unit='stone'>1</memory></domain>", "line 1, <memory>: \"stone\" is not a unit" },
    { "memory-overflow", "<domain type='kvm'><name>g</name>" UUID "<memory unit='TiB'>99999999</memory></domain>", "line 1, <memory>: \"99999999\" is not a size" },
    { "page-size", "<domain type='kvm'><name>g</name>" UUID MEM "<memoryBacking><hugepages><page/></hugepages></memoryBacking></domain>", "line 1, <page>: the attribute size is missing" },
    { "page-unit", "<domain type='kvm'><name>g</name>" UUID MEM "<memoryBacking><hugepages><page size='2' unit='stone'/></hugepages></memoryBacking></domain>", "line 1, <page>: \"stone\" is not a unit" },
    { "memory-negative", "<domain type='kvm'><name>g</name>" UUID "<memory>-1</memory></domain>", "line 1, <memory>: \"-1\" is not a size" },
    { "no-type", "<domain>" HEAD "</domain>", "line 1, <domain>: the attribute type is missing" },
    { "alias-twice", "<domain type='kvm'>" HEAD "<devices>\n<rng><alias name='ua-a'/></rng>\n<rng><alias name='ua-a'/></rng></devices></domain>", "line 3, <rng>: the alias ua-a is another device's already" },
    { "teaming-mac", "<domain type='kvm'>" HEAD "<devices><interface type='direct'><mac address='52:54:00:00:00:01'/><alias name='ua-a'/></interface>\n"
      "<interface type='network'><mac address='52:54:00:00:00:02'/><teaming type='transient' persistent='ua-a'/></interface></devices></domain>",
      "line 2, <interface>: its MAC address is not that of its other half, ua-a" },
    { "metadata", "<domain type='kvm'>" HEAD "<metadata><f:guest xmlns:f='urn:ferry:guest:1'><f:x/></f:guest></metadata></domain>", "line 1, <f:x>: ferry knows no such element here" },
};
/* clang-format on */

static void
test_refused(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autofree char *xml = example_refused(row);
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_domain_parse(xml, &domain, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(domain);
}

static void
test_refuses_length(void)
{
    g_autofree char *xml = g_strnfill(FERRY_DOMAIN_MAX_BYTES + 1, ' ');
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_domain_parse(xml, &domain, &error));
    g_assert_cmpstr(error->message, ==,
                    "domain XML is longer than 1048576 bytes, the most that ferry reads");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/live", test_live);
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_autofree char *path = g_strconcat("/domain/example/", examples[i].file, NULL);
        g_test_add_data_func(path, &examples[i], test_example);
    }
    g_test_add_func("/domain/memory", test_memory);
    g_test_add_func("/domain/pages", test_pages);
    g_test_add_func("/domain/state-on-the-host", test_state_on_the_host);
    g_test_add_func("/domain/own-files", test_own_files);
    g_test_add_func("/domain/board-of-q35", test_board_of_q35);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/domain/refused/", refused[i].name, NULL);
        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/domain/refuses-length", test_refuses_length);
    return g_test_run();
}
