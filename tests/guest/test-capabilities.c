#include "guest/capabilities.h"

#include "base/error.h"

static FerryDomain *
parse(const char *arch, const char *cpu)
{
    g_autofree char *xml =
        g_strconcat("<domain "
                    "type='test'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</"
                    "uuid><memory>1</memory><os><type arch='",
                    arch, "'>hvm</type></os>", cpu, "</domain>", NULL);
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
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capabilities/host", test_host);
    g_test_add_func("/capabilities/nothing-lacks", test_nothing_lacks);
    g_test_add_func("/capabilities/no-answer", test_no_answer);
    g_test_add_func("/capabilities/away", test_away);
    g_test_add_func("/capabilities/codes", test_codes);
    return g_test_run();
}
