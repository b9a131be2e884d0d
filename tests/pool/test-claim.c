#include <string.h>

#include "base/error.h"
#include "world.h"

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"
#define GPUS                                                                                       \
    "{\"name\": \"gpus\", \"parents\": [\"one\", \"two\"], \"types\": [\"gpu-1\", \"gpu-2\"],"     \
    " \"policy\": \"spread\"}"
#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"

static World *
world_new_gpus(void)
{
    World *world = world_new();

    tree_parent(world->tree, "virtual/one/one", NULL, "gpu", 2);
    tree_parent(world->tree, "virtual/two/two", NULL, "gpu", 2);
    world_define(world, GPUS);
    return world;
}

static void
assert_refused(World *world, const FerryNeed *need, const char *code, const char *message)
{
    json_t *reason = world_refused(world, need);

    g_assert_cmpstr(json_string_value(json_object_get(reason, "code")), ==, code);
    g_assert_cmpstr(json_string_value(json_object_get(reason, "message")), ==, message);
    json_decref(reason);
}

/* ---- needs that make no sense ---- */

/* clang-format off */
static const FerryMdevAttr some_attr = { "a", "b" };
static const struct {
    FerryNeed need;
    FerryErrorCode code;
    const char *message;
} refused_needs[] = {
    { { .pool = "net-x" }, FERRY_ERROR_INVALID, "a claim needs the alias of its device" },
    { { .alias = "a" }, FERRY_ERROR_INVALID, "a: name a pool or a parent, exactly one" },
    { { .alias = "a", .pool = "net-x", .parent = "one" }, FERRY_ERROR_INVALID, "a: name a pool or a parent, exactly one" },
    { { .alias = "a", .parent = "one" }, FERRY_ERROR_INVALID, "a: a mediated device needs a type" },
    { { .alias = "a", .parent = "../one", .type = "t" }, FERRY_ERROR_INVALID, "\"../one\" is no name of a device" },
    { { .alias = "a", .parent = "one", .type = "../t" }, FERRY_ERROR_INVALID, "\"../t\" is no type of a mediated device" },
    { { .alias = "a", .parent = "one", .type = "t", .uuid = "x" }, FERRY_ERROR_INVALID, "\"x\" is not a UUID" },
    { { .alias = "a", .pool = "none" }, FERRY_ERROR_NOT_FOUND, "there is no pool none: \"ferry pool list\" shows those there are" },
    { { .alias = "a", .pool = "net-x", .type = "t" }, FERRY_ERROR_INVALID, "a: pool net-x has VFs: type, UUID and attributes are for mediated devices" },
    { { .alias = "a", .pool = "net-x", .attrs = &some_attr, .n_attrs = 1 }, FERRY_ERROR_INVALID, "a: pool net-x has VFs: type, UUID and attributes are for mediated devices" },
    { { .alias = "a", .pool = "gpus" }, FERRY_ERROR_INVALID, "a: pool gpus has several types, name one of them: gpu-1, gpu-2" },
    { { .alias = "a", .pool = "gpus", .type = "gpu-3" }, FERRY_ERROR_NOT_FOUND, "a: pool gpus does not give out type gpu-3, but gpu-1, gpu-2" },
    { { .alias = "a", .pool = "gpus", .type = "gpu-1", .pf = "eth3" }, FERRY_ERROR_INVALID, "pool gpus has mediated devices: it has no PFs" },
    { { .alias = "a", .slot = "one" }, FERRY_ERROR_INVALID, "\"one\" is no slot: that is PARENT/TYPE or PF/vfN" },
    { { .alias = "a", .slot = "one/gpu-1", .type = "gpu-2" }, FERRY_ERROR_INVALID, "slot one/gpu-1 is not of type gpu-2" },
};
/* clang-format on */

static void
test_refused_needs(void)
{
    g_autoptr(World) world = world_new_gpus();

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 7);
    world_define(world, "{\"name\": \"net-x\", \"pfs\": [\"eth3\"]}");
    for (size_t i = 0; i < G_N_ELEMENTS(refused_needs); i++) {
        FerryClaimRow *claim = NULL;
        json_t *reasons = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(
            ferry_pools_claim(world->pools, &refused_needs[i].need, &claim, &reasons, &error));
        g_assert_error(error, FERRY_ERROR, (int)refused_needs[i].code);
        g_assert_cmpstr(error->message, ==, refused_needs[i].message);
        g_assert_null(claim);
        g_assert_null(reasons);
    }
}

/* ---- claims ---- */

static void
test_claim_is_durable(void)
{
    static const FerryMdevAttr attrs[] = { { "b", "1" }, { "a", "2" } };
    g_autoptr(World) world = world_new_gpus();
    const FerryNeed need = { .guest_uuid = "u-web",
                             .guest_name = "web",
                             .alias = "ua-gpu0",
                             .job = "J1",
                             .pool = "gpus",
                             .type = "gpu-2",
                             .uuid = "4B20D080-1B54-4048-85B3-A6A62D165C01",
                             .attrs = attrs,
                             .n_attrs = 2 };
    g_autoptr(FerryClaimRow) claim = world_claim(world, &need);
    g_autoptr(FerryClaimRow) found = NULL;

    world_reopen(world);
    g_assert_true(ferry_pools_find_claim(world->pools, claim->generation, &found, NULL));
    g_assert_cmpstr(found->pool, ==, "gpus");
    g_assert_cmpstr(found->slot, ==, "one/gpu-2");
    g_assert_cmpstr(found->device, ==, UUID);
    g_assert_cmpstr(found->guest_uuid, ==, "u-web");
    g_assert_cmpstr(found->guest_name, ==, "web");
    g_assert_cmpstr(found->alias, ==, "ua-gpu0");
    g_assert_cmpstr(found->job, ==, "J1");
    g_assert_cmpint(found->state, ==, FERRY_CLAIM_RESERVED);
    g_assert_cmpstr(found->attrs, ==,
                    "[{\"name\":\"b\",\"value\":\"1\"},{\"name\":\"a\",\"value\":\"2\"}]");
    g_assert_cmpstr(found->made_in, ==, "");
    g_assert_cmpint(found->since_us, ==, 1234567890123456);
    g_assert_cmpuint(world->tree->n_writes, ==, 0); /* nothing is made yet */
}

static void
test_uuid_is_made_up(void)
{
    g_autoptr(World) world = world_new_gpus();
    const FerryNeed need = NEED_MDEV("web", "one", "gpu-1");
    g_autoptr(FerryClaimRow) claim = world_claim(world, &need);

    g_assert_true(g_uuid_string_is_valid(claim->device));
    g_assert_cmpstr(claim->slot, ==, "one/gpu-1");
    g_assert_cmpstr(claim->pool, ==, "");
}

/* libvirt's name of a parent is the same parent. */
static void
test_parent_by_libvirts_name(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = NEED_MDEV("web", "pci_0000_41_00_0", "nvidia-1");
    g_autoptr(FerryClaimRow) claim = NULL;

    tree_parent(world->tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 1);
    claim = world_claim(world, &need);
    g_assert_cmpstr(claim->slot, ==, "0000:41:00.0/nvidia-1");
}

/* clang-format off */
static const struct {
    const char *name;
    FerryNeed need;
    bool same;
} again_rows[] = {
    { "the same", { .guest_uuid = "w", .alias = "a", .job = "J", .pool = "gpus", .type = "gpu-1" }, true },
    { "its UUID", { .guest_uuid = "w", .alias = "a", .job = "J", .pool = "gpus", .type = "gpu-1", .uuid = UUID }, true },
    { "its slot", { .guest_uuid = "w", .alias = "a", .job = "J", .pool = "gpus", .slot = "one/gpu-1" }, true },
    { "another slot", { .guest_uuid = "w", .alias = "a", .job = "J", .pool = "gpus", .slot = "two/gpu-1" }, false },
    { "another UUID", { .guest_uuid = "w", .alias = "a", .job = "J", .pool = "gpus", .type = "gpu-1", .uuid = "4b20d080-1b54-4048-85b3-a6a62d165c02" }, false },
    { "another type", { .guest_uuid = "w", .alias = "a", .job = "J", .pool = "gpus", .type = "gpu-2" }, false },
    { "another job", { .guest_uuid = "w", .alias = "a", .job = "K", .pool = "gpus", .type = "gpu-1" }, false },
    { "no job", { .guest_uuid = "w", .alias = "a", .pool = "gpus", .type = "gpu-1" }, false },
    { "no pool", { .guest_uuid = "w", .alias = "a", .job = "J", .parent = "one", .type = "gpu-1" }, false },
};
/* clang-format on */

/* The same again is the same claim; anything else of that alias is refused. */
static void
test_same_again(void)
{
    const FerryNeed first = { .guest_uuid = "w",
                              .guest_name = "web",
                              .alias = "a",
                              .job = "J",
                              .pool = "gpus",
                              .type = "gpu-1",
                              .uuid = UUID };
    g_autoptr(World) world = world_new_gpus();
    g_autoptr(FerryClaimRow) claim = world_claim(world, &first);

    for (size_t i = 0; i < G_N_ELEMENTS(again_rows); i++) {
        g_test_message("%s", again_rows[i].name);
        if (again_rows[i].same) {
            g_autoptr(FerryClaimRow) again = world_claim(world, &again_rows[i].need);

            g_assert_cmpint(again->generation, ==, claim->generation);
            g_assert_cmpstr(again->slot, ==, claim->slot);
        } else {
            assert_refused(world, &again_rows[i].need, "already-claimed",
                           "guest web (a) holds one/gpu-1 already, by claim 1, of job J");
        }
    }
}

static void
test_same_vf_again(void)
{
    g_autoptr(World) world = world_new_two_ports();
    FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autoptr(FerryClaimRow) again = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    need.pf = "eth3";
    again = world_claim(world, &need);
    g_assert_cmpint(again->generation, ==, claim->generation);
    need.pf = "eth4";
    assert_refused(world, &need, "already-claimed",
                   "guest web (ua-net0) holds 0000:03:00.0/vf0 already, by claim 1");
}

/* ---- UUIDs that are taken ---- */

static void
test_taken_uuids(void)
{
    g_autoptr(World) world = world_new_gpus();
    FerryNeed first = NEED_MDEV("web", "one", "gpu-1");
    FerryNeed second = NEED_MDEV("db", "two", "gpu-1");
    g_autoptr(FerryClaimRow) claim = NULL;

    first.uuid = second.uuid = UUID;
    claim = world_claim(world, &first);
    second.alias = "ua-other";
    assert_refused(world, &second, "already-claimed", UUID " is claimed by guest web (ua-gpu0)");
    claim->state = FERRY_CLAIM_RELEASING;
    g_assert_true(ferry_store_claim_update(world->store, claim, NULL));
    assert_refused(world, &first, "still-releasing",
                   UUID " is still being given back by guest web (ua-gpu0)");
}

static void
test_somebody_elses_mdev(void)
{
    g_autoptr(World) world = world_new_gpus();
    FerryNeed need = NEED_MDEV("web", "one", "gpu-1");

    g_assert_cmpint(tree_mdev(world->tree, "virtual/two/two", "gpu-2", UUID), ==, 0);
    need.uuid = UUID;
    assert_refused(world, &need, "mdev-exists",
                   "mdev " UUID " is there already, of type gpu-2 on two, and it was not made for "
                   "this: it was left alone");
}

/* ---- exactly one slot ---- */

static void
test_exact_slots(void)
{
    g_autoptr(World) world = world_new_two_ports();
    FerryNeed need = NEED_VF("web", "net-x");
    FerryNeed other = NEED_VF("db", "net-x");
    FerryNeed none = NEED_VF("mail", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;

    world_define(world, NET_X);
    need.slot = other.slot = "0000:03:00.1/vf5";
    none.slot = "0000:03:00.1/vf7";
    claim = world_claim(world, &need);
    g_assert_cmpstr(claim->slot, ==, need.slot);
    assert_refused(world, &other, "no-free-slot",
                   "0000:03:00.1/vf5 of pool net-x is not free: guest web (ua-net0) has it");
    assert_refused(world, &none, "no-free-slot", "0000:03:00.1/vf7 is not in pool net-x now");
}

static void
test_exact_mdev_slots(void)
{
    static const struct {
        FerryNeed need;
        const char *slot;
    } rows[] = {
        { { .guest_uuid = "a", .alias = "a", .pool = "gpus", .slot = "two/gpu-2" }, "two/gpu-2" },
        { { .guest_uuid = "b", .alias = "a", .slot = "two/gpu-1" }, "two/gpu-1" },
        { { .guest_uuid = "c", .alias = "a", .parent = "one", .slot = "one/gpu-1" }, "one/gpu-1" },
    };
    g_autoptr(World) world = world_new_gpus();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FerryClaimRow) claim = world_claim(world, &rows[i].need);

        g_assert_cmpstr(claim->slot, ==, rows[i].slot);
    }
}

/* A person's claim is no guest's, and stays until it is released. */
static void
test_claims_of_persons(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = { .guest_uuid = "", .alias = "bench", .pool = "net-x" };
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) all = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    g_assert_true(ferry_pools_claims(world->pools, "web", &none, NULL));
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(ferry_pools_claims(world->pools, NULL, &all, NULL));
    g_assert_cmpuint(all->len, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/claim/refused-needs", test_refused_needs);
    g_test_add_func("/claim/claim-is-durable", test_claim_is_durable);
    g_test_add_func("/claim/uuid-is-made-up", test_uuid_is_made_up);
    g_test_add_func("/claim/parent-by-libvirts-name", test_parent_by_libvirts_name);
    g_test_add_func("/claim/same-again", test_same_again);
    g_test_add_func("/claim/same-vf-again", test_same_vf_again);
    g_test_add_func("/claim/taken-uuids", test_taken_uuids);
    g_test_add_func("/claim/somebody-elses-mdev", test_somebody_elses_mdev);
    g_test_add_func("/claim/exact-slots", test_exact_slots);
    g_test_add_func("/claim/exact-mdev-slots", test_exact_mdev_slots);
    g_test_add_func("/claim/claims-of-persons", test_claims_of_persons);
    return g_test_run();
}
