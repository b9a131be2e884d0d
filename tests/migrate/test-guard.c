#include "migrate/guard.h"

#include <string.h>

#define OURS  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"
#define OTHER "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c003"
#define GUEST(devices)                                                                             \
    "<domain type='kvm'><name>web</name><uuid>0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e</uuid>"         \
    "<memory>1024</memory><devices>" devices "</devices></domain>"
#define MDEV(alias, uuid)                                                                          \
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" uuid          \
    "'/></source><alias name='" alias "'/></hostdev>"
#define FUNCTION(element, type, alias, slot)                                                       \
    "<" element " mode='subsystem' type='" type "' managed='yes'><source><address type='pci' "     \
    "domain='0' bus='3' slot='" slot "' function='0'/></source><alias name='" alias                \
    "'/></" element ">"
#define DIRECT(alias, dev)                                                                         \
    "<interface type='direct'><source dev='" dev "' mode='bridge'/><alias name='" alias            \
    "'/></interface>"

static const char assigned[] =
    "[{\"alias\": \"ua-gpu0\", \"kind\": \"mdev-uuid\", \"value\": \"" OURS "\"},"
    "{\"alias\": \"ua-vf\", \"kind\": \"pci-address\", \"value\": \"0000:03:10.0\"},"
    "{\"alias\": \"ua-net0\", \"kind\": \"source-dev\", \"value\": \"eth3\"}]";

typedef struct {
    const char *name;
    const char *xml;
    unsigned n_refused;
    const char *message; /* (nullable): part of the first */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nothing", GUEST("<interface type='user'><alias name='ua-n'/></interface>"), 0, NULL },
    { "all-assigned", GUEST(MDEV("ua-gpu0", OURS) FUNCTION("hostdev", "pci", "ua-vf", "0x10") DIRECT("ua-net0", "eth3")), 0, NULL },
    { "upper-case", GUEST(MDEV("ua-gpu0", "0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C002")), 0, NULL },
    { "other-uuid", GUEST(MDEV("ua-gpu0", OTHER)), 1, OTHER },
    { "other-alias", GUEST(MDEV("ua-gpu1", OURS)), 1, "ua-gpu1" },
    { "one-more", GUEST(MDEV("ua-gpu0", OURS) MDEV("ua-gpu1", OTHER)), 1, OTHER },
    { "other-function", GUEST(FUNCTION("hostdev", "pci", "ua-vf", "0x11")), 1, "0000:03:11.0" },
    { "function-as-interface", GUEST(FUNCTION("interface", "hostdev", "ua-vf", "0x10")), 0, NULL },
    { "other-interface", GUEST(FUNCTION("interface", "hostdev", "ua-vf", "0x11")), 1, "0000:03:11.0" },
    { "without-alias", GUEST("<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='3' slot='0x10' function='0'/></source></hostdev>"), 1, "0000:03:10.0" },
    { "usb", GUEST("<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source><alias name='ua-gpu0'/></hostdev>"), 1, NULL },
    { "hybrid-elsewhere", GUEST(DIRECT("ua-net0", "eth4")), 1, "eth4" },
    { "plain-macvtap", GUEST(DIRECT("ua-net5", "eth4")), 0, NULL },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    json_t *assign = json_loads(assigned, 0, NULL);
    json_t *reasons = json_array();

    g_assert_true(ferry_domain_parse(row->xml, &domain, &error));
    g_assert_no_error(error);
    ferry_guard_check(domain, assign, reasons);
    g_assert_cmpuint(json_array_size(reasons), ==, row->n_refused);
    if (row->message != NULL)
        g_assert_nonnull(
            strstr(json_string_value(json_object_get(json_array_get(reasons, 0), "message")),
                   row->message));
    json_decref(assign);
    json_decref(reasons);
}

static void
test_nothing_assigned(void)
{
    g_autoptr(FerryDomain) domain = NULL;
    json_t *reasons = json_array();

    g_assert_true(
        ferry_domain_parse(GUEST(MDEV("ua-gpu0", OURS) DIRECT("ua-net0", "eth3")), &domain, NULL));
    ferry_guard_check(domain, NULL, reasons);
    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/guard/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/guard/nothing-assigned", test_nothing_assigned);
    return g_test_run();
}
