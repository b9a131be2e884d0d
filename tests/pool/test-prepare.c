#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "world.h"

#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define BOOT "proc/sys/kernel/random/boot_id"

static World *
world_new_gpus(void)
{
    World *world = world_new();

    tree_parent(world->tree, "virtual/one/one", NULL, "gpu", 1);
    tree_parent(world->tree, "virtual/two/two", NULL, "gpu", 1);
    tree_file(world->tree, BOOT, "boot-1");
    world_define(world, "{\"name\": \"gpus\", \"parents\": [\"one\", \"two\"], \"types\": "
                        "[\"gpu-1\"]}");
    return world;
}

static const FerryNeed of_pool = { .guest_uuid = "web",
                                   .guest_name = "web",
                                   .alias = "ua-gpu0",
                                   .pool = "gpus",
                                   .uuid = UUID };

static FerryClaimRow *
claim_now(World *world, int64_t generation)
{
    FerryClaimRow *row = NULL;

    g_assert_true(ferry_store_claim_find(world->store, generation, &row, NULL));
    return row;
}

/* Returns: (transfer full): "PARENT/TYPE" of the device, or "none" */
static char *
device_now(World *world)
{
    g_autoptr(FerryInventory) inventory = world_inventory(world);
    const FerryHostDevice *mdev = ferry_inventory_find(inventory, UUID);

    return mdev != NULL ? g_strdup_printf("%s/%s", mdev->parent, mdev->type) : g_strdup("none");
}

static void
assert_device(World *world, const char *expected)
{
    g_autofree char *device = device_now(world);

    g_assert_cmpstr(device, ==, expected);
}

static void
assert_refused(World *world, int64_t generation, const char *code)
{
    json_t *reasons = NULL;
    const char *found = NULL;
    g_autoptr(GError) error = NULL;

    ferry_pools_prepare(world->pools, generation, &reasons, &error);
    g_assert_no_error(error);
    g_assert_nonnull(reasons);
    g_assert_cmpint(json_unpack(reasons, "[{s:s}]", "code", &found), ==, 0);
    g_assert_cmpstr(found, ==, code);
    json_decref(reasons);
}

static void
test_made_once(void)
{
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_pool);
    g_autoptr(FerryClaimRow) now = NULL;

    assert_device(world, "none");
    world_prepare(world, claim->generation);
    assert_device(world, "one/gpu-1");
    world_prepare(world, claim->generation);
    world_reopen(world);
    world_prepare(world, claim->generation);
    g_assert_cmpuint(world->tree->n_writes, ==, 1);
    now = claim_now(world, claim->generation);
    g_assert_cmpstr(now->made_in, ==, "boot-1");
}

/* ---- attributes ---- */

static const FerryMdevAttr attrs[] = { { "a", "1" }, { "b", "2" } };

static int
fail_attr_b(void *data, const char *path, const char *text)
{
    (void)data;
    (void)text;
    return g_str_has_suffix(path, "/b") ? EINVAL : 0;
}

/* Attributes are files of the device, which the synthetic kernel makes empty. */
static int
make_attrs(void *data, const char *path, const char *text)
{
    World *world = data;

    (void)text;
    if (g_str_has_suffix(path, "/a") || g_str_has_suffix(path, "/b"))
        tree_file(world->tree, path, "");
    return 0;
}

static void
test_attrs_are_set_in_order(void)
{
    g_autoptr(World) world = world_new_gpus();
    FerryNeed need = of_pool;
    g_autoptr(FerryClaimRow) claim = NULL;

    need.attrs = attrs;
    need.n_attrs = 2;
    claim = world_claim(world, &need);
    world->before_write = make_attrs;
    world->before_write_data = world;
    world_prepare(world, claim->generation);
    g_assert_cmpstr(world->tree->last_write, ==, "sys/bus/mdev/devices/" UUID "/b=2");
    g_assert_cmpuint(world->tree->n_writes, ==, 3);
    /* it may have been left between two of them, so it is made anew */
    world_prepare(world, claim->generation);
    g_assert_cmpuint(world->tree->n_writes, ==, 7);
    /* but not under a guest that has it */
    world_open(world, 47, "web", UUID);
    world_prepare(world, claim->generation);
    g_assert_true(ferry_pools_keep(world->pools, claim->generation, NULL));
    world_close(world, 47);
    world_prepare(world, claim->generation);
    g_assert_cmpuint(world->tree->n_writes, ==, 7);
}

static void
test_attr_fails(void)
{
    g_autoptr(World) world = world_new_gpus();
    FerryNeed need = of_pool;
    g_autoptr(FerryClaimRow) claim = NULL;
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    need.attrs = &attrs[1];
    need.n_attrs = 1;
    claim = world_claim(world, &need);
    world->before_write = fail_attr_b;
    g_assert_false(ferry_pools_prepare(world->pools, claim->generation, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "cannot set b=2 of mdev " UUID));
    assert_device(world, "none");
}

/* ---- what is not ours ---- */

static void
test_foreign_device(void)
{
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_pool);

    g_assert_cmpint(tree_mdev(world->tree, "virtual/one/one", "gpu-1", UUID), ==, 0);
    assert_refused(world, claim->generation, "mdev-exists");
    world_release(world, claim->generation);
    assert_device(world, "one/gpu-1");
}

/* Somebody is quicker between our look and our write. */
static int
make_it_first(void *data, const char *path, const char *text)
{
    World *world = data;

    (void)text;
    if (g_str_has_suffix(path, "/create"))
        g_assert_cmpint(tree_mdev(world->tree, "virtual/one/one", "gpu-1", UUID), ==, 0);
    return 0;
}

static void
test_foreign_device_comes_meanwhile(void)
{
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_pool);
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    world->before_write = make_it_first;
    world->before_write_data = world;
    g_assert_false(ferry_pools_prepare(world->pools, claim->generation, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    world->before_write = NULL;
    world_release(world, claim->generation);
    assert_device(world, "one/gpu-1");
}

/* A device of another boot is gone; one with its UUID now is somebody else's. */
static void
test_other_boot(void)
{
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_pool);

    world_prepare(world, claim->generation);
    tree_file(world->tree, BOOT, "boot-2");
    assert_refused(world, claim->generation, "mdev-exists");
    world_release(world, claim->generation);
    assert_device(world, "one/gpu-1");
}

/* ---- nothing left ---- */

/* The last instance of a parent is taken by somebody while ours is being made. */
static int
take_all(void *data, const char *path, const char *text)
{
    World *world = data;

    (void)text;
    if (strstr(path, "/create") == NULL || world->n_uuids == 0)
        return 0;
    world->n_uuids--;
    return ENOSPC;
}

static void
test_moves_on(void)
{
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_pool);
    g_autoptr(FerryClaimRow) now = NULL;

    world->before_write = take_all;
    world->before_write_data = world;
    world->n_uuids = 1;
    g_assert_cmpstr(claim->slot, ==, "one/gpu-1");
    world_prepare(world, claim->generation);
    assert_device(world, "two/gpu-1");
    now = claim_now(world, claim->generation);
    g_assert_cmpstr(now->slot, ==, "two/gpu-1");
}

static void
test_nowhere_to_move(void)
{
    static const struct {
        const char *name, *job, *pool, *parent;
        int n_failures;
    } rows[] = {
        { "every parent is tried once", NULL, "gpus", NULL, 2 },
        { "a job's stays where it was checked", "J1", "gpus", NULL, 1 },
        { "the guest's own parent", NULL, NULL, "one", 1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(World) world = world_new_gpus();
        FerryNeed need = of_pool;
        g_autoptr(FerryClaimRow) claim = NULL;
        g_autoptr(FerryClaimRow) now = NULL;

        g_test_message("%s", rows[i].name);
        need.job = rows[i].job;
        need.pool = rows[i].pool;
        need.parent = rows[i].parent;
        need.type = "gpu-1";
        claim = world_claim(world, &need);
        world->before_write = take_all;
        world->before_write_data = world;
        world->n_uuids = 9;
        assert_refused(world, claim->generation, "no-free-slot");
        g_assert_cmpint(world->n_uuids, ==, 9 - rows[i].n_failures);
        now = claim_now(world, claim->generation);
        g_assert_cmpstr(now->made_in, ==, "");
        assert_device(world, "none");
    }
}

/* ---- claims that are gone, and in use ---- */

static void
test_released_claims(void)
{
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &of_pool);
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    claim->state = FERRY_CLAIM_RELEASING;
    g_assert_true(ferry_store_claim_update(world->store, claim, NULL));
    g_assert_false(ferry_pools_prepare(world->pools, claim->generation, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "claim 1 is being released");
    g_clear_error(&error);
    world_release(world, claim->generation);
    g_assert_false(ferry_pools_keep(world->pools, claim->generation, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "claim 1 is not there any more");
    g_assert_null(reasons);
}

static void
test_keep(void)
{
    g_autoptr(World) world = world_new_gpus();
    FerryNeed need = of_pool;
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autoptr(FerryClaimRow) now = NULL;

    need.job = "J1";
    claim = world_claim(world, &need);
    world_prepare(world, claim->generation);
    g_assert_true(ferry_pools_keep(world->pools, claim->generation, NULL));
    g_assert_true(ferry_pools_keep(world->pools, claim->generation, NULL));
    world_reopen(world);
    now = claim_now(world, claim->generation);
    g_assert_cmpint(now->state, ==, FERRY_CLAIM_IN_USE);
    g_assert_cmpstr(now->job, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prepare/made-once", test_made_once);
    g_test_add_func("/prepare/attrs-are-set-in-order", test_attrs_are_set_in_order);
    g_test_add_func("/prepare/attr-fails", test_attr_fails);
    g_test_add_func("/prepare/foreign-device", test_foreign_device);
    g_test_add_func("/prepare/foreign-device-comes-meanwhile", test_foreign_device_comes_meanwhile);
    g_test_add_func("/prepare/other-boot", test_other_boot);
    g_test_add_func("/prepare/moves-on", test_moves_on);
    g_test_add_func("/prepare/nowhere-to-move", test_nowhere_to_move);
    g_test_add_func("/prepare/released-claims", test_released_claims);
    g_test_add_func("/prepare/keep", test_keep);
    return g_test_run();
}
