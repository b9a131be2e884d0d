#include "hybrid-world.h"

#include <string.h>

/* A guest that is not up yet: its NICs have no netdev. */
static HybridWorld *
defined(const char *pool, unsigned n_nics)
{
    HybridWorld *world = hybrid_world_new(pool, n_nics);

    for (unsigned i = 0; i < n_nics; i++)
        world->nics[i].netdev = NULL;
    return world;
}

static void
claim_all(HybridWorld *world, const char *pf, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *guest = g_strdup_printf("other-%s-%u", pf, i);
        const FerryNeed need = {
            .guest_uuid = guest, .guest_name = guest, .alias = "a", .pool = "net-x", .pf = pf
        };
        g_autoptr(FerryClaimRow) claim = world_claim(world->world, &need);

        g_assert_nonnull(claim);
    }
}

/* What came of a start; cleared by the caller. */
typedef struct {
    char *xml;
    json_t *degraded;
    json_t *reasons;
    GError *error;
} Start;

static void
start_clear(Start *self)
{
    g_free(self->xml);
    json_decref(self->degraded);
    json_decref(self->reasons);
    g_clear_error(&self->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Start, start_clear)

static Start
start(HybridWorld *world, FerryStartExtent extent)
{
    g_autoptr(FerryDomain) domain = hybrid_world_domain(world);
    g_autofree char *xml = hybrid_world_xml(world);
    Start self = { .degraded = json_array() };

    (void)ferry_hybrid_ops.before_start(world->hybrids, domain, xml, extent, &self.xml,
                                        self.degraded, &self.reasons, &self.error);
    return self;
}

/* The VF is first, macvtap follows; the rest of the definition stays as it is. */
static void
test_pf_follows(void)
{
    g_autoptr(HybridWorld) world = defined(HYBRID_POOL, 2);
    g_autoptr(FerryDomain) live = NULL;
    g_auto(Start) self = { 0 };

    claim_all(world, "eth3", 6); /* one left there, then the other PF */
    self = start(world, FERRY_START_WHOLE);
    g_assert_no_error(self.error);
    g_assert_null(self.reasons);
    g_assert_cmpuint(json_array_size(self.degraded), ==, 0);
    g_assert_true(ferry_domain_parse(self.xml, &live, NULL));
    g_assert_cmpstr(ferry_domain_device(live, "ua-net0")->type, ==, "direct");
    g_assert_nonnull(strstr(self.xml, "dev=\"eth3\" mode=\"bridge\""));
    g_assert_nonnull(strstr(self.xml, "dev=\"eth4\" mode=\"bridge\""));
    g_assert_null(strstr(self.xml, "network=\"net-x\""));
    g_assert_cmpstr(ferry_domain_device(live, "ua-net1")->mac, ==, "52:54:00:00:0a:02");
    g_assert_cmpuint(live->metadata->hybrids->len, ==, 2);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 8);
}

/* Done twice, nothing more is claimed. */
static void
test_twice(void)
{
    g_autoptr(HybridWorld) world = defined(HYBRID_POOL, 2);
    g_auto(Start) first = start(world, FERRY_START_WHOLE);
    g_auto(Start) second = start(world, FERRY_START_WHOLE);

    g_assert_cmpstr(first.xml, ==, second.xml);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 2);
}

static void
test_vlan(void)
{
    static const char pool[] =
        "{\"name\": \"net-x\", \"pfs\": [\"eth3\"], \"hybrid\": true, \"vlan\": 42}";
    g_autoptr(HybridWorld) world = defined(pool, 1);
    g_auto(Start) without = start(world, FERRY_START_WHOLE);
    g_auto(Start) with = { 0 };

    g_assert_error(without.error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(without.error->message, "in the VLAN of pool net-x"));
    tree_file(world->world->tree, "proc/net/vlan/config", "eth3.42 | 42 | eth3\n");
    with = start(world, FERRY_START_WHOLE);
    g_assert_no_error(with.error);
    g_assert_nonnull(strstr(with.xml, "dev=\"eth3.42\""));
}

/* No VF for the second NIC: who may start, and what is said. */
/* clang-format off */
static const struct {
    const char *name;
    const char *on_no_vf;
    FerryStartExtent extent;
    bool is_refused;
} rows[] = {
    { "refuse", "refuse", FERRY_START_WHOLE, true },
    { "refuse-but-allowed", "refuse", FERRY_START_DEGRADED, false },
    { "degrade", "degrade", FERRY_START_WHOLE, false },
    { "degrade-and-allowed", "degrade", FERRY_START_DEGRADED, false },
};
/* clang-format on */

static void
test_none_free(void)
{
    static const char full[] = "pool net-x: 14 of 14 VFs used (eth3 7/7, eth4 7/7)";

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(HybridWorld) world = defined(HYBRID_POOL, 2);
        const char *alias = NULL, *message = NULL;
        g_auto(Start) self = { 0 };

        g_test_message("%s", rows[i].name);
        world->on_no_vf = rows[i].on_no_vf;
        claim_all(world, "eth3", 7);
        claim_all(world, "eth4", 6);
        self = start(world, rows[i].extent);
        g_assert_no_error(self.error);
        g_assert_cmpint(self.reasons != NULL, ==, rows[i].is_refused);
        if (rows[i].is_refused) {
            g_assert_cmpint(json_unpack(self.reasons, "[{s:s}]", "message", &message), ==, 0);
        } else {
            g_assert_cmpint(
                json_unpack(self.degraded, "[{s:s, s:s}]", "alias", &alias, "message", &message),
                ==, 0);
            g_assert_cmpstr(alias, ==, "ua-net1");
            g_assert_nonnull(strstr(self.xml, "dev=\"eth4\""));
            g_assert_nonnull(strstr(self.xml, "network=\"net-x\"")); /* libvirt chooses its PF */
        }
        g_assert_true(g_str_has_prefix(message, full));
    }
}

static void
test_no_hybrids(void)
{
    g_autoptr(HybridWorld) world = defined(HYBRID_POOL, 0);
    g_auto(Start) self = start(world, FERRY_START_WHOLE);

    g_assert_no_error(self.error);
    g_assert_null(self.xml);
}

/* Returns: (transfer full) (nullable): the reason, "CODE: MESSAGE" */
static char *
admit(HybridWorld *world)
{
    g_autoptr(FerryDomain) domain = hybrid_world_domain(world);
    json_t *reasons = NULL;
    char *message = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_hybrid_ops.admit(world->hybrids, domain, &reasons, &error);
    g_assert_no_error(error);
    if (reasons != NULL)
        message = g_strdup_printf(
            "%s: %s", json_string_value(json_object_get(json_array_get(reasons, 0), "code")),
            json_string_value(json_object_get(json_array_get(reasons, 0), "message")));
    json_decref(reasons);
    return message;
}

/* libvirt's choice of PF is followed; before it has chosen nothing is done. */
static void
test_admit(void)
{
    g_autoptr(HybridWorld) world = defined(HYBRID_POOL, 2);
    g_autofree char *early = admit(world);
    g_autofree char *late = NULL;
    g_autofree char *view = NULL;

    g_assert_cmpstr(early, ==, NULL);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 0);
    world->nics[0].netdev = "eth3";
    world->nics[1].netdev = "eth4";
    late = admit(world);
    g_assert_cmpstr(late, ==, NULL);
    view = world_view(world->world, "net-x");
    g_assert_cmpstr(view, ==, "eth3 1/7, eth4 1/7");
}

static void
test_admit_refuses(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
    g_autofree char *full = NULL;
    g_autofree char *no_pf = NULL;
    g_autofree char *may = NULL;

    claim_all(world, "eth3", 7);
    full = admit(world);
    g_assert_nonnull(strstr(full, "eth3 7/7"));
    world->nics[0].netdev = "br0";
    no_pf = admit(world);
    g_assert_cmpstr(no_pf, ==,
                    "not-a-pf: ua-net0 of web is on br0, which is not a PF: it has no VFs");
    world->on_no_vf = "degrade";
    may = admit(world);
    g_assert_cmpstr(may, ==, NULL);
}

/* A failure is an error, and nothing is claimed twice by trying again. */
static void
test_failures(void)
{
    for (unsigned i = 1; i <= 6; i++) {
        g_autoptr(HybridWorld) world = defined(HYBRID_POOL, 2);
        g_auto(Start) first = { 0 };
        g_auto(Start) second = { 0 };

        world->fail_at = i;
        first = start(world, FERRY_START_WHOLE);
        g_assert_error(first.error, FERRY_ERROR, FERRY_ERROR_IO);
        g_assert_null(first.xml);
        second = start(world, FERRY_START_WHOLE);
        g_assert_no_error(second.error);
        g_assert_cmpuint(hybrid_world_n_claims(world), ==, 2);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hybrid-start/pf-follows", test_pf_follows);
    g_test_add_func("/hybrid-start/twice", test_twice);
    g_test_add_func("/hybrid-start/vlan", test_vlan);
    g_test_add_func("/hybrid-start/none-free", test_none_free);
    g_test_add_func("/hybrid-start/no-hybrids", test_no_hybrids);
    g_test_add_func("/hybrid-start/admit", test_admit);
    g_test_add_func("/hybrid-start/admit-refuses", test_admit_refuses);
    g_test_add_func("/hybrid-start/failures", test_failures);
    return g_test_run();
}
