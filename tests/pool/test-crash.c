#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "world.h"

/* kill -9 at every point of a claim's life that base/crash-points.h has: after the restart all that
 * is claimed can be given back, and the host is as it was. */

static const FerryNeed needs[] = {
    { .guest_uuid = "g", .alias = "ua-gpu0", .parent = "mtty", .type = "mtty-1" },
    { .guest_uuid = "g", .alias = "ua-net0", .pool = "net-x" },
};

static World *
host_new(void)
{
    World *world = world_new_two_ports();

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    world_define(world, "{\"name\": \"net-x\", \"pfs\": [\"eth3\"]}");
    return world;
}

/* The whole life of one device. */
static void
live(World *world, const FerryNeed *need)
{
    g_autoptr(FerryClaimRow) claim = world_claim(world, need);

    world_prepare(world, claim->generation);
    g_assert_true(ferry_pools_keep(world->pools, claim->generation, NULL));
    world_release(world, claim->generation);
}

/* Returns: whether the life came to the point, and ended there */
static bool
die_at(World *world, const FerryNeed *need, const char *point)
{
    int status = 0;
    pid_t child = -1;

    world_close_store(world); /* SQLite's connections are not to be inherited */
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_setenv("FERRY_CRASH_AT", point, TRUE);
        world_reopen(world);
        live(world, need);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    world_reopen(world);
    if (WIFSIGNALED(status))
        g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
    else
        g_assert_cmpint(status, ==, 0);
    return WIFSIGNALED(status);
}

/* As the keeper does with claims whose guest is not there. */
static void
release_all(World *world)
{
    g_autoptr(GPtrArray) claims = NULL;

    g_assert_true(ferry_pools_claims(world->pools, NULL, &claims, NULL));
    g_assert_cmpuint(claims->len, <=, 1);
    for (guint i = 0; i < claims->len; i++)
        world_release(world, ((FerryClaimRow *)g_ptr_array_index(claims, i))->generation);
}

static void
test_point(gconstpointer data)
{
    const char *point = data;
    unsigned n_deaths = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
        g_autoptr(World) world = host_new();
        g_autofree char *before = world_listing(world);
        g_autofree char *after = NULL;

        n_deaths += die_at(world, &needs[i], point);
        release_all(world);
        after = world_listing(world);
        /* the reset's file keeps what was written to it last */
        if (needs[i].pool == NULL)
            g_assert_cmpstr(after, ==, before);
        live(world, &needs[i]); /* and the next guest gets it */
    }
    g_assert_cmpuint(n_deaths, >, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = FERRY_CRASH_D_CLAIM_AFTER; i <= FERRY_CRASH_D_RELEASE_AFTER; i++) {
        const char *name = ferry_crash_point_name((FerryCrashPoint)i);
        g_autofree char *path = g_strconcat("/crash/", name, NULL);

        g_test_add_data_func(path, name, test_point);
    }
    return g_test_run();
}
