#include "hybrid-world.h"

#include <string.h>

/* The VFs of the fake host's eth3 and eth4. */
#define VF0 "0000:03:10.0"

static void
assert_states(HybridWorld *world, const char *expected)
{
    g_autofree char *states = hybrid_world_states(world);

    g_assert_cmpstr(states, ==, expected);
}

/* From "no VF" to "virtio is down": each look has one reason.  The VF receives at once, for so do
 * neighbours on the same PF reach the guest; virtio sends until the VF has a link. */
static void
test_plug(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);

    assert_states(world, "degraded: its VF is being plugged in");
    g_assert_cmpuint(hybrid_world_look(world, 0), ==, 500);
    g_assert_nonnull(world->nics[0].vf);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 1);
    g_string_truncate(world->log, 0);
    g_assert_cmpuint(hybrid_world_look(world, 500), ==, 1000); /* no driver yet */
    hybrid_world_assert_log(world, "");
    hybrid_world_drive(world);
    g_assert_cmpuint(hybrid_world_look(world, 1000), ==, 1000); /* it has no link yet */
    hybrid_world_assert_log(world, "mac 0 fe");
    g_assert_cmpuint(hybrid_world_look(world, 2500), ==, 500);
    hybrid_world_assert_log(world, "");
    g_assert_cmpuint(hybrid_world_look(world, 500), ==, 1000);
    hybrid_world_assert_log(world, "link 0 down, netdev 0 down");
    g_assert_cmpuint(hybrid_world_look(world, 1000), ==, 5000);
    hybrid_world_assert_log(world, "");
    hybrid_world_assert_working(world);
}

/* It boots again: virtio until its driver has the VF once more. */
static void
test_reboot(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);

    (void)hybrid_world_look(world, 0);
    hybrid_world_drive(world);
    (void)hybrid_world_look(world, 1000);
    (void)hybrid_world_look(world, 3000);
    g_string_truncate(world->log, 0);
    hybrid_world_leave(world);
    (void)hybrid_world_look(world, 5000);
    hybrid_world_assert_log(world, "mac 0 52, netdev 0 up, link 0 up");
    hybrid_world_assert_working(world);
    hybrid_world_drive(world);
    (void)hybrid_world_look(world, 1000);
    (void)hybrid_world_look(world, 3000);
    hybrid_world_assert_log(world, "mac 0 fe, link 0 down, netdev 0 down");
}

/* Its driver leaves the VF before that has a link. */
static void
test_reboot_at_once(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);

    (void)hybrid_world_look(world, 0);
    hybrid_world_drive(world);
    g_assert_cmpuint(hybrid_world_look(world, 1000), ==, 1000);
    g_string_truncate(world->log, 0);
    hybrid_world_leave(world);
    (void)hybrid_world_look(world, 1000);
    hybrid_world_assert_log(world, "mac 0 52");
    hybrid_world_assert_working(world);
}

/* libvirt takes macvtap up when a guest is resumed, whatever its link is. */
static void
test_resumed(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);

    (void)hybrid_world_look(world, 0);
    hybrid_world_drive(world);
    (void)hybrid_world_look(world, 1000);
    (void)hybrid_world_look(world, 3000);
    g_string_truncate(world->log, 0);
    tree_file(world->world->tree, "sys/class/net/macvtap0/flags", "0x1003\n");
    (void)hybrid_world_look(world, 5000);
    hybrid_world_assert_log(world, "netdev 0 down");
}

/* The keeper's XML is older than our own change of the link, of which there is no event. */
static void
test_stale_xml(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
    g_autoptr(FerryDomain) stale = NULL;
    unsigned again_ms = 0;

    (void)hybrid_world_look(world, 0);
    stale = hybrid_world_domain(world);
    hybrid_world_drive(world);
    (void)hybrid_world_look(world, 1000);
    (void)hybrid_world_look(world, 3000);
    g_string_truncate(world->log, 0);
    g_assert_true(ferry_hybrid_look(world->hybrids, HYBRID_UUID, stale, &again_ms, NULL));
    g_assert_cmpuint(again_ms, ==, 5000);
    hybrid_world_assert_log(world, "");
    hybrid_world_leave(world);
    g_assert_true(ferry_hybrid_look(world->hybrids, HYBRID_UUID, stale, &again_ms, NULL));
    hybrid_world_assert_log(world, "mac 0 52, netdev 0 up, link 0 up");
}

static void
test_two_nics(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 2);

    (void)hybrid_world_look(world, 0);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 2);
    g_assert_cmpstr(world->nics[0].vf, !=, world->nics[1].vf);
    hybrid_world_drive(world);
    (void)hybrid_world_look(world, 1000);
    (void)hybrid_world_look(world, 3000);
    hybrid_world_assert_working(world);
    g_assert_false(hybrid_world_macvtap_is_up(world, 0));
    g_assert_false(hybrid_world_macvtap_is_up(world, 1));
}

/* The VF follows macvtap, not the pool's order. */
static void
test_follows_the_pf(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
    g_autofree char *view = NULL;

    world->nics[0].netdev = "eth4";
    (void)hybrid_world_look(world, 0);
    view = world_view(world->world, "net-x");
    g_assert_cmpstr(view, ==, "eth3 0/7, eth4 1/7");
}

/* macvtap is on a VLAN device of the PF, and the VF gets the pool's tag. */
static void
test_vlan(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(
        "{\"name\": \"net-x\", \"pfs\": [\"eth3\"], \"hybrid\": true, \"vlan\": 42}", 1);

    world->nics[0].netdev = "eth3.42";
    tree_link(world->world->tree, "sys/class/net/eth3.42/lower_eth3", "../eth3");
    (void)hybrid_world_look(world, 0);
    g_assert_nonnull(world->nics[0].vf);
}

static void
claim_all(HybridWorld *world, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *guest = g_strdup_printf("other-%u", i);
        const FerryNeed need = NEED_VF(guest, "net-x");
        g_autoptr(FerryClaimRow) claim = world_claim(world->world, &need);

        g_assert_nonnull(claim);
    }
}

/* No VF left: virtio, said with the pool's numbers, and the first one that is freed. */
/* @expected: (nullable): what a program is told of the first NIC that has no VF */
static void
assert_code(HybridWorld *world, const char *expected)
{
    g_autoptr(FerryDomain) domain = hybrid_world_domain(world);
    json_t *rows = ferry_hybrid_describe(world->hybrids, HYBRID_UUID, domain);

    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(rows, 0), "code")), ==,
                    expected);
    json_decref(rows);
}

static void
test_none_free(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL1, 1);
    g_autofree char *states = NULL;
    unsigned again_ms = 0;

    claim_all(world, 7);
    again_ms = hybrid_world_look(world, 0);
    g_assert_cmpuint(again_ms, <=, 3000);
    hybrid_world_assert_working(world);
    states = hybrid_world_states(world);
    g_assert_nonnull(strstr(states, "degraded: pool net-x: 7 of 7 VFs used"));
    assert_code(world, "no-free-vf");
    world_release(world->world, 1);
    (void)hybrid_world_look(world, again_ms);
    assert_code(world, NULL);
    g_assert_nonnull(world->nics[0].vf);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 7);
}

/* A claim that an earlier run of the guest left on the other PF is given back. */
static void
test_claim_on_other_pf(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
    const FerryNeed need = { .guest_uuid = HYBRID_UUID,
                             .guest_name = "web",
                             .alias = "ua-net0-vf",
                             .pool = "net-x",
                             .pf = "eth4" };
    g_autoptr(FerryClaimRow) old = world_claim(world->world, &need);
    g_autofree char *view = NULL;

    g_assert_nonnull(old);
    (void)hybrid_world_look(world, 0);
    g_assert_nonnull(world->nics[0].vf);
    view = world_view(world->world, "net-x");
    g_assert_cmpstr(view, ==, "eth3 1/7, eth4 0/7");
}

/* That of a migration's target, which a job has made: it is taken as it is, and is the guest's
 * then. */
static void
test_claim_of_job(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
    const FerryNeed need = { .guest_uuid = HYBRID_UUID,
                             .guest_name = "web",
                             .alias = "ua-net0-vf",
                             .job = "some-job",
                             .pool = "net-x",
                             .pf = "eth3" };
    g_autoptr(FerryClaimRow) reserved = world_claim(world->world, &need);
    g_autoptr(GPtrArray) claims = NULL;
    const FerryClaimRow *claim = NULL;

    (void)hybrid_world_look(world, 0);
    g_assert_true(ferry_pools_claims(world->world->pools, HYBRID_UUID, &claims, NULL));
    g_assert_cmpuint(claims->len, ==, 1);
    claim = g_ptr_array_index(claims, 0);
    g_assert_cmpint(claim->generation, ==, reserved->generation);
    g_assert_cmpint(claim->state, ==, FERRY_CLAIM_IN_USE);
    g_assert_cmpstr(claim->job, ==, "");
}

/* libvirt says no: nothing is claimed, virtio works, and it is tried ever more rarely. */
static void
test_attach_refused(void)
{
    static const unsigned waits_ms[] = {
        1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000
    };
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
    unsigned wait_ms = 0;

    world->attach_error = "cannot attach: bus 7 is taken";
    for (size_t i = 0; i < G_N_ELEMENTS(waits_ms); i++) {
        wait_ms = hybrid_world_look(world, wait_ms);
        g_assert_cmpuint(wait_ms, ==, waits_ms[i]);
        g_assert_cmpuint(hybrid_world_n_claims(world), ==, 0);
        hybrid_world_assert_working(world);
        assert_states(world, "degraded: cannot attach: bus 7 is taken");
        assert_code(world, NULL);
    }
    g_assert_cmpuint(hybrid_world_look(world, 10000), ==, 50000); /* not due */
    world->attach_error = NULL;
    g_assert_cmpuint(hybrid_world_look(world, 50000), ==, 500);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 1);
}

/* A VF that does not go in: the next try is with another one of the PF, and after the last of them
 * with the first again. */
static void
test_another_vf(void)
{
    for (unsigned n_failed = 0; n_failed < 10; n_failed++) {
        g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 1);
        g_autoptr(GPtrArray) claims = NULL;
        g_autofree char *expected = g_strdup_printf("0000:03:00.0/vf%u", n_failed % 7);
        unsigned wait_ms = 0;

        world->attach_error = "cannot bind it to vfio-pci";
        for (unsigned i = 0; i < n_failed; i++)
            wait_ms = hybrid_world_look(world, wait_ms);
        world->attach_error = NULL;
        (void)hybrid_world_look(world, wait_ms);
        g_assert_true(ferry_pools_claims(world->world->pools, HYBRID_UUID, &claims, NULL));
        g_assert_cmpuint(claims->len, ==, 1);
        g_assert_cmpstr(((FerryClaimRow *)g_ptr_array_index(claims, 0))->slot, ==, expected);
    }
}

/* What keeps a VF away, and what is said of it. */
/* clang-format off */
static const struct {
    const char *name;
    const char *pool; /* NULL: there is none */
    const char *netdev;
    const char *why;
} reasons[] = {
    { "no-pool", NULL, "eth3", "*pool*net-x*" },
    { "no-pf", HYBRID_POOL, "br0", "br0, below ua-net0, is not a PF: it has no VFs" },
    { "a-vf", HYBRID_POOL, "lo", "lo, below ua-net0, is not a PF: it has no VFs" },
    { "other-pf", HYBRID_POOL1, "eth4", "*pool net-x*" },
};
/* clang-format on */

static void
test_reasons(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autoptr(HybridWorld) world = hybrid_world_new(reasons[i].pool, 1);
        g_autofree char *states = NULL;
        g_autofree char *wanted = g_strconcat("degraded: ", reasons[i].why, NULL);

        g_test_message("%s", reasons[i].name);
        world->nics[0].netdev = reasons[i].netdev;
        (void)hybrid_world_look(world, 0);
        states = hybrid_world_states(world);
        g_test_message("%s", states);
        g_assert_true(g_pattern_match_simple(wanted, states));
        g_assert_cmpuint(hybrid_world_n_claims(world), ==, 0);
        hybrid_world_assert_working(world);
    }
}

static void
settle(HybridWorld *world)
{
    unsigned ms = 0;

    for (unsigned i = 0; i < 9; i++) {
        hybrid_world_drive(world);
        ms = hybrid_world_look(world, ms);
    }
}

static void
assert_settled(HybridWorld *world)
{
    g_autofree char *states = hybrid_world_states(world);

    g_assert_true(g_pattern_match_simple("vf 0000:03:10.?, vf 0000:03:10.?", states));
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 2);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(world->nics[i].link_is_down);
        g_assert_false(hybrid_world_macvtap_is_up(world, i));
    }
}

static unsigned
count_calls(void)
{
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 2);

    settle(world);
    assert_settled(world);
    return world->n_calls;
}

/* Each call fails once: the guest always works, and has its VFs in the end. */
static void
test_every_failure(void)
{
    const unsigned n = count_calls();

    g_assert_cmpuint(n, >=, 20);
    for (unsigned i = 1; i <= n; i++) {
        g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 2);
        unsigned ms = 0;

        world->fail_at = i;
        for (unsigned k = 0; k < 11; k++) {
            hybrid_world_drive(world);
            ms = hybrid_world_look(world, ms);
            hybrid_world_assert_working(world);
            g_assert_cmpuint(hybrid_world_n_claims(world), <=, 2);
        }
        assert_settled(world);
    }
}

/* ferryd dies at each call: until it is back the guest works, then it gets its VFs. */
static void
test_every_crash(void)
{
    const unsigned n = count_calls();

    for (unsigned i = 1; i <= n; i++) {
        g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, 2);

        world->crash_at = i;
        settle(world);
        hybrid_world_assert_working(world);
        hybrid_world_restart(world);
        settle(world);
        assert_settled(world);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hybrid/plug", test_plug);
    g_test_add_func("/hybrid/reboot", test_reboot);
    g_test_add_func("/hybrid/reboot-at-once", test_reboot_at_once);
    g_test_add_func("/hybrid/resumed", test_resumed);
    g_test_add_func("/hybrid/stale-xml", test_stale_xml);
    g_test_add_func("/hybrid/two-nics", test_two_nics);
    g_test_add_func("/hybrid/follows-the-pf", test_follows_the_pf);
    g_test_add_func("/hybrid/vlan", test_vlan);
    g_test_add_func("/hybrid/none-free", test_none_free);
    g_test_add_func("/hybrid/claim-on-other-pf", test_claim_on_other_pf);
    g_test_add_func("/hybrid/claim-of-job", test_claim_of_job);
    g_test_add_func("/hybrid/attach-refused", test_attach_refused);
    g_test_add_func("/hybrid/another-vf", test_another_vf);
    g_test_add_func("/hybrid/reasons", test_reasons);
    g_test_add_func("/hybrid/every-failure", test_every_failure);
    g_test_add_func("/hybrid/every-crash", test_every_crash);
    return g_test_run();
}
