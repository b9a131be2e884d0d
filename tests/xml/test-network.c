#include "xml/network.h"

#include "base/error.h"
#include "example.h"

/* "a b c" for a list of names. */
static char *
joined(const GPtrArray *list)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               (const char *)g_ptr_array_index(list, i));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

typedef struct {
    const char *file;
    const char *name;
    FerryNetworkMode mode;
    bool managed;
    bool ephemeral;
    const char *pfs;
    const char *addresses;
    const char *interfaces;
    unsigned vlan;
    const char *profile;
} Row;

#define ADDRESSES "0000:03:10.0 0000:03:10.1 0000:03:10.2 0000:03:10.3"

/* clang-format off */
static const Row rows[] = {
    { "network-hostdev-one-pf", "net-one", FERRY_NETWORK_HOSTDEV, true, false, "eth3", "", "", 0, "ex-profile-7" },
    { "network-hostdev-live", "net-one", FERRY_NETWORK_HOSTDEV, true, false, "eth3", "", "", 0, NULL },
    { "network-hostdev-addresses-two-pfs", "net-x-list", FERRY_NETWORK_HOSTDEV, true, false, "", ADDRESSES, "", 0, NULL },
    { "network-hostdev-ephemeral-two-pfs", "net-x-vfs", FERRY_NETWORK_HOSTDEV, true, true, "eth3 eth4", "", "", 42, NULL },
    { "network-hybrid-two-pfs", "net-x", FERRY_NETWORK_HYBRID, true, false, "eth3 eth4", "", "", 0, NULL },
    { "network-hybrid-vlan-two-pfs", "net-x-42", FERRY_NETWORK_HYBRID, true, false, "eth3 eth4", "", "", 42, NULL },
    { "network-hybrid-companion", "net-x", FERRY_NETWORK_BRIDGE, false, false, "", "", "eth3 eth4", 0, NULL },
    { "network-hybrid-vlan-companion", "net-x-42", FERRY_NETWORK_BRIDGE, false, false, "", "", "eth3.42 eth4.42", 0, NULL },
};
/* clang-format on */

static void
test_example(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *xml = example(row->file);
    g_autoptr(FerryNetwork) network = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *pfs = NULL;
    g_autofree char *addresses = NULL;
    g_autofree char *interfaces = NULL;

    g_assert_true(ferry_network_parse(xml, &network, &error));
    g_assert_no_error(error);
    pfs = joined(network->pfs);
    addresses = joined(network->addresses);
    interfaces = joined(network->interfaces);
    g_assert_cmpstr(network->name, ==, row->name);
    g_assert_cmpint(network->mode, ==, row->mode);
    g_assert_cmpint(network->managed, ==, row->managed);
    g_assert_cmpint(network->ephemeral, ==, row->ephemeral);
    g_assert_cmpstr(pfs, ==, row->pfs);
    g_assert_cmpstr(addresses, ==, row->addresses);
    g_assert_cmpstr(interfaces, ==, row->interfaces);
    g_assert_cmpuint(network->vlan, ==, row->vlan);
    g_assert_cmpstr(network->profile, ==, row->profile);
}

static void
test_names_and_drivers(void)
{
    g_autofree char *xml = example("network-hostdev-live");
    g_autoptr(FerryNetwork) network = NULL;

    g_assert_true(ferry_network_parse(xml, &network, NULL));
    g_assert_cmpstr(network->uuid, ==, "5c1d7a55-0b0a-4a53-9d8d-3c0d1b0c0001");
    g_assert_cmpstr(network->driver_model, ==, "mlx5_vfio_pci");
}

#define NET(inside)          "<network><name>n</name>" inside "</network>"
#define HYBRID(inside)       "<forward mode='hostdev-hybrid'>" inside "</forward>"
#define HOSTDEV(inside)      NET("<forward mode='hostdev'>" inside "</forward>")
#define TAGS(inside)         NET(HYBRID("<pf dev='a'/>") "<vlan>" inside "</vlan>")
#define NO_TRUNK             "a VF takes one VLAN tag and no trunk"
#define ADDRESS(bus)         HOSTDEV("<address type='pci' bus='" bus "' slot='0' function='0'/>")
#define NOT_HEX(text, limit) "=\"" text "\" is not a number up to " limit ", in decimal or as 0x…"

/* clang-format off */
static const RefuseRow refuse_rows[] = {
    { "network-duplicate-pf", NULL, "line 6, <pf>: eth3 stands here twice: take one out" },
    { "network-duplicate-address", NULL, "line 6, <address>: 0000:03:10.2 stands here twice: take one out" },
    { "network-octal", NULL, "line 5, <address>: slot=\"08\" could be octal or decimal: write 0x… or no 0 first" },
    { "network-hybrid-qbh", NULL, "line 7, <virtualport>: a hybrid takes no port profile: its virtio half would be outside of it" },
    { "empty", "", "network XML is not XML: line 1: Document is empty" },
    { "other-root", "<domain/>", "network XML is not what it should be: line 1: the outermost element is <domain> and not <network>" },
    { "doctype", "<!DOCTYPE network [<!ENTITY a 'b'>]><network/>", "network XML has a DOCTYPE: take it out, ferry reads no document type" },
    { "no-name", "<network/>", "line 1, <network>: the network's name is missing, or has a \"/\" in it" },
    { "slash-in-name", "<network><name>a/b</name></network>", "line 1, <name>: the network's name is missing, or has a \"/\" in it" },
    { "uuid", NET("<uuid>5</uuid>"), "line 1, <uuid>: \"5\" is not a UUID" },
    { "mode", NET("<forward mode='x'/>"), "line 1, <forward>: mode=\"x\" is none that libvirt or ferry knows" },
    { "flag", NET("<forward mode='hostdev' managed='1'/>"), "line 1, <forward>: managed=\"1\" is neither yes nor no" },
    { "ephemeral", NET("<forward mode='hostdev' ephemeral=''/>"), "line 1, <forward>: ephemeral=\"\" is neither yes nor no" },
    { "no-members", NET("<forward mode='hostdev'/>"), "line 1, <forward>: no VFs: name PFs, <pf dev='…'/>, or addresses" },
    { "hybrid-no-members", NET(HYBRID("")), "line 1, <forward>: no VFs: name PFs, <pf dev='…'/>" },
    { "hybrid-addresses", NET(HYBRID("<address type='pci' bus='1' slot='0' function='0'/>")),
      "line 1, <forward>: a hybrid's virtio half needs its VF's PF: name PFs, not addresses" },
    { "interface", HOSTDEV("<interface dev='a'/><pf dev='b'/>"), "line 1, <forward>: <interface> is for macvtap: name PFs" },
    { "no-dev", HOSTDEV("<pf/>"), "line 1, <pf>: the attribute \"dev\" is missing" },
    { "path", HOSTDEV("<pf dev='../x'/>"), "line 1, <pf>: dev=\"../x\" is no name of a netdev" },
    { "dots", HOSTDEV("<pf dev='..'/>"), "line 1, <pf>: dev=\"..\" is no name of a netdev" },
    { "long", HOSTDEV("<pf dev='0123456789abcdef'/>"), "line 1, <pf>: dev=\"0123456789abcdef\" is no name of a netdev" },
    { "address-type", HOSTDEV("<address type='drive'/>"), "line 1, <address>: type=\"drive\" is not pci" },
    { "no-bus", HOSTDEV("<address type='pci' slot='0' function='0'/>"), "line 1, <address>: the attribute \"bus\" is missing" },
    { "bus-range", ADDRESS("256"), "line 1, <address>: bus" NOT_HEX("256", "0xff") },
    { "bus-hex", ADDRESS("0x"), "line 1, <address>: bus=\"0x\" could be octal or decimal: write 0x… or no 0 first" },
    { "bus-sign", ADDRESS("-1"), "line 1, <address>: bus" NOT_HEX("-1", "0xff") },
    { "bus-hex-sign", ADDRESS("0x-1"), "line 1, <address>: bus" NOT_HEX("0x-1", "0xff") },
    { "vlan-range", TAGS("<tag id='4095'/>"), "line 1, <tag>: id=\"4095\" is not a VLAN from 1 to 4094" },
    { "vlan-0", TAGS("<tag id='0'/>"), "line 1, <tag>: id=\"0\" is not a VLAN from 1 to 4094" },
    { "vlan-none", TAGS(""), "line 1, <vlan>: <tag id='…'/> is missing" },
    { "vlan-two", TAGS("<tag id='1'/><tag id='2'/>"), "line 1, <tag>: " NO_TRUNK },
    { "vlan-trunk", NET(HYBRID("<pf dev='a'/>") "<vlan trunk='yes'><tag id='1'/></vlan>"), "line 1, <vlan>: " NO_TRUNK },
    { "profile-and-vlan", NET("<forward mode='hostdev'><pf dev='a'/></forward><vlan><tag id='1'/></vlan><virtualport type='802.1Qbh'/>"),
      "line 1, <virtualport>: a port profile and a VLAN: the profile sets it" },
};
/* clang-format on */

static void
test_refuses(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autofree char *xml = example_refused(row);
    FerryNetwork *network = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_network_parse(xml, &network, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(network);
}

static void
test_limits(void)
{
    g_autofree char *long_text = g_strnfill(FERRY_NETWORK_MAX_BYTES + 1, ' ');
    g_autoptr(GString) many = g_string_new("<network><name>n</name><forward mode='bridge'>");
    FerryNetwork *network = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_network_parse(long_text, &network, &error));
    g_assert_nonnull(strstr(error->message, "longer than 262144 bytes"));
    g_clear_error(&error);
    for (int i = 0; i <= FERRY_NETWORK_MAX_MEMBERS; i++)
        g_string_append_printf(many, "<interface dev='e%d'/>", i);
    g_string_append(many, "</forward></network>");
    g_assert_false(ferry_network_parse(many->str, &network, &error));
    g_assert_nonnull(strstr(error->message, "<interface>: more than 4096 of these"));
}

/* What other modes have is theirs: it is skipped, not refused. */
static void
test_takes_what_is_not_ours(void)
{
    static const char *const texts[] = {
        NET(""),
        NET("<forward/><bridge name='virbr0'/><ip address='192.168.122.1'><dhcp/></ip>"),
        NET("<forward mode='bridge'/><bridge name='br0'/><virtualport type='openvswitch'/>"
            "<vlan trunk='yes'><tag id='1'/><tag id='2'/></vlan>"),
        NET("<forward mode='passthrough'><interface dev='a'/></forward><portgroup name='x'/>"),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(FerryNetwork) network = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(ferry_network_parse(texts[i], &network, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(network->vlan, ==, 0);
    }
}

static void
test_companion_is_as_the_example(void)
{
    g_autofree char *xml = example("network-hybrid-companion");
    g_autoptr(GPtrArray) pfs = g_ptr_array_new();
    g_autofree char *text = NULL;

    g_ptr_array_add(pfs, (gpointer) "eth3");
    g_ptr_array_add(pfs, (gpointer) "eth4");
    text = ferry_network_format_companion("net-x", pfs);
    g_assert_true(g_str_has_prefix(text, "<network>"));
    g_assert_true(g_str_has_suffix(xml, text));
}

static void
test_companion_escapes(void)
{
    g_autoptr(GPtrArray) pfs = g_ptr_array_new();
    g_autoptr(FerryNetwork) network = NULL;
    g_autofree char *text = NULL;

    g_ptr_array_add(pfs, (gpointer) "e<'&");
    text = ferry_network_format_companion("a<b>'&\"", pfs);
    g_assert_true(ferry_network_parse(text, &network, NULL));
    g_assert_cmpstr(network->name, ==, "a<b>'&\"");
    g_assert_cmpstr(g_ptr_array_index(network->interfaces, 0), ==, "e<'&");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/network/example/", rows[i].file, NULL);
        g_test_add_data_func(path, &rows[i], test_example);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/network/refuses/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refuses);
    }
    g_test_add_func("/network/names-and-drivers", test_names_and_drivers);
    g_test_add_func("/network/limits", test_limits);
    g_test_add_func("/network/takes-what-is-not-ours", test_takes_what_is_not_ours);
    g_test_add_func("/network/companion-is-as-the-example", test_companion_is_as_the_example);
    g_test_add_func("/network/companion-escapes", test_companion_escapes);
    return g_test_run();
}
