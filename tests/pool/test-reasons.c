#include "pool/reasons.h"

#include <string.h>

#include "world.h"

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"

static const char *
text(const json_t *reason, const char *key)
{
    return json_string_value(json_object_get(reason, key));
}

static void
claim_all(World *world, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *guest = g_strdup_printf("guest-%u", i);
        const FerryNeed need = NEED_VF(guest, "net-x");

        ferry_claim_row_free(world_claim(world, &need));
    }
}

/* P1: 14 guests run, the 15th hears the pool's numbers, and who was quicker. */
static void
test_exhausted_pool(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("late", "net-x");
    json_t *reason = NULL;
    const char *guest = NULL;

    world_define(world, NET_X);
    claim_all(world, 14);
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "code"), ==, "no-free-slot");
    g_assert_cmpstr(text(reason, "message"), ==,
                    "pool net-x: 14 of 14 VFs used (eth3 7/7, eth4 7/7)");
    g_assert_cmpstr(
        text(reason, "remedy"), ==,
        "The last one went to guest guest-13 (ua-net0). \"ferry pool show net-x\" tells "
        "who has them: stop one of those, or add a PF.");
    g_assert_cmpint(json_unpack(reason, "{s:{s:{s:s}}}", "last_claim", "guest", "name", &guest), ==,
                    0);
    g_assert_cmpstr(guest, ==, "guest-13");
    g_assert_null(json_object_get(reason, "passing"));
    json_decref(reason);
}

static void
test_one_pf_only(void)
{
    g_autoptr(World) world = world_new_two_ports();
    FerryNeed need = NEED_VF("late", "net-x");
    json_t *reason = NULL;

    world_define(world, NET_X);
    claim_all(world, 7);
    need.pf = "eth3";
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "message"), ==, "pool net-x: 7 of 7 VFs used (eth3 7/7)");
    json_decref(reason);
    need.pf = "eth9";
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "message"), ==, "pool net-x has no VFs of eth9");
    json_decref(reason);
}

static void
test_no_vfs_yet(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = NEED_VF("web", "net-x");
    json_t *reason = NULL;

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 0);
    world_define(world, "{\"name\": \"net-x\", \"pfs\": [\"eth3\"]}");
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "message"), ==, "pool net-x: 0 of 0 VFs used (eth3 0/0)");
    g_assert_cmpstr(text(reason, "remedy"), ==,
                    "Make some: \"ferry pf list\" shows the PFs, \"ferry pf set-vfs PF N\" makes "
                    "VFs on one.");
    json_decref(reason);
}

/* What is on its way back is worth a moment's waiting. */
static void
test_passing(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("late", "net-x");
    g_autoptr(GPtrArray) claims = NULL;
    FerryClaimRow *first = NULL;
    json_t *reason = NULL;

    world_define(world, NET_X);
    claim_all(world, 14);
    g_assert_true(ferry_pools_claims(world->pools, NULL, &claims, NULL));
    first = g_ptr_array_index(claims, 0);
    first->state = FERRY_CLAIM_RELEASING;
    g_assert_true(ferry_store_claim_update(world->store, first, NULL));
    reason = world_refused(world, &need);
    g_assert_true(json_is_true(json_object_get(reason, "passing")));
    json_decref(reason);
}

/* ---- C4: which type occupies it, by which guests, which other parents would do ---- */

static void
test_occupied_type(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed mine = NEED_MDEV("web", "0000:84:00.0", "nvidia-2");
    const FerryNeed need = NEED_MDEV("late", "0000:84:00.0", "nvidia-1");
    g_autoptr(FerryClaimRow) claim = NULL;
    json_t *reason = NULL;
    const char *type = NULL;
    const char *who = NULL;
    const char *parent = NULL;

    world->tree->ports = 2;
    tree_parent(world->tree, "pci0000:80/0000:84:00.0", "pci", "nvidia", 2);
    tree_parent(world->tree, "pci0000:80/0000:85:00.0", "pci", "nvidia", 2);
    claim = world_claim(world, &mine);
    world_prepare(world, claim->generation);
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "code"), ==, "no-free-slot");
    g_assert_cmpstr(text(reason, "message"), ==,
                    "0000:84:00.0 has no nvidia-1 left: it carries nvidia-2 (guest web (ua-gpu0))");
    g_assert_cmpstr(text(reason, "remedy"), ==, "These would do: 0000:85:00.0.");
    g_assert_cmpint(json_unpack(reason, "{s:[{s:s, s:s}], s:[s]}", "occupied", "type", &type, "who",
                                &who, "would_do", &parent),
                    ==, 0);
    g_assert_cmpstr(type, ==, "nvidia-2");
    g_assert_cmpstr(who, ==, "guest web (ua-gpu0)");
    g_assert_cmpstr(parent, ==, "0000:85:00.0");
    json_decref(reason);
}

static void
test_parents_that_give_none(void)
{
    static const struct {
        const char *parent, *type, *message;
        bool passing;
    } rows[] = {
        { "mdpy", "mdpy-vga", "mdpy is not there", false },
        { "mtty", "mtty-9", "mtty has no type mtty-9, but mtty-1, mtty-2", false },
        { "late", "late-1",
          "late is there, but publishes no types yet: does its vendor's service run?", true },
    };
    g_autoptr(World) world = world_new();

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    tree_parent(world->tree, "virtual/late/late", NULL, "late", 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryNeed need = NEED_MDEV("web", rows[i].parent, rows[i].type);
        json_t *reason = world_refused(world, &need);

        g_assert_cmpstr(text(reason, "message"), ==, rows[i].message);
        g_assert_cmpstr(text(reason, "remedy"), ==,
                        "No other parent here would do: remove a device, or add a parent.");
        g_assert_cmpint(json_is_true(json_object_get(reason, "passing")), ==, rows[i].passing);
        json_decref(reason);
    }
}

static void
test_pool_of_parents(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = {
        .guest_uuid = "web", .guest_name = "web", .alias = "ua-gpu0", .pool = "gpus"
    };
    json_t *reason = NULL;

    world->tree->ports = 0;
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_parent(world->tree, "virtual/late/late", NULL, "late", 0);
    world_define(world, "{\"name\": \"gpus\", \"parents\": [\"mtty\", \"late\"], \"types\": "
                        "[\"mtty-1\"]}");
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "message"), ==,
                    "pool gpus: mtty has no mtty-1 left: it carries nothing that is seen; late is "
                    "there, but publishes no types yet: does its vendor's service run?");
    g_assert_cmpstr(text(reason, "pool"), ==, "gpus");
    json_decref(reason);
}

/* Who names a slot has asked its parent, and hears of no other but as one that would do. */
static void
test_one_parent_only(void)
{
    static const char foreign[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    g_autoptr(World) world = world_new();
    const FerryNeed need = { .guest_uuid = "web",
                             .guest_name = "web",
                             .alias = "ua-gpu0",
                             .pool = "gpus",
                             .slot = "mtty/mtty-1" };
    json_t *reason = NULL;

    world->tree->ports = 1;
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_parent(world->tree, "virtual/mtty2/mtty2", NULL, "mtty", 1);
    world_define(world, "{\"name\": \"gpus\", \"parents\": [\"mtty\", \"mtty2\"], \"types\": "
                        "[\"mtty-1\"]}");
    g_assert_cmpint(tree_mdev(world->tree, "virtual/mtty/mtty", "mtty-1", foreign), ==, 0);
    reason = world_refused(world, &need);
    g_assert_cmpstr(text(reason, "message"), ==,
                    "pool gpus: mtty has no mtty-1 left: it carries mtty-1 (made by somebody "
                    "else)");
    g_assert_cmpstr(text(reason, "remedy"), ==, "These would do: mtty2.");
    json_decref(reason);
}

/* ---- claims in the way ---- */

static void
test_held(void)
{
    static const struct {
        FerryClaimState state;
        const char *job, *device, *alias, *code, *message;
    } rows[] = {
        { FERRY_CLAIM_RESERVED, "J1", "", "ua-a", "already-claimed",
          "guest web (ua-a) holds pf/vf0 already, by claim 7, of job J1" },
        { FERRY_CLAIM_IN_USE, "", "", "ua-a", "already-claimed",
          "guest web (ua-a) holds pf/vf0 already, by claim 7" },
        { FERRY_CLAIM_IN_USE, "", "u-1", "ua-b", "already-claimed",
          "u-1 is claimed by guest web (ua-a)" },
        { FERRY_CLAIM_RELEASING, "", "u-1", "ua-a", "still-releasing",
          "u-1 is still being given back by guest web (ua-a)" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryClaimRow row = { 7,
                                    (char *)"net-x",
                                    (char *)"pf/vf0",
                                    (char *)rows[i].device,
                                    (char *)"u",
                                    (char *)"web",
                                    (char *)"ua-a",
                                    (char *)rows[i].job,
                                    rows[i].state,
                                    (char *)"",
                                    (char *)"",
                                    (char *)"",
                                    0 };
        json_t *reasons = ferry_reasons_held(&row, rows[i].alias);
        const json_t *reason = json_array_get(reasons, 0);

        g_assert_cmpstr(text(reason, "code"), ==, rows[i].code);
        g_assert_cmpstr(text(reason, "message"), ==, rows[i].message);
        g_assert_nonnull(text(reason, "remedy"));
        g_assert_cmpint(json_is_true(json_object_get(reason, "passing")), ==,
                        rows[i].state == FERRY_CLAIM_RELEASING);
        json_decref(reasons);
    }
}

static void
test_exists(void)
{
    g_autoptr(FerryHostDevice) mdev = ferry_host_device_new("u-1", "mdev");
    json_t *reasons = NULL;

    mdev->parent = g_strdup("mtty");
    mdev->type = g_strdup("mtty-2");
    reasons = ferry_reasons_exists(mdev);
    g_assert_cmpstr(text(json_array_get(reasons, 0), "code"), ==, "mdev-exists");
    g_assert_cmpstr(text(json_array_get(reasons, 0), "message"), ==,
                    "mdev u-1 is there already, of type mtty-2 on mtty, and it was not made for "
                    "this: it was left alone");
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reasons/exhausted-pool", test_exhausted_pool);
    g_test_add_func("/reasons/one-pf-only", test_one_pf_only);
    g_test_add_func("/reasons/no-vfs-yet", test_no_vfs_yet);
    g_test_add_func("/reasons/passing", test_passing);
    g_test_add_func("/reasons/occupied-type", test_occupied_type);
    g_test_add_func("/reasons/parents-that-give-none", test_parents_that_give_none);
    g_test_add_func("/reasons/pool-of-parents", test_pool_of_parents);
    g_test_add_func("/reasons/one-parent-only", test_one_parent_only);
    g_test_add_func("/reasons/held", test_held);
    g_test_add_func("/reasons/exists", test_exists);
    return g_test_run();
}
