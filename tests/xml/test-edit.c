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
    return g_test_run();
}
