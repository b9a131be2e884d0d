/* The target's half of the check: slots.c finds what there is, judged.c judges, choose.c chooses.
 */
#include "migrate/offer.h"

#include <string.h>

#include <glib/gstdio.h>

#include "store/history.h"
#include "world.h"

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

/* mtty says neither driver nor firmware: a vendor's rule has to. */
#define RULE                                                                                       \
    "{\"ferry_compat_rules\": 1, \"vendor\": \"kernel\", \"rules\": [{\"id\": \"mtty\", "          \
    "\"effect\": \"relax\", \"reason\": \"its state is of one format\", \"when\": {\"both\": "     \
    "{\"mdev_type\": {\"prefix\": \"mtty-\"}}}, \"assume\": {\"source\": {\"driver\": \"mtty\", "  \
    "\"firmware\": \"none\"}, \"target\": {\"driver\": \"mtty\", \"firmware\": \"none\"}}}]}"

#define FACTS(type, kernel)                                                                        \
    "\"facts\": {\"format\": 1, \"class\": \"mdev\", \"device_api\": \"vfio-pci\", "               \
    "\"mdev_type\": \"" type "\", \"kernel\": \"" kernel "\"}"
#define STATE(alias, place, type, kernel)                                                          \
    "{\"way\": \"state\", \"alias\": \"" alias "\", " place ", \"type\": \"" type                  \
    "\", " FACTS(type, kernel) "}"
#define POOL(name)   "\"pool\": \"" name "\""
#define PARENT(name) "\"parent\": \"" name "\""
#define HERE         "6.12.117+deb12-amd64"
#define HYBRID(alias, may)                                                                         \
    "{\"way\": \"hybrid\", \"alias\": \"" alias "\", \"pool\": \"fast\", \"vf_alias\": \"" alias   \
    "-vf\", \"may_degrade\": " may "}"
#define EPHEMERAL(alias, pool)                                                                     \
    "{\"way\": \"ephemeral\", \"alias\": \"" alias "\", \"pool\": \"" pool "\"}"

typedef struct {
    const char *name;
    const char *needs;   /* JSON */
    const char *answers; /* "alias: verdict name" of each, joined with ", " */
    const char *codes;   /* of the reasons, joined with ", " */
    const char *message; /* (nullable): part of the first */
    bool accept_unknown;
    bool no_rule;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nothing", "", "", "", NULL, false, false },
    { "pool", STATE("a", POOL("gpus"), "mtty-2", HERE), "a: yes mtty mtty-2", "", NULL, false, false },
    { "parent", STATE("a", PARENT("of-another-name"), "mtty-1", HERE), "a: yes mtty mtty-1", "", NULL, false, false },
    { "other-type-in-pool", STATE("a", POOL("ones"), "mtty-2", HERE), "a: no -", "incompatible", "mtty-2", false, false },
    { "no-type", STATE("a", PARENT("mtty"), "nvidia-474", HERE), "a: no -", "no-type", "nvidia-474", false, false },
    { "no-pool", STATE("a", POOL("none"), "mtty-1", HERE), "a: no -", "no-pool", "there is no pool none", false, false },
    { "pool-of-vfs", STATE("a", POOL("fast"), "mtty-1", HERE), "a: no -", "pool-of-other-kind", "is one of VFs", false, false },
    { "other-kernel", STATE("a", POOL("gpus"), "mtty-1", "6.1"), "a: unknown -", "unknown", "--accept-unknown", false, false },
    { "other-kernel-accepted", STATE("a", POOL("gpus"), "mtty-1", "6.1"), "a: unknown mtty mtty-1", "", NULL, true, false },
    { "no-rule", STATE("a", POOL("gpus"), "mtty-1", HERE), "a: unknown -", "unknown", "firmware", false, true },
    { "accepted-is-not-incompatible", STATE("a", POOL("ones"), "mtty-2", HERE), "a: no -", "incompatible", NULL, true, false },
    { "given", STATE("a", "\"device\": \"" UUID "\"", "mtty-1", HERE), "a: yes " UUID, "", NULL, false, false },
    { "given-in-capitals", STATE("a", "\"device\": \"0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001\"", "mtty-1", HERE), "a: yes " UUID, "", NULL, false, false },
    { "given-of-another-type", STATE("a", "\"device\": \"" UUID "\"", "mtty-2", HERE), "a: no -", "wrong-type", "is of type mtty-1, and it needs mtty-2", true, false },
    { "given-is-no-mdev", STATE("a", "\"device\": \"0000:03:10.0\"", "mtty-1", HERE), "a: no -", "no-device", "make it there first", false, false },
    { "given-missing", STATE("a", "\"device\": \"0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c009\"", "mtty-1", HERE), "a: no -", "no-device", "make it there first", false, false },
    { "given-twice", STATE("a", "\"device\": \"" UUID "\"", "mtty-1", HERE) "," STATE("b", "\"device\": \"" UUID "\"", "mtty-1", HERE), "a: yes " UUID ", b: no -", "no-free-slot", NULL, false, false },
    { "all-twos", STATE("a", POOL("gpus"), "mtty-2", HERE) "," STATE("b", POOL("gpus"), "mtty-2", HERE) "," STATE("c", POOL("gpus"), "mtty-2", HERE), "a: yes mtty mtty-2, b: yes mtty mtty-2, c: no -", "no-free-slot", "all of it is in use", false, false },
    { "one-of-each", STATE("a", POOL("gpus"), "mtty-2", HERE) "," STATE("b", POOL("gpus"), "mtty-1", HERE), "a: yes mtty mtty-2, b: yes mtty mtty-1", "", NULL, false, false },
    { "vendor-expected", STATE("a", POOL("gpus") ", \"vendor_id\": \"0x10de\"", "mtty-1", HERE), "a: no -", "other-vendor", "expects vendor 0x10de", false, false },
    { "hybrid", HYBRID("n", "false"), "n: yes eth3", "", NULL, false, false },
    { "two-hybrids-one-vf", HYBRID("n", "false") "," HYBRID("m", "false"), "n: yes eth3, m: no -", "no-free-slot", "nothing free for m", false, false },
    { "degraded", HYBRID("n", "false") "," HYBRID("m", "true"), "n: yes eth3, m: yes -", "", NULL, false, false },
    { "ephemeral", EPHEMERAL("e", "fast"), "e: yes eth3", "", NULL, false, false },
    { "ephemeral-and-state", EPHEMERAL("e", "fast") "," STATE("a", POOL("gpus"), "mtty-1", HERE), "e: yes eth3, a: yes mtty mtty-1", "", NULL, false, false },
    { "malformed-facts", "{\"way\": \"state\", \"alias\": \"a\", \"pool\": \"gpus\", \"type\": \"mtty-1\", \"facts\": {\"format\": 1, \"nonsense\": 1}}", "a: no -", "incompatible", "nonsense", true, false },
};
/* clang-format on */

/* An mtty of 5 ports, one of them taken by a device that somebody made, and one VF that is free. */
static World *
make_world(bool no_rule)
{
    World *world = world_new();
    Tree *tree = world->tree;
    g_autofree char *rules = g_build_filename(tree->path, "etc/ferry/compat.d/mtty.json", NULL);

    tree->ports = 5;
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    g_assert_cmpint(tree_mdev(tree, "virtual/mtty/mtty", "mtty-1", UUID), ==, 0);
    tree_pf(tree, "0000:03:00.0", "eth3", "igb", 7, 1);
    tree_file(tree, "proc/sys/kernel/osrelease", HERE);
    if (!no_rule) {
        tree_file(tree, "etc/ferry/compat.d/mtty.json", RULE);
        g_assert_cmpint(g_chmod(rules, 0644), ==, 0);
    }
    world_define(world, "{\"name\": \"gpus\", \"kind\": \"mdev\", \"parents\": [\"mtty\"], "
                        "\"types\": [\"mtty-1\", \"mtty-2\"]}");
    world_define(world, "{\"name\": \"ones\", \"kind\": \"mdev\", \"parents\": [\"mtty\"], "
                        "\"types\": [\"mtty-1\"]}");
    world_define(world, "{\"name\": \"fast\", \"kind\": \"vf\", \"pfs\": [\"eth3\"]}");
    return world;
}

static FerryOffers *
offers_of(World *world)
{
    const FerryOffersConfig config = { .pools = world->pools,
                                       .inventory = world_look,
                                       .inventory_data = world,
                                       .root = world->tree->root,
                                       .ops = tree_drivers(),
                                       .store = world->store,
                                       .rules_root = world->tree->path };

    return ferry_offers_new(&config);
}

static void
append(GString *text, const char *alias, const char *verdict, const char *name)
{
    g_string_append_printf(text, "%s%s: %s %s", text->len > 0 ? ", " : "", alias, verdict, name);
}

static char *
describe(const json_t *answers)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *answer = NULL;
    size_t i = 0;

    json_array_foreach(answers, i, answer)
    {
        const char *name =
            json_string_value(json_object_get(json_object_get(answer, "slot"), "name"));

        append(text, json_string_value(json_object_get(answer, "alias")),
               json_string_value(json_object_get(answer, "verdict")), name != NULL ? name : "-");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
codes_of(const json_t *reasons)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i, reason) g_string_append_printf(
        text, "%s%s", i > 0 ? ", " : "", json_string_value(json_object_get(reason, "code")));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static FerryPlan *
plan_of(const Row *row)
{
    FerryPlan *plan = ferry_plan_new();
    g_autofree char *text = g_strconcat("[", row->needs, "]", NULL);
    json_t *json = json_loads(text, 0, NULL);
    g_autoptr(GError) error = NULL;

    plan->target = g_strdup("beta");
    plan->accept_unknown = row->accept_unknown;
    g_assert_true(ferry_needs_parse(json, plan->needs, &error));
    g_assert_no_error(error);
    json_decref(json);
    return plan;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(World) world = make_world(row->no_rule);
    g_autoptr(FerryOffers) offers = offers_of(world);
    g_autoptr(FerryPlan) plan = plan_of(row);
    g_autofree char *before = world_listing(world);
    g_autofree char *after = NULL;
    g_autofree char *text = NULL;
    g_autofree char *codes = NULL;
    g_autoptr(GError) error = NULL;
    json_t *reasons = json_array();
    json_t *answers = NULL;

    g_assert_true(ferry_offers_answer(offers, plan, &answers, reasons, &error));
    g_assert_no_error(error);
    text = describe(answers);
    codes = codes_of(reasons);
    g_assert_cmpstr(text, ==, row->answers);
    g_assert_cmpstr(codes, ==, row->codes);
    if (row->message != NULL)
        g_assert_nonnull(
            strstr(json_string_value(json_object_get(json_array_get(reasons, 0), "message")),
                   row->message));
    after = world_listing(world); /* a check touches nothing */
    g_assert_cmpstr(before, ==, after);
    json_decref(answers);
    json_decref(reasons);
}

/* (transfer full): what is said of the first device */
static json_t *
first_answer(FerryOffers *offers, const Row *row)
{
    g_autoptr(FerryPlan) plan = plan_of(row);
    json_t *reasons = json_array();
    json_t *answers = NULL;
    json_t *first = NULL;

    g_assert_true(ferry_offers_answer(offers, plan, &answers, reasons, NULL));
    first = json_incref(json_array_get(answers, 0));
    json_decref(answers);
    json_decref(reasons);
    return first;
}

static void
remember(World *world, const char *job, const char *print, FerryResult result)
{
    char none[] = "";
    char alias[] = "a";
    char source[] = "s";
    const FerryHistoryRow row = { .job = (char *)job,
                                  .alias = alias,
                                  .guest_uuid = none,
                                  .peer = none,
                                  .source_print = source,
                                  .target_print = (char *)print,
                                  .result = result,
                                  .wall_us = 1 };

    g_assert_true(ferry_history_add(world->store, &row, NULL));
}

/* A state that was taken before is no longer unknown for want of equality; one that was both taken
 * and refused is again, and both are told. */
static void
test_history(void)
{
    g_autoptr(World) world = make_world(false);
    g_autoptr(FerryOffers) offers = offers_of(world);
    Row row = { .needs = STATE("a", POOL("gpus") ", \"source_print\": \"s\"", "mtty-1", "6.1"),
                .accept_unknown = true };
    json_t *answer = first_answer(offers, &row);
    const json_t *best = NULL;
    g_autofree char *print =
        g_strdup(json_string_value(json_object_get(json_object_get(answer, "slot"), "print")));

    g_assert_nonnull(print);
    json_decref(answer);
    row.accept_unknown = false;
    remember(world, "j1", print, FERRY_RESULT_SUCCESS);
    answer = first_answer(offers, &row);
    best = json_array_get(json_object_get(answer, "candidates"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(answer, "verdict")), ==, "yes");
    g_assert_cmpstr(json_string_value(json_object_get(best, "basis")), ==, "observed");
    json_decref(answer);
    remember(world, "j2", print, FERRY_RESULT_REJECTED);
    answer = first_answer(offers, &row);
    best = json_object_get(json_array_get(json_object_get(answer, "candidates"), 0), "loads");
    g_assert_cmpstr(json_string_value(json_object_get(answer, "verdict")), ==, "unknown");
    g_assert_cmpint(json_integer_value(json_object_get(best, "success")), ==, 1);
    g_assert_cmpint(json_integer_value(json_object_get(best, "rejected")), ==, 1);
    json_decref(answer);
}

/* Both sides' values are in the answer, for the table of "ferry check"; and why this slot. */
static void
test_explains(void)
{
    g_autoptr(World) world = make_world(false);
    g_autoptr(FerryOffers) offers = offers_of(world);
    const Row row = { .needs = STATE("a", POOL("gpus"), "mtty-1", HERE) };
    g_autoptr(FerryPlan) plan = plan_of(&row);
    json_t *reasons = json_array();
    json_t *answers = NULL;
    const json_t *candidates = NULL;
    const json_t *finding = NULL;

    g_assert_true(ferry_offers_answer(offers, plan, &answers, reasons, NULL));
    candidates = json_object_get(json_array_get(answers, 0), "candidates");
    g_assert_cmpuint(json_array_size(candidates), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(answers, 0), "why")), ==,
                    "the only one that fits");
    finding = json_array_get(json_object_get(json_array_get(candidates, 1), "findings"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(finding, "source")), ==, "mtty-1");
    g_assert_cmpstr(json_string_value(json_object_get(finding, "target")), ==, "mtty-2");
    json_decref(answers);
    json_decref(reasons);
}

/* A slot that a guest here has is not offered, be its device made or not. */
static void
test_claims_count(void)
{
    g_autoptr(World) world = make_world(false);
    g_autoptr(FerryOffers) offers = offers_of(world);
    const FerryNeed vf = NEED_VF("g1", "fast");
    g_autoptr(FerryClaimRow) claim = world_claim(world, &vf);
    const Row row = { .needs = HYBRID("n", "false") };
    g_autoptr(FerryPlan) plan = plan_of(&row);
    json_t *reasons = json_array();
    json_t *answers = NULL;

    g_assert_true(ferry_offers_answer(offers, plan, &answers, reasons, NULL));
    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    json_decref(answers);
    json_decref(reasons);
    g_assert_nonnull(claim);
}

/* The device that somebody made is a guest's by now. */
static void
expect_in_use(World *world, const char *by)
{
    g_autoptr(FerryOffers) offers = offers_of(world);
    const Row row = { .needs = STATE("a", "\"device\": \"" UUID "\"", "mtty-1", HERE),
                      .accept_unknown = true };
    g_autoptr(FerryPlan) plan = plan_of(&row);
    g_autofree char *codes = NULL;
    json_t *reasons = json_array();
    json_t *answers = NULL;

    g_assert_true(ferry_offers_answer(offers, plan, &answers, reasons, NULL));
    codes = codes_of(reasons);
    g_assert_cmpstr(codes, ==, "device-in-use");
    g_assert_nonnull(
        strstr(json_string_value(json_object_get(json_array_get(reasons, 0), "message")), by));
    json_decref(answers);
    json_decref(reasons);
}

static void
test_given_in_use(void)
{
    g_autoptr(World) world = make_world(false);

    world_open(world, 47, "db", UUID);
    expect_in_use(world, "used by guest db: give another one");
}

static void
test_given_made_by_ferry(void)
{
    g_autoptr(World) world = make_world(false);
    const FerryNeed need = { .guest_uuid = "g1",
                             .guest_name = "db",
                             .alias = "ua-gpu0",
                             .parent = "mtty",
                             .type = "mtty-1",
                             .uuid = "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002" };
    const Row row = { .needs = STATE("a", "\"device\": \"0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002\"",
                                     "mtty-1", HERE) };
    g_autoptr(FerryClaimRow) claim = world_claim(world, &need);
    g_autoptr(FerryOffers) offers = offers_of(world);
    g_autoptr(FerryPlan) plan = plan_of(&row);
    g_autofree char *codes = NULL;
    json_t *reasons = json_array();
    json_t *answers = NULL;

    world_prepare(world, claim->generation);
    g_assert_true(ferry_offers_answer(offers, plan, &answers, reasons, NULL));
    codes = codes_of(reasons);
    g_assert_cmpstr(codes, ==, "device-in-use");
    json_decref(answers);
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/offer/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/offer/explains", test_explains);
    g_test_add_func("/offer/history", test_history);
    g_test_add_func("/offer/claims-count", test_claims_count);
    g_test_add_func("/offer/given-in-use", test_given_in_use);
    g_test_add_func("/offer/given-made-by-ferry", test_given_made_by_ferry);
    return g_test_run();
}
