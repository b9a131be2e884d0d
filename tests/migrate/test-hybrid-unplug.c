#include "hybrid-world.h"

/* A guest that has its VF and uses it. */
static HybridWorld *
plugged(void)
{
    HybridWorld *world = hybrid_world_new(HYBRID_POOL, 1);

    (void)hybrid_world_look(world, 0);
    hybrid_world_drive(world);
    (void)hybrid_world_look(world, 1000);
    (void)hybrid_world_look(world, 3000);
    g_assert_true(world->nics[0].link_is_down);
    g_string_truncate(world->log, 0);
    return world;
}

static FerryUnplug
unplug(HybridWorld *world, const char *expected_why)
{
    FerryUnplug ret = FERRY_UNPLUG_REFUSED;
    g_autofree char *why = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_hybrid_unplug(world->hybrids, HYBRID_UUID, "ua-net0-vf", &ret, &why, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(why, ==, expected_why);
    return ret;
}

static void
release(HybridWorld *world)
{
    g_autoptr(GError) error = NULL;

    (void)ferry_hybrid_release(world->hybrids, HYBRID_UUID, "ua-net0-vf", &error);
    g_assert_no_error(error);
}

/* Virtio first, then the question, and only once. */
static void
test_unplug(void)
{
    static const char wait[] = "guest web to release its VF ua-net0-vf";
    g_autoptr(HybridWorld) world = plugged();

    world->lets_go = false;
    g_assert_cmpint(unplug(world, wait), ==, FERRY_UNPLUG_WAIT);
    hybrid_world_assert_log(world, "mac 0 52, netdev 0 up, link 0 up, ask 0");
    g_assert_cmpint(unplug(world, wait), ==, FERRY_UNPLUG_WAIT);
    g_assert_cmpuint(world->n_asked, ==, 1);
    hybrid_world_let_go(world, 0);
    g_assert_cmpint(unplug(world, NULL), ==, FERRY_UNPLUG_DONE);
    g_assert_cmpint(unplug(world, NULL), ==, FERRY_UNPLUG_DONE);
    hybrid_world_assert_working(world);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 1);
    release(world);
    release(world);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 0);
}

/* After an abort the same VF comes back. */
static void
test_plug_again(void)
{
    g_autoptr(HybridWorld) world = plugged();
    g_autofree char *vf = g_strdup(world->nics[0].vf);

    (void)unplug(world, "guest web to release its VF ua-net0-vf");
    g_assert_cmpint(unplug(world, NULL), ==, FERRY_UNPLUG_DONE);
    (void)hybrid_world_look(world, 0);
    g_assert_cmpstr(world->nics[0].vf, ==, vf);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 1);
}

/* The guest keeps it: the VF has the MAC again, virtio not. */
static void
test_refused(void)
{
    g_autoptr(HybridWorld) world = plugged();

    world->answer = FERRY_DETACH_REFUSED;
    g_assert_cmpint(unplug(world, "guest web did not release its VF ua-net0-vf: no hot-plug; it "
                                  "keeps the VF and runs on"),
                    ==, FERRY_UNPLUG_REFUSED);
    (void)hybrid_world_look(world, 1000);
    g_assert_true(world->nics[0].link_is_down);
    g_assert_false(hybrid_world_macvtap_is_up(world, 0));
}

static void
test_kept(void)
{
    g_autoptr(HybridWorld) world = plugged();

    world->lets_go = false;
    (void)unplug(world, "guest web to release its VF ua-net0-vf");
    world->keeps = true;
    g_assert_cmpint(unplug(world, "guest web did not release its VF ua-net0-vf: it refused; it "
                                  "keeps the VF and runs on"),
                    ==, FERRY_UNPLUG_REFUSED);
    g_assert_true(world->nics[0].link_is_down);
    world->keeps = false;
    (void)unplug(world, "guest web to release its VF ua-net0-vf");
    g_assert_cmpuint(world->n_asked, ==, 2); /* a new question */
}

/* The caller gave up waiting; the next look puts things as they were, and when the guest lets go
 * after all it gets the VF back. */
static void
test_given_up(void)
{
    g_autoptr(HybridWorld) world = plugged();

    world->lets_go = false;
    (void)unplug(world, "guest web to release its VF ua-net0-vf");
    (void)hybrid_world_look(world, 20000);
    (void)hybrid_world_look(world, 3000);
    g_assert_true(world->nics[0].link_is_down);
    (void)unplug(world, "guest web to release its VF ua-net0-vf");
    g_assert_cmpuint(world->n_asked, ==, 2);
    hybrid_world_let_go(world, 0);
    (void)hybrid_world_look(world, 1000);
    g_assert_false(world->nics[0].link_is_down);
    g_assert_nonnull(world->nics[0].vf);
}

static void
test_no_such(void)
{
    g_autoptr(HybridWorld) world = plugged();
    FerryUnplug ret = FERRY_UNPLUG_WAIT;
    g_autofree char *why = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_hybrid_unplug(world->hybrids, HYBRID_UUID, "ua-net0", &ret, &why, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "guest web has no hybrid NIC with the VF ua-net0");
    g_assert_cmpint(ret, ==, FERRY_UNPLUG_WAIT);
}

/* A process has the VF: its claim stays until that is gone. */
static void
test_release_busy(void)
{
    g_autoptr(HybridWorld) world = plugged();
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_hybrid_release(world->hybrids, HYBRID_UUID, "ua-net0-vf", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 1);
    hybrid_world_let_go(world, 0);
    release(world);
    g_assert_cmpuint(hybrid_world_n_claims(world), ==, 0);
}

/* Whatever fails once, the guest works all along, and a second try gets the VF off. */
static void
test_every_failure(void)
{
    for (unsigned i = 1; i <= 10; i++) {
        g_autoptr(HybridWorld) world = plugged();
        FerryUnplug ret = FERRY_UNPLUG_WAIT;

        world->fail_at = world->n_calls + i;
        for (unsigned k = 0; k < 4 && ret != FERRY_UNPLUG_DONE; k++) {
            g_autofree char *why = NULL;

            (void)ferry_hybrid_unplug(world->hybrids, HYBRID_UUID, "ua-net0-vf", &ret, &why, NULL);
            hybrid_world_assert_working(world);
        }
        g_assert_cmpint(ret, ==, FERRY_UNPLUG_DONE);
        hybrid_world_assert_working(world);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hybrid-unplug/unplug", test_unplug);
    g_test_add_func("/hybrid-unplug/plug-again", test_plug_again);
    g_test_add_func("/hybrid-unplug/refused", test_refused);
    g_test_add_func("/hybrid-unplug/kept", test_kept);
    g_test_add_func("/hybrid-unplug/given-up", test_given_up);
    g_test_add_func("/hybrid-unplug/no-such", test_no_such);
    g_test_add_func("/hybrid-unplug/release-busy", test_release_busy);
    g_test_add_func("/hybrid-unplug/every-failure", test_every_failure);
    return g_test_run();
}
