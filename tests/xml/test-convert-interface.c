#include "convert-fixture.h"

#define NIC(type, rest) "<interface type='" type "'>" rest "</interface>\n"
#define HYBRID(rest)    NIC("hostdev-hybrid", rest)
#define NETWORK(name)   "<source network='" name "'/>"
#define MAC             "<mac address='52:54:00:00:00:01'/>"
#define VIRTIO          "<model type='virtio'/>"
#define VF(slot, function)                                                                         \
    "<source><address type='pci' domain='0' bus='3' slot='" slot "' function='" function           \
    "'/></source>"
#define PLACED "<address type='pci' domain='0' bus='4' slot='0' function='0'/>"
#define META(pool, place, no_vf)                                                                   \
    "<ferry:hybrid alias='ua-ferry0' pool='" pool "' vf-alias='ua-ferry0-vf' vf-address='" place   \
    "' on-no-vf='" no_vf "'/>"

typedef struct {
    const char *name;
    const char *devices;
    const char *element;
    const char *has; /* (nullable) */
    unsigned n_changed;
} Row;

/* Without controllers: three ports are made for what libvirt adds, one for the NIC, one for the VF
 */
/* clang-format off */
static const Row rows[] = {
    { "by-network",    HYBRID(MAC NETWORK("net-x")), META("net-x", "0000:04:00.0", "refuse"), "<interface type='network'>" MAC NETWORK("net-x") "<alias name='ua-ferry0'/>", 1 },
    { "degrade",       "<interface type='hostdev-hybrid' managed='yes' on-no-vf='degrade'>" MAC NETWORK("net-x") "</interface>",
      META("net-x", "0000:04:00.0", "degrade"), "<interface type='network'>" MAC, 1 },
    { "plain-network", NIC("network", MAC VIRTIO NETWORK("net-x")), META("net-x", "0000:04:00.0", "refuse"), "<teaming type='persistent'/>", 1 },
    { "no-mac",        NIC("network", VIRTIO NETWORK("net-x")), META("net-x", "0000:04:00.0", "refuse"), "<mac address='52:54:00:c0:ff:ee'/>", 2 },
    { "empty-mac",     NIC("network", "<mac/>" NETWORK("net-x")), META("net-x", "0000:04:00.0", "refuse"), "<mac address='52:54:00:c0:ff:ee'/>", 2 },
    { "by-vf",         HYBRID(MAC VF("16", "2")), META("net-x", "0000:04:00.0", "refuse"), "<interface type='network'>" MAC NETWORK("net-x"), 1 },
    { "its-own-place", HYBRID(MAC NETWORK("net-x") PLACED), META("net-x", "0000:07:00.0", "refuse"), PLACED, 1 },
    { "place-left-open", HYBRID(MAC NETWORK("net-x") "<address type='pci'/>"), META("net-x", "0000:04:00.0", "refuse"), "bus='0x01' slot='0x00'", 1 },
    { "vlan-of-pool",  HYBRID(MAC NETWORK("net-x-42") "<vlan><tag id='42'/></vlan>"), META("net-x-42", "0000:04:00.0", "refuse"), NETWORK("net-x-42") "<alias", 1 },
    { "vfs-driver",    HYBRID(MAC "<driver name='vfio'/>" NETWORK("net-x")), META("net-x", "0000:04:00.0", "refuse"), MAC NETWORK("net-x"), 1 },
    { "virtios-driver", HYBRID(MAC NETWORK("net-x") "<driver name='vhost' queues='4'/>"), META("net-x", "0000:04:00.0", "refuse"), "<driver name='vhost' queues='4'/>", 1 },
    { "ephemeral-says-nothing", "<interface type='hostdev-hybrid' ephemeral='yes'>" MAC NETWORK("net-x") "</interface>", META("net-x", "0000:04:00.0", "refuse"), "<interface type='network'>", 1 },
    { "modern-virtio", HYBRID(MAC NETWORK("net-x") "<model type='virtio-non-transitional'/>"), META("net-x", "0000:04:00.0", "refuse"), "non-transitional'/><alias", 1 },
    { "own-alias",     HYBRID(MAC NETWORK("net-x") "<alias name='ua-n'/>"), "alias='ua-n' pool='net-x' vf-alias='ua-n-vf'", NULL, 1 },
    { "vf-alias-is-taken", HYBRID(MAC NETWORK("net-x") "<alias name='ua-n'/>") "<rng><alias name='ua-n-vf'/></rng>", "alias='ua-n' pool='net-x' vf-alias='ua-ferry0'", NULL, 1 },
    { "two",           HYBRID(MAC NETWORK("net-x")) HYBRID(NETWORK("net-x-42")), "alias='ua-ferry1' pool='net-x-42' vf-alias='ua-ferry1-vf'", META("net-x", "0000:05:00.0", "refuse"), 3 },
    { "ephemeral-network", NIC("network", NETWORK("net-x-vfs")), "<ferry:ephemeral alias='ua-ferry0' pool='net-x-vfs'/>", "<interface type='network'>", 1 },
    { "ephemeral-both", "<interface type='network' ephemeral='yes'>" NETWORK("net-x-vfs") "</interface>", "<ferry:ephemeral alias='ua-ferry0' pool='net-x-vfs'/>", "<interface type='network'>", 1 },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *xml = g_strdup_printf(GUEST("", "%s"), row->devices);
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out = fixture_convert(xml, &notes);

    fixture_assert_has(out, row->element);
    fixture_assert_has(out, row->has);
    g_assert_cmpuint(fixture_count(notes, FERRY_NOTE_CHANGED), ==, row->n_changed);
    g_assert_null(strstr(out, "<vlan>"));
    g_assert_null(strstr(out, "on-no-vf='degrade'>")); /* that of the interface */
    fixture_assert_settled(out);
}

/* What is on a network of nobody's, and pairs that somebody made by hand. */
static void
test_kept(void)
{
    static const char *const kept[] = {
        GUEST("", NIC("network", NETWORK("default"))),
        GUEST("", NIC("network", NETWORK("vfs"))),
        GUEST("", NIC("hostdev", VF("16", "0"))),
        GUEST("", NIC("network", MAC NETWORK("net-x") VIRTIO
                      "<teaming type='persistent'/><alias name='ua-a'/>")
                      NIC("hostdev",
                          MAC VF("16", "2") "<teaming type='transient' persistent='ua-a'/>")),
        GUEST(FERRY("<ferry:ephemeral alias='ua-a' pool='net-x-vfs'/>"),
              NIC("network", NETWORK("net-x-vfs") "<alias name='ua-a'/>")),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
        fixture_assert_settled(kept[i]);
}

/* Ferry's own form, with something missing. */
static void
test_completed(void)
{
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out = fixture_convert(
        GUEST(
            FERRY("<ferry:hybrid alias='ua-n' pool='net-x-42' vf-alias='ua-v' "
                  "vf-address='0000:02:00.0'/>"),
            "<controller type='pci' index='2' model='pcie-root-port'/>" NIC(
                "network", NETWORK("net-x-42") "<vlan><tag id='42'/></vlan><alias name='ua-n'/>")),
        &notes);

    fixture_assert_has(out, "<mac address='52:54:00:c0:ff:ee'/>" VIRTIO
                            "<teaming type='persistent'/><address type='pci' domain='0x0000' "
                            "bus='0x03' slot='0x00' function='0x0'/>");
    fixture_assert_has(out, "vf-address='0000:02:00.0'/>");
    g_assert_cmpuint(notes->len, ==, 1);
    fixture_assert_settled(out);
}

typedef struct {
    const char *name;
    const char *xml;
    const char *message;
} RefuseRow;

#define L5 "line 5, <interface>: "

/* clang-format off */
static const RefuseRow refused[] = {
    { "no-source",   GUEST("", HYBRID(MAC)), L5 "a hybrid needs a pool, <source network='…'/>, or a VF, <source><address type='pci' …/></source>" },
    { "no-such-pool", GUEST("", HYBRID(NETWORK("none"))), L5 "there is no pool none; there are: net-x, net-x-42" },
    { "pool-of-vfs", GUEST("", HYBRID(NETWORK("vfs"))), L5 "the pool vfs is of VFs alone, which this cannot use; there are: net-x, net-x-42" },
    { "vf-in-none",  GUEST("", HYBRID(VF("16", "0"))), "line 5, <address>: no pool has the VF 0000:03:10.0: define one with \"ferry pool define\", or name a pool, <source network='…'/>" },
    { "vf-in-two",   GUEST("", HYBRID(VF("16", "4"))), "line 5, <address>: the VF 0000:03:10.4 is in the pools net-x and vfs: name the one that is meant, <source network='…'/>" },
    { "vf-octal",    GUEST("", HYBRID(VF("016", "4"))), "line 5, <address>: slot=\"016\" could be octal or decimal: write 0x… or no 0 first" },
    { "other-vlan",  GUEST("", HYBRID(NETWORK("net-x-42") "<vlan><tag id='43'/></vlan>")), "line 5, <vlan>: the VLAN of a hybrid is its pool's, and net-x-42 has VLAN 42: after a failover the guest would be in another network; take <vlan> out, or use a pool with this VLAN" },
    { "trunk",       GUEST("", HYBRID(NETWORK("net-x-42") "<vlan><tag id='42'/><tag id='43'/></vlan>")), "line 5, <vlan>: the VLAN of a hybrid is its pool's, and net-x-42 has VLAN 42: after a failover the guest would be in another network; take <vlan> out, or use a pool with this VLAN" },
    { "profile",     GUEST("", NIC("network", NETWORK("net-x") "<virtualport type='802.1Qbh'/>")), "line 5, <virtualport>: a hybrid takes no port profile (802.1Qbh): its virtio half would be outside of it; use a VF alone, <interface type='hostdev'>" },
    { "profile-of-any-type", GUEST("", HYBRID(NETWORK("net-x") "<virtualport/>")), "line 5, <virtualport>: a hybrid takes no port profile (of any type): its virtio half would be outside of it; use a VF alone, <interface type='hostdev'>" },
    { "model",       GUEST("", NIC("network", NETWORK("net-x") "<model type='e1000e'/>")), "line 5, <model>: the half of a hybrid that is always there is a virtio NIC: write <model type='virtio'/>" },
    { "half",        GUEST("", HYBRID(NETWORK("net-x") "<teaming type='transient'/>")), "line 5, <teaming>: a hybrid is both halves of a pair: write <teaming type='persistent'/>, or take it out" },
    { "on-no-vf",    GUEST("", "<interface type='hostdev-hybrid' on-no-vf='cry'>" NETWORK("net-x") "</interface>"), L5 "on-no-vf is \"cry\", it can be refuse or degrade" },
    { "ccw",         GUEST("", HYBRID(NETWORK("net-x") "<address type='ccw'/>")), "line 5, <address>: a hybrid's halves find each other on the guest's PCI bus only: write type='pci', or take it out" },
    { "no-pci",      "<domain>\n<os><type arch='s390x'/></os>\n<devices>\n\n" HYBRID(NETWORK("net-x")) "</devices></domain>", L5 "the guest has no free PCI slot for it" },
    { "no-pci-for-vf", "<domain>\n<os><type arch='s390x'/></os>\n<devices>\n\n" HYBRID(NETWORK("net-x") PLACED) "</devices></domain>", L5 "the guest has no PCI slot that could stay free for the VF: a hybrid needs one that takes a device while the guest runs" },
};
/* clang-format on */

static void
test_refused(gconstpointer data)
{
    const RefuseRow *row = data;

    fixture_refuse(row->xml, row->message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/convert-interface/turned/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/convert-interface/refused/", refused[i].name, NULL);

        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/convert-interface/kept", test_kept);
    g_test_add_func("/convert-interface/completed", test_completed);
    return g_test_run();
}
