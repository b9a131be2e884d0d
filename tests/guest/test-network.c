#include "guest/network.h"

#include <libvirt/libvirt.h>

#include "base/error.h"
#include "guest/handle.h"

/* libvirt's test driver has a network "default", which is nobody's of ours. */
#define POOL "net-x"
#define TWO                                                                                        \
    "<network><name>net-x</name><forward mode='bridge'><interface dev='eth3'/>"                    \
    "<interface dev='eth4'/></forward></network>"
#define ONE                                                                                        \
    "<network><name>net-x</name><forward mode='bridge'><interface "                                \
    "dev='eth3'/></forward></network>"

static FerryGuests *
open_libvirt(void)
{
    return ferry_guests_new("test:///default");
}

static FerryCompanion
find(FerryGuests *guests, const char *name)
{
    FerryCompanion ret = FERRY_COMPANION_FOREIGN;

    g_assert_true(ferry_guests_companion_find(guests, name, &ret, NULL));
    return ret;
}

/* Returns: (transfer full): libvirt's own XML, and whether it is active and starts at boot */
static char *
read_network(FerryGuests *guests, int *ret_active, int *ret_autostart)
{
    g_autoptr(virConnect) connect = NULL;
    virNetwork *network = NULL;
    char *xml = NULL;

    g_assert_true(ferry_guests_connect(guests, &connect, NULL));
    network = virNetworkLookupByName(connect, POOL);
    g_assert_nonnull(network);
    *ret_active = virNetworkIsActive(network);
    g_assert_cmpint(virNetworkGetAutostart(network, ret_autostart), ==, 0);
    xml = virNetworkGetXMLDesc(network, 0);
    (void)virNetworkFree(network);
    return xml;
}

static void
test_life(void)
{
    g_autoptr(FerryGuests) guests = open_libvirt();
    int active = 0, autostart = 0;
    char *xml = NULL;

    g_assert_cmpint(find(guests, POOL), ==, FERRY_COMPANION_ABSENT);
    g_assert_true(ferry_guests_companion_define(guests, POOL, TWO, NULL));
    g_assert_cmpint(find(guests, POOL), ==, FERRY_COMPANION_OURS);
    xml = read_network(guests, &active, &autostart);
    g_assert_cmpint(active, ==, 1);
    g_assert_cmpint(autostart, ==, 1);
    g_assert_nonnull(strstr(xml, "eth3"));
    g_assert_nonnull(strstr(xml, "eth4"));
    g_assert_nonnull(strstr(xml, "urn:ferry:pool:1"));
    free(xml);
    g_assert_true(ferry_guests_companion_undefine(guests, POOL, NULL));
    g_assert_cmpint(find(guests, POOL), ==, FERRY_COMPANION_ABSENT);
    g_assert_true(ferry_guests_companion_undefine(guests, POOL, NULL));
}

/* What a crash left half done is done again. */
static void
test_again(void)
{
    g_autoptr(FerryGuests) guests = open_libvirt();

    g_assert_true(ferry_guests_companion_define(guests, POOL, ONE, NULL));
    g_assert_true(ferry_guests_companion_define(guests, POOL, ONE, NULL));
    g_assert_cmpint(find(guests, POOL), ==, FERRY_COMPANION_OURS);
}

static void
test_foreign(void)
{
    static const char xml[] =
        "<network><name>default</name><forward mode='bridge'><interface dev='eth3'/></forward>"
        "</network>";
    g_autoptr(FerryGuests) guests = open_libvirt();
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(find(guests, "default"), ==, FERRY_COMPANION_FOREIGN);
    g_assert_false(ferry_guests_companion_define(guests, "default", xml, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_true(
        g_str_has_prefix(error->message, "libvirt has a network default that ferry did not make"));
    g_assert_true(ferry_guests_companion_undefine(guests, "default", NULL));
    g_assert_cmpint(find(guests, "default"), ==, FERRY_COMPANION_FOREIGN);
}

static FerryNetworkState
state_of(FerryGuests *guests, const char *name)
{
    FerryNetworkState ret = FERRY_NETWORK_ABSENT;

    g_assert_true(ferry_guests_network_state(guests, name, &ret, NULL));
    return ret;
}

static void
test_state(void)
{
    g_autoptr(FerryGuests) guests = open_libvirt();
    g_autoptr(FerryGuests) away =
        ferry_guests_new("qemu+unix:///system?socket=/nonexistent/libvirt-sock");
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(GError) error = NULL;
    FerryNetworkState ret = FERRY_NETWORK_ACTIVE;
    virNetwork *network = NULL;

    g_assert_cmpint(state_of(guests, "default"), ==, FERRY_NETWORK_ACTIVE);
    g_assert_cmpint(state_of(guests, "lan"), ==, FERRY_NETWORK_ABSENT);
    g_assert_true(ferry_guests_connect(guests, &connect, NULL));
    network = virNetworkDefineXML(connect, "<network><name>lan</name></network>");
    g_assert_nonnull(network);
    (void)virNetworkFree(network);
    g_assert_cmpint(state_of(guests, "lan"), ==, FERRY_NETWORK_INACTIVE);
    g_assert_false(ferry_guests_network_state(away, "lan", &ret, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
}

static void
test_bad_xml(void)
{
    g_autoptr(FerryGuests) guests = open_libvirt();
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) of_libvirt = NULL;

    g_assert_false(ferry_guests_companion_define(guests, POOL, "<domain/>", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_false(
        ferry_guests_companion_define(guests, POOL, "<network><name/></network>", &of_libvirt));
    g_assert_true(g_str_has_prefix(of_libvirt->message, "cannot define network net-x: "));
    g_assert_cmpint(find(guests, POOL), ==, FERRY_COMPANION_ABSENT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/life", test_life);
    g_test_add_func("/network/state", test_state);
    g_test_add_func("/network/again", test_again);
    g_test_add_func("/network/foreign", test_foreign);
    g_test_add_func("/network/bad-xml", test_bad_xml);
    return g_test_run();
}
