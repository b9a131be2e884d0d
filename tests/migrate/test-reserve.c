#include "migrate/reserve.h"

#include <string.h>

#include <glib/gstdio.h>

#include "migrate/assign.h"
#include "world.h"

#define JOB   "11111111-1111-4111-8111-111111111111"
#define GUEST "22222222-2222-4222-8222-222222222222"
#define RULE                                                                                       \
    "{\"ferry_compat_rules\": 1, \"vendor\": \"kernel\", \"rules\": [{\"id\": \"mtty\", "          \
    "\"effect\": \"relax\", \"reason\": \"its state is of one format\", \"when\": {\"both\": "     \
    "{\"mdev_type\": {\"prefix\": \"mtty-\"}}}, \"assume\": {\"source\": {\"version\": \"1.0\"}, " \
    "\"target\": {\"version\": \"1.0\"}}}]}"
#define GPU(alias)                                                                                 \
    "{\"way\": \"state\", \"alias\": \"" alias "\", \"pool\": \"gpus\", \"type\": \"mtty-1\", "    \
    "\"facts\": {\"format\": 1, \"class\": \"mdev\", \"device_api\": \"vfio-pci\", "               \
    "\"mdev_type\": \"mtty-1\"}}"
#define NET(alias, may)                                                                            \
    "{\"way\": \"hybrid\", \"alias\": \"" alias "\", \"pool\": \"fast\", \"vf_alias\": \"" alias   \
    "-vf\", \"may_degrade\": " may "}"
#define NIC "{\"way\": \"ephemeral\", \"alias\": \"ua-nic7\", \"pool\": \"fast\"}"

/* A target: an mtty with two ports, eth3 with one VF. */
typedef struct {
    World *world;
    FerryOffers *offers;
    FerryReserve reserve;
    FerryPlan *plan;
} Host;

static void
host_init(Host *host, const char *needs)
{
    World *world = host->world = world_new();
    g_autofree char *text = g_strconcat("[", needs, "]", NULL);
    g_autofree char *rules = g_build_filename(world->tree->path, "etc/ferry/compat.d/m.json", NULL);
    json_t *json = json_loads(text, 0, NULL);
    const FerryOffersConfig config = { .pools = world->pools,
                                       .inventory = world_look,
                                       .inventory_data = world,
                                       .root = world->tree->root,
                                       .ops = tree_drivers(),
                                       .rules_root = world->tree->path };

    world->tree->ports = 2;
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 1);
    tree_file(world->tree, "etc/ferry/compat.d/m.json", RULE);
    g_assert_cmpint(g_chmod(rules, 0644), ==, 0);
    world_define(world, "{\"name\": \"gpus\", \"kind\": \"mdev\", \"parents\": [\"mtty\"], "
                        "\"types\": [\"mtty-1\"]}");
    world_define(world, "{\"name\": \"fast\", \"kind\": \"vf\", \"pfs\": [\"eth3\"]}");
    host->offers = ferry_offers_new(&config);
    host->reserve = (FerryReserve){ .pools = world->pools,
                                    .offers = host->offers,
                                    .inventory = world_look,
                                    .inventory_data = world };
    host->plan = ferry_plan_new();
    host->plan->job = g_strdup(JOB);
    host->plan->guest_uuid = g_strdup(GUEST);
    host->plan->guest_name = g_strdup("web");
    host->plan->target = g_strdup("beta");
    g_assert_true(ferry_needs_parse(json, host->plan->needs, NULL));
    json_decref(json);
}

static void
host_clear(Host *host)
{
    ferry_offers_free(host->offers);
    ferry_plan_free(host->plan);
    world_free(host->world);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

/* "alias job state" of each claim, joined with ", " */
static char *
claims_of(const Host *host)
{
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_true(ferry_pools_claims(host->reserve.pools, NULL, &claims, NULL));
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        g_string_append_printf(text, "%s%s %s %s", i > 0 ? ", " : "", claim->alias,
                               claim->job[0] != '\0' ? "job" : "-",
                               ferry_claim_state_name(claim->state));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
expect_claims(const Host *host, const char *expected)
{
    g_autofree char *text = claims_of(host);

    g_assert_cmpstr(text, ==, expected);
}

static void
expect_reserved(const Host *host)
{
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_reserve_claim(&host->reserve, host->plan, &reasons, &error));
    g_assert_no_error(error);
    g_assert_null(reasons);
}

static json_t *
expect_prepared(const Host *host)
{
    json_t *reasons = NULL;
    json_t *assign = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_reserve_prepare(&host->reserve, host->plan, &assign, &reasons, &error));
    g_assert_no_error(error);
    g_assert_null(reasons);
    g_assert_nonnull(assign);
    return assign;
}

/* A whole life: claimed, made, the guest's, gone; and every step twice, as recovery does it. */
static void
test_life(void)
{
    g_auto(Host) host = { 0 };
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    json_t *assign = NULL;
    json_t *again = NULL;

    host_init(&host, GPU("ua-gpu0") "," NET("ua-net0", "false"));
    before = world_listing(host.world);
    expect_reserved(&host);
    expect_reserved(&host);
    expect_claims(&host, "ua-gpu0 job reserved, ua-net0-vf job reserved");
    assign = expect_prepared(&host);
    again = expect_prepared(&host);
    g_assert_true(json_equal(assign, again));
    g_assert_true(g_uuid_string_is_valid(ferry_assign_value(assign, "ua-gpu0", "mdev-uuid")));
    g_assert_cmpstr(ferry_assign_value(assign, "ua-net0", "source-dev"), ==, "eth3");
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(ferry_reserve_keep(&host.reserve, JOB, NULL));
        expect_claims(&host, "ua-gpu0 - in_use, ua-net0-vf - in_use");
    }
    g_assert_true(ferry_reserve_release_job(&host.reserve, JOB, NULL)); /* not the job's any more */
    expect_claims(&host, "ua-gpu0 - in_use, ua-net0-vf - in_use");
    for (unsigned i = 0; i < 2; i++)
        g_assert_true(ferry_reserve_release_guest(&host.reserve, GUEST, NULL));
    expect_claims(&host, "");
    after = world_listing(host.world);
    g_assert_cmpstr(before, ==, after);
    json_decref(assign);
    json_decref(again);
}

static void
test_undo(void)
{
    g_auto(Host) host = { 0 };
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    host_init(&host, GPU("ua-gpu0") "," NIC);
    before = world_listing(host.world);
    expect_reserved(&host);
    json_decref(expect_prepared(&host));
    g_assert_true(ferry_reserve_release_job(&host.reserve, "another job", NULL));
    expect_claims(&host, "ua-gpu0 job reserved, ua-nic7 job reserved");
    for (unsigned i = 0; i < 2; i++)
        g_assert_true(ferry_reserve_release_job(&host.reserve, JOB, NULL));
    expect_claims(&host, "");
    after = world_listing(host.world);
    g_assert_cmpstr(before, ==, after);
}

/* All or nothing: what was claimed before the one that is refused is given back. */
static void
test_refused(void)
{
    g_auto(Host) host = { 0 };
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    json_t *reasons = NULL;

    host_init(&host, GPU("a") "," GPU("b") "," GPU("c"));
    before = world_listing(host.world);
    g_assert_true(ferry_reserve_claim(&host.reserve, host.plan, &reasons, NULL));
    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(reasons, 0), "code")), ==,
                    "no-free-slot");
    expect_claims(&host, "");
    after = world_listing(host.world);
    g_assert_cmpstr(before, ==, after);
    json_decref(reasons);
}

/* Somebody else's device under the guest's alias stands in the way only of the claim itself. */
static void
test_refused_by_a_claim(void)
{
    g_auto(Host) host = { 0 };
    const FerryNeed held = { .guest_uuid = GUEST,
                             .guest_name = "web",
                             .alias = "ua-nic7",
                             .pool = "gpus",
                             .type = "mtty-1" };
    g_autoptr(FerryClaimRow) claim = NULL;
    json_t *reasons = NULL;

    host_init(&host, GPU("ua-gpu0") "," NIC);
    claim = world_claim(host.world, &held);
    g_assert_true(ferry_reserve_claim(&host.reserve, host.plan, &reasons, NULL));
    g_assert_nonnull(reasons);
    expect_claims(&host, "ua-nic7 - reserved");
    json_decref(reasons);
    g_assert_nonnull(claim);
}

static void
test_assigns_functions(void)
{
    g_auto(Host) host = { 0 };
    json_t *assign = NULL;

    host_init(&host, NIC);
    expect_reserved(&host);
    assign = expect_prepared(&host);
    g_assert_cmpstr(ferry_assign_value(assign, "ua-nic7", "pci-address"), ==, "0000:03:10.0");
    json_decref(assign);
}

/* A hybrid that goes without still needs a PF to sit on. */
static void
test_degraded(void)
{
    g_auto(Host) host = { 0 };
    json_t *assign = NULL;

    host_init(&host, NET("ua-net0", "false") "," NET("ua-net1", "true"));
    expect_reserved(&host);
    expect_claims(&host, "ua-net0-vf job reserved");
    assign = expect_prepared(&host);
    g_assert_cmpstr(ferry_assign_value(assign, "ua-net1", "source-dev"), ==, "eth3");
    json_decref(assign);
}

static void
test_given(void)
{
    g_auto(Host) host = { 0 };
    json_t *assign = NULL;

    host_init(&host, "{\"way\": \"state\", \"alias\": \"a\", \"device\": "
                     "\"0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001\", \"facts\": {\"format\": 1, "
                     "\"class\": \"mdev\", \"device_api\": \"vfio-pci\", \"mdev_type\": "
                     "\"mtty-1\"}}");
    g_assert_cmpint(tree_mdev(host.world->tree, "virtual/mtty/mtty", "mtty-1",
                              "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"),
                    ==, 0);
    expect_reserved(&host);
    expect_claims(&host, "");
    assign = expect_prepared(&host);
    g_assert_cmpstr(ferry_assign_value(assign, "a", "mdev-uuid"), ==,
                    "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001");
    json_decref(assign);
}

/* A host that knows of no devices takes guests without, and no others. */
static void
test_without_pools(void)
{
    const FerryReserve none = { .pools = NULL };
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) empty = ferry_plan_new();
    json_t *reasons = NULL;
    json_t *assign = NULL;

    host_init(&host, NIC);
    g_assert_true(ferry_reserve_claim(&none, empty, &reasons, NULL));
    g_assert_null(reasons);
    g_assert_true(ferry_reserve_prepare(&none, empty, &assign, &reasons, NULL));
    g_assert_cmpuint(json_array_size(assign), ==, 0);
    json_decref(assign);
    g_assert_true(ferry_reserve_keep(&none, JOB, NULL));
    g_assert_true(ferry_reserve_release_job(&none, JOB, NULL));
    g_assert_true(ferry_reserve_release_guest(&none, GUEST, NULL));
    g_assert_true(ferry_reserve_claim(&none, host.plan, &reasons, NULL));
    g_assert_nonnull(reasons);
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reserve/life", test_life);
    g_test_add_func("/reserve/undo", test_undo);
    g_test_add_func("/reserve/refused", test_refused);
    g_test_add_func("/reserve/refused-by-a-claim", test_refused_by_a_claim);
    g_test_add_func("/reserve/assigns-functions", test_assigns_functions);
    g_test_add_func("/reserve/degraded", test_degraded);
    g_test_add_func("/reserve/given", test_given);
    g_test_add_func("/reserve/without-pools", test_without_pools);
    return g_test_run();
}
