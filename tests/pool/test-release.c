#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "world.h"

#define UUID  "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\"]}"

static World *
world_new_mtty(void)
{
    World *world = world_new();

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    return world;
}

static const FerryNeed of_mtty = { .guest_uuid = "web",
                                   .guest_name = "web",
                                   .alias = "ua-gpu0",
                                   .parent = "mtty",
                                   .type = "mtty-1",
                                   .uuid = UUID };

static unsigned
n_claims(World *world)
{
    g_autoptr(GPtrArray) claims = NULL;

    g_assert_true(ferry_pools_claims(world->pools, NULL, &claims, NULL));
    return claims->len;
}

/* C2: fifty starts that fail after their device was made exhaust nothing. */
static void
test_nothing_is_left(void)
{
    g_autoptr(World) world = world_new_mtty();
    g_autofree char *before = world_listing(world);
    g_autofree char *after = NULL;

    for (unsigned i = 0; i < 50; i++) {
        g_autoptr(FerryClaimRow) claim = world_claim(world, &of_mtty);

        world_prepare(world, claim->generation);
        world_release(world, claim->generation);
        world_release(world, claim->generation);
    }
    g_assert_cmpuint(n_claims(world), ==, 0);
    after = world_listing(world);
    g_assert_cmpstr(after, ==, before);
}

static void
test_unmade_claim(void)
{
    g_autoptr(World) world = world_new_mtty();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_mtty);

    world_release(world, claim->generation);
    g_assert_cmpuint(n_claims(world), ==, 0);
    g_assert_cmpuint(world->tree->n_writes, ==, 0);
}

/* C6: refused naming the guest; it stays until the guest lets go, and nobody gets the slot. */
static void
test_in_use(void)
{
    g_autoptr(World) world = world_new_mtty();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_mtty);
    FerryNeed other = of_mtty;
    json_t *reason = NULL;
    g_autoptr(GError) error = NULL;

    other.guest_uuid = "db";
    world_prepare(world, claim->generation);
    world_open(world, 47, "web", UUID);
    g_assert_false(ferry_pools_release(world->pools, claim->generation, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, "process 47 (qemu-system-x86, guest web) has it open"));
    g_assert_cmpuint(n_claims(world), ==, 1);
    reason = world_refused(world, &other);
    g_assert_cmpstr(json_string_value(json_object_get(reason, "code")), ==, "still-releasing");
    g_assert_true(json_is_true(json_object_get(reason, "passing")));
    json_decref(reason);
    world_close(world, 47);
    world_release(world, claim->generation);
    g_assert_cmpuint(n_claims(world), ==, 0);
}

static int
fail_remove(void *data, const char *path, const char *text)
{
    (void)data;
    (void)text;
    return g_str_has_suffix(path, "/remove") ? EIO : 0;
}

static void
test_remove_fails(void)
{
    g_autoptr(World) world = world_new_mtty();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_mtty);
    g_autoptr(GError) error = NULL;

    world_prepare(world, claim->generation);
    world->before_write = fail_remove;
    g_assert_false(ferry_pools_release(world->pools, claim->generation, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpuint(n_claims(world), ==, 1);
    world->before_write = NULL;
    world_reopen(world);
    world_release(world, claim->generation);
    g_assert_cmpuint(n_claims(world), ==, 0);
}

/* P7: A's clean-up comes after B has the same VF: it does nothing to B. */
static void
test_late_release(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need_a = NEED_VF("a", "net-x");
    const FerryNeed need_b = NEED_VF("b", "net-x");
    g_autoptr(FerryClaimRow) a = NULL;
    g_autoptr(FerryClaimRow) b = NULL;
    FerryVfSettings set = { 0 };

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 1, 1);
    world_define(world, NET_X);
    a = world_claim(world, &need_a);
    world_prepare(world, a->generation);
    world_release(world, a->generation);
    b = world_claim(world, &need_b);
    g_assert_cmpstr(a->slot, ==, b->slot);
    world_prepare(world, b->generation);
    world_card(world, "eth3", 0)->vlan = 42;
    world_card(world, "eth3", 0)->mac[5] = 7;
    set = *world_card(world, "eth3", 0);
    world_release(world, a->generation);
    g_assert_cmpint(ferry_vf_compare(world_card(world, "eth3", 0), &set), ==, 0);
    g_assert_cmpuint(n_claims(world), ==, 1);
}

/* The same for a managed mdev, which keeps its UUID. */
static void
test_late_release_of_mdev(void)
{
    g_autoptr(World) world = world_new_mtty();
    g_autoptr(FerryClaimRow) first = world_claim(world, &of_mtty);
    g_autoptr(FerryClaimRow) second = NULL;
    g_autoptr(FerryInventory) inventory = NULL;

    world_prepare(world, first->generation);
    world_release(world, first->generation);
    second = world_claim(world, &of_mtty);
    world_prepare(world, second->generation);
    world_release(world, first->generation);
    inventory = world_inventory(world);
    g_assert_nonnull(ferry_inventory_find(inventory, UUID));
}

/* A device with the claim's UUID on another parent is not the claim's. */
static void
test_other_parents_device(void)
{
    g_autoptr(World) world = world_new_mtty();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_mtty);
    g_autoptr(FerryInventory) inventory = NULL;

    world_prepare(world, claim->generation);
    tree_parent(world->tree, "virtual/other/other", NULL, "mtty", 2);
    g_assert_cmpint(tree_write(world->tree, "sys/bus/mdev/devices/" UUID "/remove", "1"), ==, 0);
    g_assert_cmpint(tree_mdev(world->tree, "virtual/other/other", "mtty-1", UUID), ==, 0);
    world_release(world, claim->generation);
    inventory = world_inventory(world);
    g_assert_nonnull(ferry_inventory_find(inventory, UUID));
    g_assert_cmpuint(n_claims(world), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/release/nothing-is-left", test_nothing_is_left);
    g_test_add_func("/release/unmade-claim", test_unmade_claim);
    g_test_add_func("/release/in-use", test_in_use);
    g_test_add_func("/release/remove-fails", test_remove_fails);
    g_test_add_func("/release/late-release", test_late_release);
    g_test_add_func("/release/late-release-of-mdev", test_late_release_of_mdev);
    g_test_add_func("/release/other-parents-device", test_other_parents_device);
    return g_test_run();
}
