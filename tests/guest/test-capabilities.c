#include "guest/capabilities.h"

#include <string.h>

#include <libvirt/libvirt.h>

#include "base/error.h"

static FerryDomain *
parse(const char *arch, const char *more)
{
    g_autofree char *xml =
        g_strconcat("<domain "
                    "type='test'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</"
                    "uuid><memory>64</memory><os><type arch='",
                    arch, "'>hvm</type></os>", more, "</domain>", NULL);
    FerryDomain *domain = NULL;

    g_assert_true(ferry_domain_parse(xml, &domain, NULL));
    return domain;
}

static void
test_host(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(FerryHostInfo) info = NULL;

    g_assert_true(ferry_guests_host(guests, &info, NULL));
    g_assert_cmpstr(info->name, ==, g_get_host_name());
    g_assert_cmpstr(info->qemu_version, ==, "0.0.2"); /* the test driver's own */
    g_assert_true(g_regex_match_simple("^[0-9]+\\.[0-9]+\\.[0-9]+$", info->libvirt_version, 0, 0));
}

static void
test_nothing_lacks(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(FerryDomain) domain = parse("x86_64", "");
    g_autoptr(GPtrArray) lacks = NULL;

    g_assert_true(ferry_guests_lacks(guests, domain, &lacks, NULL));
    g_assert_cmpuint(lacks->len, ==, 0);
}

/* In libvirt's place, whose test driver has -5 pages free in a whole host: 19 of any size but 7. */
int
virNodeGetFreePages(virConnectPtr connect,
                    unsigned int n_sizes,
                    unsigned int *sizes,
                    int first_cell,
                    unsigned int n_cells,
                    unsigned long long *counts,
                    unsigned int flags)
{
    (void)connect;
    g_assert_cmpuint(n_sizes, ==, 1);
    g_assert_cmpint(first_cell, ==, -1);
    g_assert_cmpuint(n_cells, ==, 1);
    g_assert_cmpuint(flags, ==, 0);
    if (sizes[0] == 7)
        return -1;
    counts[0] = 19;
    return 1;
}

static const struct {
    const char *name, *backing, *lack;
} pages[] = {
    { "none", "", NULL },
    { "enough", "<memoryBacking><hugepages><page size='4'/></hugepages></memoryBacking>", NULL },
    { "too-few", "<memoryBacking><hugepages><page size='2'/></hugepages></memoryBacking>",
      "32 free huge pages of 2 KiB (19 are free)" },
    { "rounds-up",
      "<memoryBacking><hugepages><page size='3' unit='KiB'/></hugepages></memoryBacking>",
      "22 free huge pages of 3 KiB (19 are free)" },
    { "not-a-size-here", "<memoryBacking><hugepages><page size='7'/></hugepages></memoryBacking>",
      "10 free huge pages of 7 KiB (0 are free)" },
    { "default", "<memoryBacking><hugepages/></memoryBacking>", NULL },
    { "one-of-each",
      "<memoryBacking><hugepages><page size='2'/><page size='1' unit='GiB' "
      "nodeset='1'/></hugepages></memoryBacking>",
      NULL },
};

static void
test_pages(const void *data)
{
    const size_t i = GPOINTER_TO_SIZE(data);
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(FerryDomain) domain = parse("x86_64", pages[i].backing);
    g_autoptr(GPtrArray) lacks = NULL;
    const FerryLack *lack = NULL;

    g_assert_true(ferry_guests_lacks(guests, domain, &lacks, NULL));
    g_assert_cmpuint(lacks->len, ==, pages[i].lack != NULL);
    if (pages[i].lack == NULL)
        return;
    lack = g_ptr_array_index(lacks, 0);
    g_assert_cmpstr(lack->what, ==, pages[i].lack);
    g_assert_cmpstr(ferry_lack_code(lack->kind), ==, "huge-pages");
}

/* In libvirt's place, too: what it says of a QEMU. */
static const char *devices_offered = "";

char *
virConnectGetDomainCapabilities(virConnectPtr connect,
                                const char *emulator,
                                const char *arch,
                                const char *machine,
                                const char *virt_type,
                                unsigned flags)
{
    g_autofree char *xml = g_strconcat("<domainCapabilities><devices>", devices_offered,
                                       "</devices></domainCapabilities>", NULL);

    (void)connect;
    (void)emulator;
    (void)machine;
    g_assert_cmpstr(arch, ==, "x86_64");
    g_assert_cmpstr(virt_type, ==, "test");
    g_assert_cmpuint(flags, ==, 0);
    return strdup(xml); /* the caller's free() */
}

#define EMULATED  "<devices><tpm><backend type='emulator' version='2.0'/></tpm></devices>"
#define PASSED_ON "<devices><tpm><backend type='passthrough'/></tpm></devices>"
#define TPM(values)                                                                                \
    "<tpm supported='yes'><enum name='model'><value>emulator</value></enum>" values "</tpm>"
#define BACK(values) "<enum name='backendModel'><value>passthrough</value>" values "</enum>"

/* clang-format off */
static const struct {
    const char *name, *guest, *offered;
    bool lacks;
} tpms[] = {
    { "there", EMULATED, TPM(BACK("<value>emulator</value>")), false },
    { "no-swtpm", EMULATED, TPM(BACK("")), true }, /* as libvirt 11.3 says it */
    { "no-backends", EMULATED, TPM(""), true },
    { "none-at-all", EMULATED, "<tpm supported='no'/>", true },
    { "not-told", EMULATED, "", true },
    { "not-needed", PASSED_ON, "", false },
};
/* clang-format on */

static void
test_tpm(const void *data)
{
    const size_t i = GPOINTER_TO_SIZE(data);
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(FerryDomain) domain = parse("x86_64", tpms[i].guest);
    g_autoptr(GPtrArray) lacks = NULL;
    const FerryLack *lack = NULL;

    devices_offered = tpms[i].offered;
    g_assert_true(ferry_guests_lacks(guests, domain, &lacks, NULL));
    g_assert_cmpuint(lacks->len, ==, tpms[i].lacks);
    if (!tpms[i].lacks)
        return;
    lack = g_ptr_array_index(lacks, 0);
    g_assert_cmpstr(lack->what, ==, "an emulated TPM (swtpm)");
    g_assert_cmpstr(ferry_lack_code(lack->kind), ==, "no-tpm");
}

/* The test driver compares no CPUs: that is a failure to answer, neither "yes" nor "no". */
static void
test_no_answer(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(FerryDomain) domain = parse("x86_64", "<cpu><model>qemu64</model></cpu>");
    g_autoptr(GPtrArray) lacks = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_guests_lacks(guests, domain, &lacks, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_true(
        g_str_has_prefix(error->message, "cannot compare this host's CPU with that of guest g: "));
    g_assert_null(lacks);
}

static void
test_away(void)
{
    g_autoptr(FerryGuests) guests =
        ferry_guests_new("qemu+unix:///system?socket=/nonexistent/libvirt-sock");
    g_autoptr(FerryDomain) domain = parse("x86_64", "");
    g_autoptr(FerryHostInfo) info = NULL;
    g_autoptr(GPtrArray) lacks = NULL;
    g_autoptr(GError) of_host = NULL;
    g_autoptr(GError) of_lacks = NULL;

    g_assert_false(ferry_guests_host(guests, &info, &of_host));
    g_assert_error(of_host, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_false(ferry_guests_lacks(guests, domain, &lacks, &of_lacks));
    g_assert_error(of_lacks, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_null(info);
    g_assert_null(lacks);
}

static void
test_codes(void)
{
    g_assert_cmpstr(ferry_lack_code(FERRY_LACK_VIRT_TYPE), ==, "virt-type");
    g_assert_cmpstr(ferry_lack_code(FERRY_LACK_EMULATOR), ==, "emulator");
    g_assert_cmpstr(ferry_lack_code(FERRY_LACK_MACHINE), ==, "machine-type");
    g_assert_cmpstr(ferry_lack_code(FERRY_LACK_CPU_MODEL), ==, "cpu-model");
    g_assert_cmpstr(ferry_lack_code(FERRY_LACK_CPU_FEATURE), ==, "cpu-feature");
    g_assert_cmpstr(ferry_lack_code(FERRY_LACK_HUGE_PAGES), ==, "huge-pages");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capabilities/host", test_host);
    g_test_add_func("/capabilities/nothing-lacks", test_nothing_lacks);
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        g_autofree char *path = g_strconcat("/capabilities/pages/", pages[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_pages);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(tpms); i++) {
        g_autofree char *path = g_strconcat("/capabilities/tpm/", tpms[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_tpm);
    }
    g_test_add_func("/capabilities/no-answer", test_no_answer);
    g_test_add_func("/capabilities/away", test_away);
    g_test_add_func("/capabilities/codes", test_codes);
    return g_test_run();
}
