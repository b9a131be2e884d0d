/* Slots held for a guest that comes later, on the host of tests/pool. */
#include "migrate/reservation.h"

#include <string.h>

#include <glib/gstdio.h>

#include "world.h"

#define R1    "11111111-1111-4111-8111-111111111111"
#define R2    "11111111-1111-4111-8111-111111111112"
#define JOB   "33333333-3333-4333-8333-333333333333"
#define GUEST "22222222-2222-4222-8222-222222222222"
#define TTL   60000
#define RULE                                                                                       \
    "{\"ferry_compat_rules\": 1, \"vendor\": \"kernel\", \"rules\": [{\"id\": \"mtty\", "          \
    "\"effect\": \"relax\", \"reason\": \"its state is of one format\", \"when\": {\"both\": "     \
    "{\"mdev_type\": {\"prefix\": \"mtty-\"}}}, \"assume\": {\"source\": {\"version\": \"1.0\"}, " \
    "\"target\": {\"version\": \"1.0\"}}}]}"
#define NO_RULE "{\"ferry_compat_rules\": 1, \"vendor\": \"kernel\", \"rules\": []}"
#define GPU_OF(alias, more)                                                                        \
    "{\"way\": \"state\", \"alias\": \"" alias "\", \"pool\": \"gpus\", \"type\": \"mtty-1\", "    \
    "\"facts\": {\"format\": 1, \"class\": \"mdev\", \"device_api\": \"vfio-pci\", "               \
    "\"mdev_type\": \"mtty-1\"" more "}}"
#define GPU(alias) GPU_OF(alias, "")
#define NET(alias)                                                                                 \
    "{\"way\": \"hybrid\", \"alias\": \"" alias "\", \"pool\": \"fast\", \"vf_alias\": \"" alias   \
    "-vf\", \"may_degrade\": false}"

/* A target: an mtty with two ports, eth3 with two VFs; and its clock. */
typedef struct {
    FerryClock clock; /* first: it is what its functions get */
    int64_t now_us;
    World *world;
    FerryOffers *offers;
    FerryReservations held;
} Host;

static int64_t
wall_us_of(const FerryClock *clock)
{
    return ((const Host *)(const void *)clock)->now_us;
}

static void
put_rule(Host *host, const char *rule)
{
    g_autofree char *path =
        g_build_filename(host->world->tree->path, "etc/ferry/compat.d/m.json", NULL);

    tree_file(host->world->tree, "etc/ferry/compat.d/m.json", rule);
    g_assert_cmpint(g_chmod(path, 0644), ==, 0);
}

static void
open_offers(Host *host)
{
    World *world = host->world;
    const FerryOffersConfig config = { .pools = world->pools,
                                       .inventory = world_look,
                                       .inventory_data = world,
                                       .root = world->tree->root,
                                       .ops = tree_drivers(),
                                       .rules_root = world->tree->path };

    ferry_offers_free(host->offers);
    host->offers = ferry_offers_new(&config);
    host->held = (FerryReservations){ .store = world->store,
                                      .reserve = { .pools = world->pools,
                                                   .offers = host->offers,
                                                   .inventory = world_look,
                                                   .inventory_data = world },
                                      .clock = &host->clock };
}

static void
host_init(Host *host)
{
    World *world = host->world = world_new();

    host->clock = *ferry_clock_system();
    host->clock.wall_us = wall_us_of;
    host->now_us = 1000000;
    world->tree->ports = 2;
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 2);
    put_rule(host, RULE);
    world_define(world, "{\"name\": \"gpus\", \"kind\": \"mdev\", \"parents\": [\"mtty\"], "
                        "\"types\": [\"mtty-1\"]}");
    world_define(world, "{\"name\": \"fast\", \"kind\": \"vf\", \"pfs\": [\"eth3\"]}");
    open_offers(host);
}

/* As after a crash of ferryd. */
static void
host_reopen(Host *host)
{
    world_reopen(host->world);
    open_offers(host);
}

static void
host_clear(Host *host)
{
    ferry_offers_free(host->offers);
    world_free(host->world);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

static FerryPlan *
plan_of(const char *job, const char *needs, const char *reservation)
{
    FerryPlan *plan = ferry_plan_new();
    g_autofree char *text = g_strconcat("[", needs, "]", NULL);
    json_t *json = json_loads(text, 0, NULL);

    plan->job = g_strdup(job);
    plan->guest_uuid = g_strdup(GUEST);
    plan->guest_name = g_strdup("web");
    plan->source = g_strdup("alpha");
    plan->target = g_strdup("beta");
    plan->reservation = g_strdup(reservation);
    g_assert_true(ferry_needs_parse(json, plan->needs, NULL));
    json_decref(json);
    return plan;
}

/* "alias job slot" of each claim, joined with ", " */
static void
expect_claims(const Host *host, const char *expected)
{
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_true(ferry_pools_claims(host->held.reserve.pools, NULL, &claims, NULL));
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        g_string_append_printf(text, "%s%s %s %s", i > 0 ? ", " : "", claim->alias, claim->job,
                               claim->slot);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

#define CLAIMS_OF(job) "a " job " mtty/mtty-1, n-vf " job " 0000:03:00.0/vf0"

static json_t *
make(Host *host, const char *id, const char *needs)
{
    g_autoptr(FerryPlan) plan = plan_of(id, needs, NULL);
    g_autoptr(GError) error = NULL;
    json_t *made = NULL;
    json_t *reasons = NULL;

    ferry_reservations_make(&host->held, plan, TTL, &made, &reasons, &error);
    g_assert_no_error(error);
    g_assert_null(reasons);
    g_assert_nonnull(made);
    return made;
}

/* Only one reason; its code, and a part of its message */
static void
expect_reason(json_t *reasons, const char *code, const char *part)
{
    const json_t *reason = json_array_get(reasons, 0);

    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(reason, "code")), ==, code);
    g_assert_nonnull(strstr(json_string_value(json_object_get(reason, "message")), part));
    json_decref(reasons);
}

static void
expect_taken(Host *host, const FerryPlan *plan)
{
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;

    ferry_reservations_take(&host->held, plan, &reasons, &error);
    g_assert_no_error(error);
    g_assert_null(reasons);
}

/* Held over a restart, and then the job's, which goes on as if it had claimed them itself. */
static void
test_life(void)
{
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = plan_of(JOB, GPU("a") "," NET("n"), R1);
    json_t *made = NULL;
    json_t *assign = NULL;
    json_t *reasons = json_array();

    host_init(&host);
    made = make(&host, R1, GPU("a") "," NET("n"));
    g_assert_cmpstr(json_string_value(json_object_get(made, "state")), ==, "reserved");
    g_assert_cmpstr(json_string_value(json_object_get(made, "source")), ==, "alpha");
    g_assert_cmpstr(json_string_value(json_object_get(made, "expires")), ==,
                    "1970-01-01T00:01:01.000Z");
    json_decref(made);
    host_reopen(&host);
    expect_claims(&host, CLAIMS_OF(R1));
    g_assert_true(ferry_reservations_check(&host.held, plan, reasons, NULL));
    g_assert_cmpuint(json_array_size(reasons), ==, 0);
    json_decref(reasons);
    reasons = NULL;
    for (unsigned i = 0; i < 2; i++) { /* a request that comes twice */
        expect_taken(&host, plan);
        expect_claims(&host, CLAIMS_OF(JOB));
    }
    g_assert_true(ferry_reserve_prepare(&host.held.reserve, plan, &assign, &reasons, NULL));
    g_assert_cmpuint(json_array_size(assign), ==, 2);
    json_decref(assign);
    g_assert_true(ferry_reservations_cancel(&host.held, R1, NULL)); /* it is used: too late */
    expect_claims(&host, CLAIMS_OF(JOB));
    g_assert_true(ferry_reserve_release_job(&host.held.reserve, JOB, NULL));
    expect_claims(&host, "");
}

/* What is only found of a device is no other need. */
static void
test_known_better(void)
{
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = plan_of(JOB, GPU("a"), R1);
    FerryPlanNeed *need = g_ptr_array_index(plan->needs, 0);

    host_init(&host);
    json_decref(make(&host, R1, GPU("a")));
    need->state_bytes = 60;
    g_free(need->state_basis);
    need->state_basis = g_strdup("observed");
    g_free(need->source_print);
    need->source_print = g_strdup("another");
    g_free(need->target_print);
    need->target_print = g_strdup("chosen");
    expect_taken(&host, plan);
    expect_claims(&host, "a " JOB " mtty/mtty-1");
}

/* Its own slots, though all that others could get is taken. */
static void
test_exactly_these(void)
{
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = plan_of(JOB, GPU("a") "," GPU("b"), R1);

    host_init(&host);
    json_decref(make(&host, R1, GPU("a") "," GPU("b"))); /* all that mtty has */
    expect_taken(&host, plan);
    expect_claims(&host, "a " JOB " mtty/mtty-1, b " JOB " mtty/mtty-1");
}

static void
test_refused_to_make(void)
{
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) much = plan_of(R1, GPU("a") "," GPU("b") "," GPU("c"), NULL);
    g_autoptr(FerryPlan) second = plan_of(R2, GPU("a"), NULL);
    g_autoptr(FerryReservationRow) row = NULL;
    json_t *made = NULL;
    json_t *reasons = NULL;

    host_init(&host);
    g_assert_true(ferry_reservations_make(&host.held, much, TTL, &made, &reasons, NULL));
    expect_reason(reasons, "no-free-slot", "all of it is in use");
    expect_claims(&host, "");
    g_assert_true(ferry_store_reservation_find(host.world->store, R1, &row, NULL));
    g_assert_cmpint(row->state, ==, FERRY_RESERVATION_CANCELLED);

    json_decref(make(&host, "one", GPU("a")));
    reasons = NULL;
    g_assert_true(ferry_reservations_make(&host.held, second, TTL, &made, &reasons, NULL));
    expect_reason(reasons, "reserved", "--reservation one");
    expect_claims(&host, "a one mtty/mtty-1");
    g_assert_null(made);
}

/* What a plan is refused that names R1, which holds GPU("a") for GUEST from alpha. */
typedef struct {
    const char *name;
    const char *needs;
    const char *reservation; /* NULL: none */
    const char *guest;       /* (nullable): another guest's UUID */
    const char *source;      /* (nullable): another source */
    int64_t later_ms;
    const char *used_by; /* (nullable): another job has used it */
    bool cancelled;
    const char *rule; /* (nullable): another rule since */
    const char *code, *part;
} Refusal;

/* clang-format off */
static const Refusal refusals[] = {
    { "expired", GPU("a"), R1, NULL, NULL, TTL, NULL, false, NULL, "reservation-expired", "1970-01-01T00:01:01" },
    { "other-guest", GPU("a"), R1, "99999999-2222-4222-8222-222222222222", NULL, 0, NULL, false, NULL, "reservation-of-other-guest", "is for guest web" },
    { "used", GPU("a"), R1, NULL, NULL, 0, "J0", false, NULL, "reservation-used", "by job J0" },
    { "used-and-expired", GPU("a"), R1, NULL, NULL, 2 * TTL, "J0", false, NULL, "reservation-used", "by job J0" },
    { "cancelled", GPU("a"), R1, NULL, NULL, 0, NULL, true, NULL, "reservation-cancelled", "reserve anew" },
    { "more-devices", GPU("a") "," GPU("b"), R1, NULL, NULL, 0, NULL, false, NULL, "reservation-changed", "(b)" },
    { "fewer-devices", "", R1, NULL, NULL, 0, NULL, false, NULL, "reservation-changed", "(a)" },
    { "another-device", NET("a"), R1, NULL, NULL, 0, NULL, false, NULL, "reservation-changed", "(a)" },
    { "another-pool", "{\"way\": \"ephemeral\", \"alias\": \"a\", \"pool\": \"fast\"}", R1, NULL, NULL, 0, NULL, false, NULL, "reservation-changed", "(a)" },
    { "no-such", GPU("a"), R2, NULL, NULL, 0, NULL, false, NULL, "no-reservation", "beta holds no reservation" },
    { "other-source", GPU("a"), R1, NULL, "gamma", 0, NULL, false, NULL, "no-reservation", "of gamma" },
    { "unnamed", GPU("a"), NULL, NULL, NULL, 0, NULL, false, NULL, "reserved", "--reservation " R1 },
};
/* A rule that changed, or a driver: judged anew, when it is taken. */
static const Refusal judged[] = {
    { "rule-gone", GPU("a"), R1, NULL, NULL, 0, NULL, false, NO_RULE, "unknown", "--accept-unknown" },
    { "facts-changed", GPU_OF("a", ", \"device_api\": \"vfio-ap\""), R1, NULL, NULL, 0, NULL, false, NULL, "incompatible", "vfio-ap" },
};
/* clang-format on */

static FerryPlan *
arrange(Host *host, const Refusal *row)
{
    FerryPlan *plan = plan_of(JOB, row->needs, row->reservation);
    g_autoptr(FerryReservationRow) as_it_is = NULL;

    host_init(host);
    json_decref(make(host, R1, GPU("a")));
    if (row->guest != NULL) {
        g_free(plan->guest_uuid);
        plan->guest_uuid = g_strdup(row->guest);
    }
    if (row->source != NULL) {
        g_free(plan->source);
        plan->source = g_strdup(row->source);
    }
    if (row->used_by != NULL)
        g_assert_true(ferry_store_reservation_take(host->world->store, R1, row->used_by,
                                                   host->now_us, &as_it_is, NULL));
    if (row->cancelled)
        g_assert_true(ferry_reservations_cancel(&host->held, R1, NULL));
    if (row->rule != NULL)
        put_rule(host, row->rule);
    if (row->rule != NULL)
        open_offers(host); /* rules are looked at again after a while */
    host->now_us += 1000 * row->later_ms;
    return plan;
}

static void
test_refused(gconstpointer data)
{
    const Refusal *row = data;
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = arrange(&host, row);
    g_autofree char *before = world_listing(host.world);
    g_autofree char *after = NULL;
    json_t *reasons = json_array();

    g_assert_true(ferry_reservations_check(&host.held, plan, reasons, NULL));
    expect_reason(reasons, row->code, row->part);
    after = world_listing(host.world);
    g_assert_cmpstr(before, ==, after);
}

static void
test_not_taken(gconstpointer data)
{
    const Refusal *row = data;
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = arrange(&host, row);
    json_t *reasons = NULL;

    if (row->reservation == NULL)
        return; /* nothing to take */
    g_assert_true(ferry_reservations_take(&host.held, plan, &reasons, NULL));
    expect_reason(reasons, row->code, row->part);
    expect_claims(&host, row->cancelled         ? ""
                         : row->used_by != NULL ? "a J0 mtty/mtty-1"
                                                : "a " R1 " mtty/mtty-1");
}

/* The card is pulled out after it was made. */
static void
test_device_gone(void)
{
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = plan_of(JOB, NET("n"), R1);
    json_t *reasons = NULL;

    host_init(&host);
    json_decref(make(&host, R1, NET("n")));
    tree_remove(host.world->tree, "sys/bus/pci/devices/0000:03:00.0");
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *vf = g_strdup_printf("sys/bus/pci/devices/0000:03:10.%u", i);

        tree_remove(host.world->tree, vf);
    }
    g_assert_true(ferry_reservations_take(&host.held, plan, &reasons, NULL));
    expect_reason(reasons, "device-gone", "is not there now");
    expect_claims(&host, "n-vf " R1 " 0000:03:00.0/vf0");
}

/* A crash while it is made: it was told to nobody, is not to be used, and expires. */
static void
test_crash_while_made(void)
{
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = plan_of(JOB, GPU("a"), R1);
    const FerryReservationRow row = { .id = (char *)R1,
                                      .side = FERRY_SIDE_TARGET,
                                      .guest_uuid = (char *)GUEST,
                                      .guest_name = (char *)"web",
                                      .peer = (char *)"alpha",
                                      .terms = (char *)"[]",
                                      .devices = (char *)"[]",
                                      .job = (char *)"",
                                      .expires_us = 5000000 };
    g_autoptr(FerryReservationRow) holder = NULL;
    json_t *reasons = json_array();

    host_init(&host);
    g_assert_true(ferry_store_reservation_add(host.world->store, &row, host.now_us, &holder, NULL));
    host_reopen(&host);
    g_assert_true(ferry_reservations_check(&host.held, plan, reasons, NULL));
    expect_reason(reasons, "reservation-not-made", R1);
}

/* A device that is given is not claimed: held is what else the guest needs. */
static void
test_given(void)
{
    static const char given[] = "{\"way\": \"state\", \"alias\": \"a\", \"type\": \"mtty-1\", "
                                "\"device\": \"0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001\", \"facts\": "
                                "{\"format\": 1, \"class\": \"mdev\", \"device_api\": "
                                "\"vfio-pci\", \"mdev_type\": \"mtty-1\"}}," NET("n");
    g_auto(Host) host = { 0 };
    g_autoptr(FerryPlan) plan = plan_of(JOB, given, R1);
    json_t *made = NULL;

    host_init(&host);
    g_assert_cmpint(tree_mdev(host.world->tree, "virtual/mtty/mtty", "mtty-1",
                              "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"),
                    ==, 0);
    made = make(&host, R1, given);
    g_assert_cmpstr(json_string_value(json_object_get(
                        json_array_get(json_object_get(made, "devices"), 0), "device")),
                    ==, "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001");
    json_decref(made);
    expect_claims(&host, "n-vf " R1 " 0000:03:00.0/vf0");
    expect_taken(&host, plan);
    expect_claims(&host, "n-vf " JOB " 0000:03:00.0/vf0");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reservation/life", test_life);
    g_test_add_func("/reservation/exactly-these", test_exactly_these);
    g_test_add_func("/reservation/known-better", test_known_better);
    g_test_add_func("/reservation/refused-to-make", test_refused_to_make);
    g_test_add_func("/reservation/crash-while-made", test_crash_while_made);
    g_test_add_func("/reservation/device-gone", test_device_gone);
    g_test_add_func("/reservation/given", test_given);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *check = g_strconcat("/reservation/refused/", refusals[i].name, NULL);
        g_autofree char *take = g_strconcat("/reservation/not-taken/", refusals[i].name, NULL);

        g_test_add_data_func(check, &refusals[i], test_refused);
        g_test_add_data_func(take, &refusals[i], test_not_taken);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(judged); i++) {
        g_autofree char *take = g_strconcat("/reservation/not-taken/", judged[i].name, NULL);

        g_test_add_data_func(take, &judged[i], test_not_taken);
    }
    return g_test_run();
}
