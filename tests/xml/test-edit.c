#include "xml/edit.h"

#include "base/error.h"
#include "xml/domain.h"

static const char domain[] = "<domain type=\"kvm\">\n"
                             "  <name>g</name>\n"
                             "  <uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid>\n"
                             "  <metadata>\n"
                             "    <o:note xmlns:o=\"urn:other\">kept &amp; untouched</o:note>\n"
                             "  </metadata>\n"
                             "  <memory unit=\"KiB\">65536</memory>\n"
                             "  <devices>\n"
                             "    <interface type=\"direct\">\n"
                             "      <source dev=\"eth3\" mode=\"bridge\"/>\n"
                             "      <alias name=\"ua-net0\"/>\n"
                             "    </interface>\n"
                             "    <hostdev mode=\"subsystem\" type=\"mdev\" model=\"vfio-pci\">\n"
                             "      <source>\n"
                             "        <address uuid=\"0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001\"/>\n"
                             "      </source>\n"
                             "      <alias name=\"ua-gpu0\"/>\n"
                             "    </hostdev>\n"
                             "    <rng model=\"virtio\"/>\n"
                             "  </devices>\n"
                             "</domain>";

/* A copy of @text with the first @old in it replaced. */
static char *
replaced(const char *text, const char *old, const char *by)
{
    const char *at = strstr(text, old);
    g_autofree char *before = NULL;

    g_assert_nonnull(at);
    before = g_strndup(text, (gsize)(at - text));
    return g_strconcat(before, by, at + strlen(old), NULL);
}

static void
test_without(void)
{
    const char *const aliases[] = { "ua-gpu0", "ua-none", "ua-net0", NULL };
    g_autofree char *expected =
        g_strdup("<domain type=\"kvm\">\n"
                 "  <name>g</name>\n"
                 "  <uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid>\n"
                 "  <metadata>\n"
                 "    <o:note xmlns:o=\"urn:other\">kept &amp; untouched</o:note>\n"
                 "  </metadata>\n"
                 "  <memory unit=\"KiB\">65536</memory>\n"
                 "  <devices>\n"
                 "    <rng model=\"virtio\"/>\n"
                 "  </devices>\n"
                 "</domain>");
    g_autofree char *out = NULL;

    g_assert_true(ferry_domain_xml_without(domain, aliases, &out, NULL));
    g_assert_cmpstr(out, ==, expected);
}

static void
test_without_nothing(void)
{
    const char *const none[] = { NULL };
    g_autofree char *out = NULL;

    g_assert_true(ferry_domain_xml_without(domain, none, &out, NULL));
    g_assert_cmpstr(out, ==, domain);
}

static void
test_for_target(void)
{
    const FerryEdit edits[] = {
        { "ua-net0", FERRY_EDIT_SOURCE_DEV, "ens1f0&'\"" },
        { "ua-gpu0", FERRY_EDIT_MDEV_UUID, "11111111-2222-4333-8444-555555555555" },
    };
    g_autofree char *netdev = replaced(domain, "eth3", "ens1f0&amp;'&quot;");
    g_autofree char *expected = replaced(netdev, "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001",
                                         "11111111-2222-4333-8444-555555555555");
    g_autofree char *out = NULL;

    g_assert_true(ferry_domain_xml_for_target(domain, edits, G_N_ELEMENTS(edits), &out, NULL));
    g_assert_cmpstr(out, ==, expected);
}

typedef struct {
    const char *name;
    FerryEdit edit;
    const char *message;
} Row;

/* clang-format off */
static const Row refused[] = {
    { "no-device", { "ua-none", FERRY_EDIT_SOURCE_DEV, "x" }, "no device has the alias ua-none" },
    { "other-kind", { "ua-gpu0", FERRY_EDIT_SOURCE_DEV, "x" }, "line 13, <hostdev>: ua-gpu0 is not an <interface type='direct'> with a source" },
    { "mdev-on-nic", { "ua-net0", FERRY_EDIT_MDEV_UUID, "x" }, "line 9, <interface>: ua-net0 is not a <hostdev type='mdev'> with a source" },
};
/* clang-format on */

static void
test_refused(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *out = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_domain_xml_for_target(domain, &row->edit, 1, &out, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(out);
}

static void
test_refuses_other_documents(void)
{
    const char *const none[] = { NULL };
    g_autofree char *out = NULL;
    g_autoptr(GError) without = NULL;
    g_autoptr(GError) for_target = NULL;

    g_assert_false(ferry_domain_xml_without("<network/>", none, &out, &without));
    g_assert_error(without, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_false(ferry_domain_xml_for_target("", NULL, 0, &out, &for_target));
    g_assert_error(for_target, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_null(out);
}

/* Only the new line is new. */
static void
test_with(void)
{
    g_autofree char *expected = replaced(
        domain, "    <rng model=\"virtio\"/>\n",
        "    <rng model=\"virtio\"/>\n    <interface type='user'>\n      <x/>\n    </interface>\n");
    g_autofree char *out = NULL;

    g_assert_true(ferry_domain_xml_with(
        domain,
        "<?xml version='1.0'?> <!-- a NIC -->\n<interface type='user'>\n  <x/>\n</interface>\n",
        &out, NULL));
    g_assert_cmpstr(out, ==, expected);
}

#define NOT_ONE "the device's XML has to be one element like <hostdev> or <interface>, and is "

static const struct {
    const char *xml; /* (nullable) the guest's */
    const char *device;
    const char *message;
} with_refused[] = {
    { domain, "", NOT_ONE "none" },
    { domain, "text", NOT_ONE "none" },
    { domain, "<!-- <rng/> -->", NOT_ONE "none" },
    { domain, "<rng/><rng/>", NOT_ONE "not: it begins with rng" },
    { domain, "<domain/>", NOT_ONE "not: it begins with domain" },
    { domain, "</device><rng/><device>",
      "the device's XML is not XML: line 1: Extra content at the end of the document" },
    { "<domain><name/></domain>", "<rng/>",
      "line 1, <domain>: there are no <devices> to add one to" },
};

static void
test_with_refuses(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(with_refused); i++) {
        g_autoptr(GError) error = NULL;
        char *out = NULL;

        g_assert_false(
            ferry_domain_xml_with(with_refused[i].xml, with_refused[i].device, &out, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_cmpstr(error->message, ==, with_refused[i].message);
        g_assert_null(out);
    }
}

static void
test_mark_ephemeral(void)
{
    g_autofree char *expected = replaced(domain, "<interface type=\"direct\">",
                                         "<interface type=\"direct\" ephemeral='yes'>");
    g_autofree char *out = NULL;
    g_autofree char *kept = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_domain_xml_mark_ephemeral(domain, "ua-net0", &out, NULL));
    g_assert_cmpstr(out, ==, expected);
    g_assert_false(ferry_domain_xml_mark_ephemeral(domain, "ua-none", &kept, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "no device of the guest's definition has the alias ua-none; there are: "
                    "ua-net0, ua-gpu0");
    g_assert_null(kept);
}

static void
test_name(void)
{
    g_autofree char *name = NULL;
    g_autofree char *none = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_domain_xml_name("<domain><name> a b\n</name></domain>", &name, NULL));
    g_assert_cmpstr(name, ==, "a b");
    g_assert_false(ferry_domain_xml_name("<domain><name/></domain>", &none, &error));
    g_assert_cmpstr(error->message, ==, "line 1, <domain>: the guest has no name: write <name>");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/edit/without", test_without);
    g_test_add_func("/edit/without-nothing", test_without_nothing);
    g_test_add_func("/edit/for-target", test_for_target);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/edit/refused/", refused[i].name, NULL);
        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/edit/refuses-other-documents", test_refuses_other_documents);
    g_test_add_func("/edit/with", test_with);
    g_test_add_func("/edit/with-refuses", test_with_refuses);
    g_test_add_func("/edit/mark-ephemeral", test_mark_ephemeral);
    g_test_add_func("/edit/name", test_name);
    return g_test_run();
}
