#include "pool/pools.h"

#include <string.h>

#include "base/error.h"
#include "world.h"

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"

static void
test_first(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autofree char *before = NULL;
    g_autofree char *during = NULL;
    g_autofree char *after = NULL;

    world_define(world, NET_X);
    before = world_view(world, "net-x");
    g_assert_cmpstr(before, ==, "eth3 0/7, eth4 0/7");
    claim = world_claim(world, &need);
    g_assert_cmpstr(claim->slot, ==, "0000:03:00.0/vf0");
    world_prepare(world, claim->generation);
    during = world_view(world, "net-x");
    g_assert_cmpstr(during, ==, "eth3 1/7, eth4 0/7");
    world_release(world, claim->generation);
    after = world_view(world, "net-x");
    g_assert_cmpstr(after, ==, before);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pools/first", test_first);
    return g_test_run();
}
