#include "convert-fixture.h"

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define MDEV(uuid)                                                                                 \
    "<hostdev type='mdev' model='vfio-pci'><source><address uuid='" uuid "'/></source></"          \
    "hostdev>\n"
#define OUR_MDEV                                                                                   \
    "<hostdev type='mdev' model='vfio-pci'><source><address uuid='" UUID                           \
    "'/></source><alias name='ua-x'/></hostdev>\n"
#define MAC(last) "<mac address='52:54:00:00:00:" last "'/>"
#define DIRECT(dev, mac)                                                                           \
    "<interface type='direct'>" mac "<source dev='" dev "' mode='bridge'/><alias name='ua-n'/>"    \
    "</interface>\n"
#define VF(function, mac)                                                                          \
    "<interface type='hostdev'>" mac "<source><address type='pci' domain='0' bus='3' slot='16' "   \
    "function='" function                                                                          \
    "'/></source><teaming type='transient' persistent='ua-n'/></interface>\n"
#define PLAIN_VF(function)                                                                         \
    "<hostdev type='pci'><source><address domain='0' bus='3' slot='16' function='" function        \
    "'/></source><teaming type='transient' persistent='ua-n'/></hostdev>\n"
#define HYBRID(pool, place)                                                                        \
    FERRY("<ferry:hybrid alias='ua-n' pool='" pool "' vf-alias='ua-v' vf-address='" place "'/>")
#define NIC                                                                                        \
    "<interface type='network'>" MAC("01") "<source network='net-x'/><model type='virtio'/>"       \
                                           "<teaming type='persistent'/><alias "                   \
                                           "name='ua-n'/><address type='pci' bus='1' slot='0'/>"   \
                                           "</interface>\n"

typedef struct {
    const char *name;
    const char *xml;
    const char *message; /* NULL: accepted, and nothing changes */
} Row;

#define MACS(one, other)                                                                           \
    "line 6, <interface>: both halves of a pair need one MAC address, but this has " one           \
    " and ua-n has " other ": write the same <mac address='…'/> in both"
#define NO_DEFINITION                                                                              \
    "line 3, <ferry:hybrid>: no <interface type='network'> with <source network='net-x'/> has "    \
    "the "                                                                                         \
    "alias ua-n: a running guest's XML is no definition, use \"virsh dumpxml --inactive\""

/* clang-format off */
static const Row rows[] = {
    { "uuids",           GUEST("", MDEV(UUID) MDEV("0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002")), NULL },
    { "uuid-twice",      GUEST("", MDEV(UUID) MDEV(UUID)), "line 6, <address>: the mdev " UUID " is in another device of this guest already: give each its own" },
    { "uuid-other-case", GUEST("", MDEV(UUID) MDEV("0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001")), "line 6, <address>: the mdev 0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001 is in another device of this guest already: give each its own" },
    { "uuid-no-dashes",  GUEST("", MDEV(UUID) MDEV("0d9f7f5c2f0e4a559c4d6a1f54a1c001")), "line 6, <address>: the mdev 0d9f7f5c2f0e4a559c4d6a1f54a1c001 is in another device of this guest already: give each its own" },
    { "no-uuid",         GUEST("", MDEV("0d9f7f5c")), "line 5, <address>: uuid=\"0d9f7f5c\" is not a UUID" },
    { "not-hex",         GUEST("", MDEV("zd9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001")), "line 5, <address>: uuid=\"zd9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001\" is not a UUID" },
    { "alias-twice",     GUEST("", "<rng><alias name='ua-a'/></rng>\n<rng><alias name='ua-a'/></rng>\n"), "line 6, <rng>: its alias is another device's already: give each its own" },
    { "libvirts-alias-twice", GUEST("", "<rng><alias name='rng0'/></rng><rng><alias name='rng0'/></rng>\n"), NULL },
    { "console-repeats", GUEST("", "<serial><alias name='ua-a'/></serial><console><alias name='ua-a'/></console>\n"), NULL },
    { "pair",            GUEST("", DIRECT("eth3", MAC("0a")) VF("2", MAC("0A"))), NULL },
    { "pair-on-vlan",    GUEST("", DIRECT("eth3.42", MAC("0a")) VF("2", MAC("0a"))), NULL },
    { "pair-of-hostdev", GUEST("", DIRECT("eth3", "") PLAIN_VF("2")), NULL },
    { "pair-of-unknown", GUEST("", DIRECT("br7", MAC("0a")) VF("7", MAC("0a"))), NULL },
    { "pair-no-partner", GUEST("", VF("2", MAC("0a"))), "line 5, <teaming>: no device of this guest has the alias ua-n of its other half" },
    { "pair-two-macs",   GUEST("", DIRECT("eth3", MAC("0a")) VF("2", MAC("0b"))), MACS("52:54:00:00:00:0b", "52:54:00:00:00:0a") },
    { "pair-no-mac",     GUEST("", DIRECT("eth3", MAC("0a")) VF("2", "")), MACS("none", "52:54:00:00:00:0a") },
    { "pair-no-macs",    GUEST("", DIRECT("eth3", "") VF("2", "")), MACS("none", "none") },
    { "pair-two-pfs",    GUEST("", DIRECT("eth4", MAC("0a")) VF("2", MAC("0a"))),
      "line 6, <interface>: the VF 0000:03:10.2 is not one of eth4, which its other half sits on: after a failover the guest would be elsewhere; take a VF of that PF" },
    { "hostdev-two-pfs", GUEST("", DIRECT("eth4", MAC("0a")) PLAIN_VF("2")),
      "line 6, <hostdev>: the VF 0000:03:10.2 is not one of eth4, which its other half sits on: after a failover the guest would be elsewhere; take a VF of that PF" },

    { "mdev",            GUEST(FERRY("<ferry:mdev alias='ua-x' type='mtty-2' parent='mtty' managed='yes'/>"), OUR_MDEV), NULL },
    { "mdev-no-device",  GUEST(FERRY("<ferry:mdev alias='ua-y' type='mtty-2'/>"), OUR_MDEV), "line 3, <ferry:mdev>: no <hostdev type='mdev'> of this guest has the alias ua-y: write it there, or take this out" },
    { "mdev-other-device", GUEST(FERRY("<ferry:mdev alias='ua-y' type='mtty-2'/>"), "<rng><alias name='ua-y'/></rng>"), "line 3, <ferry:mdev>: no <hostdev type='mdev'> of this guest has the alias ua-y: write it there, or take this out" },
    { "mdev-no-pool",    GUEST(FERRY("<ferry:mdev alias='ua-x' type='t' pool='none' managed='yes'/>"), OUR_MDEV), "line 3, <ferry:mdev>: there is no pool none; there are: gpus" },
    { "mdev-pool-and-parent", GUEST(FERRY("<ferry:mdev alias='ua-x' type='t' pool='gpus' parent='mtty' managed='yes'/>"), OUR_MDEV), "line 3, <ferry:mdev>: a managed mdev needs a pool or a parent, exactly one of them" },
    { "hybrid",          GUEST(HYBRID("net-x", "0000:02:00.0"), NIC "<controller type='pci' index='2' model='pcie-root-port'/>\n"), NULL },
    { "hybrid-no-pool",  GUEST(HYBRID("none", "0000:02:00.0"), "<interface type='network'><source network='none'/><alias name='ua-n'/></interface>\n"), "line 3, <ferry:hybrid>: there is no pool none; there are: net-x, net-x-42" },
    { "hybrid-no-device", GUEST(HYBRID("net-x", "0000:02:00.0"), "<rng/>\n"), NO_DEFINITION },
    { "hybrid-running",  GUEST(HYBRID("net-x", "0000:02:00.0"), DIRECT("eth3", MAC("01"))), NO_DEFINITION },
    { "hybrid-with-vf",  GUEST(HYBRID("net-x", "0000:02:00.0"), NIC "<interface type='hostdev'><alias name='ua-v'/></interface>\n"), "line 3, <ferry:hybrid>: the VF ua-v stands among the devices: ferry plugs it while the guest runs, take it out" },
    { "hybrid-no-place", "<domain>\n<os><type arch='s390x'/></os>\n<metadata>" HYBRID("net-x", "0000:02:00.0") "</metadata>\n<devices>" NIC "</devices></domain>",
      "line 3, <ferry:hybrid>: nothing can be plugged at 0000:02:00.0 of this guest, and it has no other free PCI slot for the VF" },
    { "ephemeral-off",   GUEST(FERRY("<ferry:ephemeral alias='ua-gone' pool='vfs'/>"), "<rng/>\n"), NULL },
    { "ephemeral-fixed", GUEST(FERRY("<ferry:ephemeral alias='ua-a'/>"), "<video><alias name='ua-a'/></video>\n"), "line 3, <ferry:ephemeral>: ua-a is a video, which cannot be taken off a running guest: take this out" },
    { "ephemeral-no-pool", GUEST(FERRY("<ferry:ephemeral alias='ua-a' pool='net-x'/>"), "<rng/>\n"), "line 3, <ferry:ephemeral>: the pool net-x is of hybrids, which this cannot use; there are: gpus, net-x-vfs, vfs" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;

    if (row->message != NULL)
        fixture_refuse(row->xml, row->message);
    else
        fixture_assert_settled(row->xml);
}

/* Somebody put a device where the VF was to be plugged. */
static void
test_next_place(void)
{
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out =
        fixture_convert(GUEST(HYBRID("net-x", "0000:01:00.0"),
                              NIC "<controller type='pci' index='2' model='pcie-root-port'/>\n"
                                  "<controller type='usb'/><memballoon model='none'/>\n"),
                        &notes);

    fixture_assert_has(out, "vf-alias='ua-v' vf-address='0000:03:00.0'/>");
    fixture_assert_has(out, "<controller type='pci' index='3' model='pcie-root-port'/>");
    g_assert_cmpstr(((FerryNote *)g_ptr_array_index(notes, 0))->text, ==,
                    "line 3, <ferry:hybrid>: nothing can be plugged at 0000:01:00.0 of this guest: "
                    "0000:03:00.0 is kept free for the VF instead");
    fixture_assert_settled(out);
}

/* What the host has not got now may come; that is said each time. */
static void
test_warnings(void)
{
    static const struct {
        const char *place, *text;
    } warnings[] = {
        { "parent='0000:99:00.0'", "line 3, <ferry:mdev>: this host has no parent 0000:99:00.0 "
                                   "now: the guest can only start once it is there" },
        { "parent='0000:41:00.0'",
          "line 3, <ferry:mdev>: the parent 0000:41:00.0 does not offer the type mtty-2 now: the "
          "guest can only start once it does" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(warnings); i++) {
        g_autofree char *xml = g_strdup_printf(
            GUEST(FERRY("<ferry:mdev alias='ua-x' type='mtty-2' %s managed='yes'/>"), OUR_MDEV),
            warnings[i].place);
        g_autoptr(GPtrArray) notes = NULL;
        g_autofree char *out = fixture_convert(xml, &notes);

        g_assert_cmpstr(out, ==, xml);
        g_assert_cmpuint(notes->len, ==, 1);
        g_assert_cmpint(((FerryNote *)g_ptr_array_index(notes, 0))->kind, ==, FERRY_NOTE_WARNING);
        g_assert_cmpstr(((FerryNote *)g_ptr_array_index(notes, 0))->text, ==, warnings[i].text);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/convert-check/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/convert-check/next-place", test_next_place);
    g_test_add_func("/convert-check/warnings", test_warnings);
    return g_test_run();
}
