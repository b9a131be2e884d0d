#include "api/guest-device.h"

#include "base/error.h"

typedef struct {
    const char *name;
    const char *body;
    const char *xml;       /* (nullable) */
    const char *ephemeral; /* (nullable) */
    const char *message;   /* (nullable) it is refused */
} Row;

#define MDEV(rest)                                                                                 \
    "<hostdev mode='subsystem' type='mdev' managed='yes' model='vfio-pci'>\n  <source>" rest       \
    "\n</hostdev>"
#define FORMS                                                                                      \
    "exactly one of the fields \"xml\", \"mdev\", \"hybrid\" and \"ephemeral\" says what is "      \
    "added, here are "

/* clang-format off */
static const Row rows[] = {
    { "xml",       "{'xml': '<rng/>'}", "<rng/>", NULL, NULL },
    { "ephemeral", "{'ephemeral': 'ua-a'}", NULL, "ua-a", NULL },
    { "mdev",      "{'mdev': {'type': 'a&b', 'parent': 'mtty'}}", MDEV("\n    <parent>mtty</parent>\n    <type id='a&amp;b'/>\n  </source>"), NULL, NULL },
    { "mdev-all",  "{'mdev': {'type': 't', 'pool': 'p', 'uuid': 'u', 'alias': 'ua-x', 'model': 'vfio-ap', 'attrs': [{'name': 'n', 'value': '1'}, {'name': 'n', 'value': '2'}]}}",
      "<hostdev mode='subsystem' type='mdev' managed='yes' model='vfio-ap'>\n  <source>\n    <address uuid='u'/>\n    <pool>p</pool>\n    <type id='t'/>\n    <attr name='n' value='1'/>\n"
      "    <attr name='n' value='2'/>\n  </source>\n    <alias name='ua-x'/>\n</hostdev>", NULL, NULL },
    { "hybrid",    "{'hybrid': {'pool': 'p'}}", "<interface type='hostdev-hybrid' on-no-vf='refuse'>\n    <source network='p'/>\n</interface>", NULL, NULL },
    { "hybrid-all", "{'hybrid': {'pool': 'p', 'mac': 'm', 'on_no_vf': 'degrade', 'alias': 'ua-n'}}",
      "<interface type='hostdev-hybrid' on-no-vf='degrade'>\n    <mac address='m'/>\n    <source network='p'/>\n    <alias name='ua-n'/>\n</interface>", NULL, NULL },
    { "nothing",   "{}", NULL, NULL, FORMS "0" },
    { "two",       "{'xml': 'x', 'ephemeral': 'a'}", NULL, NULL, FORMS "2" },
    { "unknown",   "{'xml': 'x', 'force': true}", NULL, NULL, "field \"force\" is unknown here" },
    { "no-type",   "{'mdev': {'parent': 'p'}}", NULL, NULL, "field \"type\" is missing" },
    { "no-pool",   "{'hybrid': {}}", NULL, NULL, "field \"pool\" is missing" },
    { "unknown-of-mdev", "{'mdev': {'type': 't', 'mac': 'm'}}", NULL, NULL, "field \"mac\" is unknown here" },
    { "no-object", "{'mdev': 'x'}", NULL, NULL, "field \"mdev\" is not an object" },
    { "alias",     "{'hybrid': {'pool': 'p', 'alias': 'net0'}}", NULL, NULL, "field \"alias\": net0 does not begin with ua-, and libvirt keeps no other alias" },
    { "short-alias", "{'mdev': {'type': 't', 'alias': 'ua-'}}", NULL, NULL, "field \"alias\": ua- does not begin with ua-, and libvirt keeps no other alias" },
    { "attrs",     "{'mdev': {'type': 't', 'attrs': {}}}", NULL, NULL, "field \"attrs\" is not an array" },
    { "attr",      "{'mdev': {'type': 't', 'attrs': [{'name': 'n'}]}}", NULL, NULL, "field \"value\" is missing" },
    { "attr-text", "{'mdev': {'type': 't', 'attrs': ['n=1']}}", NULL, NULL, NULL },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_auto(FerryGuestDevice) device = { 0 };
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) parts = g_strsplit(row->body, "'", -1);
    g_autofree char *text = g_strjoinv("\"", parts);
    json_t *body = json_loads(text, 0, NULL);
    const bool ok = ferry_guest_device_read(body, &device, &error);

    json_decref(body);
    if (row->xml == NULL && row->ephemeral == NULL) {
        g_assert_false(ok);
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        if (row->message != NULL)
            g_assert_cmpstr(error->message, ==, row->message);
        return;
    }
    g_assert_no_error(error);
    g_assert_cmpstr(device.xml, ==, row->xml);
    g_assert_cmpstr(device.ephemeral, ==, row->ephemeral);
    g_assert_false(device.check_only);
}

/* What a device with an alias is compared with: itself without what only one can have. */
static void
test_named(void)
{
    json_t *body = json_pack("{s:{s:s, s:s, s:s, s:s}}", "mdev", "type", "t", "pool", "p", "uuid",
                             "u", "alias", "ua-x");
    g_auto(FerryGuestDevice) mdev = { 0 };
    g_auto(FerryGuestDevice) hybrid = { 0 };

    g_assert_true(ferry_guest_device_read(body, &mdev, NULL));
    json_decref(body);
    g_assert_cmpstr(mdev.alias, ==, "ua-x");
    g_assert_cmpstr(mdev.uuid, ==, "u");
    g_assert_null(mdev.mac);
    g_assert_cmpstr(mdev.unnamed, ==,
                    MDEV("\n    <pool>p</pool>\n    <type id='t'/>\n  </source>"));
    body = json_pack("{s:{s:s, s:s, s:s}}", "hybrid", "pool", "p", "mac", "m", "alias", "ua-n");
    g_assert_true(ferry_guest_device_read(body, &hybrid, NULL));
    json_decref(body);
    g_assert_cmpstr(hybrid.mac, ==, "m");
    g_assert_cmpstr(hybrid.unnamed, ==,
                    "<interface type='hostdev-hybrid' on-no-vf='refuse'>\n"
                    "    <source network='p'/>\n</interface>");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/guest-device/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/guest-device/named", test_named);
    return g_test_run();
}
