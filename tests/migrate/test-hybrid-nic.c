#include "migrate/hybrid-nic.h"

#include <string.h>

#include "base/error.h"

#define GUEST(nics)                                                                                \
    "<domain type='qemu'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-0000000000cc</uuid>"          \
    "<memory>1024</memory><metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>"                 \
    "<ferry:hybrid alias='ua-net0' pool='net-x' vf-alias='ua-net0-vf' "                            \
    "vf-address='0000:07:00.0' on-no-vf='refuse'/></ferry:guest></metadata><os><type>hvm</type>"   \
    "</os><devices>" nics "</devices></domain>"
#define NIC(type, more)                                                                            \
    "<interface type='" type "'><mac address='52:54:00:00:0a:01'/>" more                           \
    "<teaming type='persistent'/><alias name='ua-net0'/></interface>"
#define VF                                                                                         \
    "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:0a:01'/><source>"           \
    "<address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x2'/></source>"         \
    "<teaming type='transient' persistent='ua-net0'/><alias name='ua-net0-vf'/></interface>"

/* clang-format off */
static const struct {
    const char *name;
    const char *xml;
    const char *netdev, *macvtap;
    FerryLinkState link;
    bool has_virtio;
    const char *vf; /* its address on the host */
} rows[] = {
    { "defined", GUEST(NIC("network", "<source network='net-x'/>")), NULL, NULL, FERRY_LINK_UP, true, NULL },
    { "running", GUEST(NIC("direct", "<source network='net-x' portid='p' dev='eth3' mode='bridge'/><target dev='macvtap0'/>")), "eth3", "macvtap0", FERRY_LINK_UP, true, NULL },
    { "with-vf", GUEST(NIC("direct", "<source dev='eth3.42' mode='bridge'/><target dev='macvtap7'/><link state='down'/>") VF), "eth3.42", "macvtap7", FERRY_LINK_DOWN, true, "0000:03:10.2" },
    { "link-up", GUEST(NIC("direct", "<source dev='eth3' mode='bridge'/><link state='up'/>") VF), "eth3", NULL, FERRY_LINK_UP, true, "0000:03:10.2" },
    { "gone", GUEST(""), NULL, NULL, FERRY_LINK_UP, false, NULL },
    { "vf-is-no-vf", GUEST(NIC("direct", "<source dev='eth3' mode='bridge'/>") "<interface type='user'><alias name='ua-net0-vf'/></interface>"), "eth3", NULL, FERRY_LINK_UP, true, NULL },
};
/* clang-format on */

static FerryDomain *
parse(const char *xml)
{
    FerryDomain *domain = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_domain_parse(xml, &domain, &error);
    g_assert_no_error(error);
    return domain;
}

static void
test_read(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FerryDomain) domain = parse(rows[i].xml);
        const FerryHybridMeta *meta = ferry_hybrid_meta_of_vf(domain, "ua-net0-vf");
        g_autoptr(FerryHybridNic) nic = ferry_hybrid_nic_new(domain, meta);

        g_test_message("%s", rows[i].name);
        g_assert_cmpstr(nic->netdev, ==, rows[i].netdev);
        g_assert_cmpstr(nic->macvtap, ==, rows[i].macvtap);
        g_assert_cmpint(nic->link, ==, rows[i].link);
        g_assert_cmpint(nic->virtio != NULL, ==, rows[i].has_virtio);
        g_assert_cmpstr(nic->vf != NULL ? nic->vf->source : NULL, ==, rows[i].vf);
    }
}

static void
test_meta(void)
{
    g_autoptr(FerryDomain) domain = parse(rows[0].xml);

    g_assert_nonnull(ferry_hybrid_meta_of_vf(domain, "ua-net0-vf"));
    g_assert_null(ferry_hybrid_meta_of_vf(domain, "ua-net0"));
}

/* What is plugged in goes with its other half, by the parser's own rules. */
static void
test_vf_xml(void)
{
    g_autoptr(FerryDomain) domain = parse(rows[1].xml);
    g_autoptr(FerryHybridNic) nic =
        ferry_hybrid_nic_new(domain, ferry_hybrid_meta_of_vf(domain, "ua-net0-vf"));
    g_autoptr(FerryPool) pool = ferry_pool_new("net-x", FERRY_POOL_VF);
    g_autofree char *plain = ferry_hybrid_vf_xml(nic, pool, "0000:03:10.2");
    g_autofree char *tagged = NULL;
    g_autofree char *whole = NULL;
    g_autoptr(FerryDomain) with = NULL;
    const FerryDevice *vf = NULL;

    g_assert_null(strstr(plain, "vlan"));
    g_assert_null(strstr(plain, "driver"));
    whole = g_strconcat("<domain type='qemu'><name>g</name>"
                        "<uuid>6f1d2c1e-7d3b-4a57-8a44-0000000000cc</uuid><memory>1</memory>"
                        "<os><type>hvm</type></os><devices>",
                        nic->virtio->xml, plain, "</devices></domain>", NULL);
    with = parse(whole);
    vf = ferry_domain_device(with, "ua-net0-vf");
    g_assert_cmpstr(vf->source, ==, "0000:03:10.2");
    g_assert_cmpstr(vf->address, ==, "0000:07:00.0");
    g_assert_cmpstr(vf->mac, ==, "52:54:00:00:0a:01");
    g_assert_cmpstr(vf->teaming_partner, ==, "ua-net0");
    pool->vlan = 42;
    pool->driver_model = g_strdup("a'b<c");
    tagged = ferry_hybrid_vf_xml(nic, pool, "0000:03:10.2");
    g_assert_nonnull(strstr(tagged, "<vlan><tag id='42'/></vlan>"));
    g_assert_nonnull(strstr(tagged, "<driver name='vfio' model='a&apos;b&lt;c'/>"));
}

static void
test_on(void)
{
    g_autofree char *xml = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) not_xml = NULL;
    char *untouched = NULL;

    g_assert_true(ferry_hybrid_xml_on(rows[0].xml, "ua-net0", "eth3.42", &xml, NULL));
    domain = parse(xml);
    g_assert_cmpstr(ferry_domain_device(domain, "ua-net0")->type, ==, "direct");
    g_assert_null(strstr(xml, "network="));
    g_assert_nonnull(strstr(xml, "<source dev=\"eth3.42\" mode=\"bridge\"/>"));
    g_assert_false(ferry_hybrid_xml_on(rows[0].xml, "ua-net9", "eth3", &untouched, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==,
                    "there is no <interface> with the alias ua-net9 and a <source>");
    g_assert_false(ferry_hybrid_xml_on("<network/>", "ua-net0", "eth3", &untouched, &not_xml));
    g_assert_error(not_xml, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_null(untouched);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hybrid-nic/read", test_read);
    g_test_add_func("/hybrid-nic/meta", test_meta);
    g_test_add_func("/hybrid-nic/vf-xml", test_vf_xml);
    g_test_add_func("/hybrid-nic/on", test_on);
    return g_test_run();
}
