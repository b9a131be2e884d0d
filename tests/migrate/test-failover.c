#include "migrate/failover.h"

#include <string.h>

#include "hybrid-world.h"

/* When the guest's driver of ua-net0 said that it knows failover; 0: never. */
static int64_t
heard_ms(void *data, const char *guest_uuid, const char *alias)
{
    g_assert_cmpstr(guest_uuid, ==, HYBRID_UUID);
    return g_str_equal(alias, "ua-net0") ? *(const int64_t *)data : 0;
}

/* clang-format off */
static const struct {
    const char *name;
    unsigned n_nics;
    bool has_vf, is_driven;
    int64_t heard_ms, now_ms, gap_ms;
    const char *doubted; /* alias; NULL: nothing is */
    const char *part;    /* of the sentence */
} rows[] = {
    { "driven", 1, true, true, 0, 1000, -1, NULL, NULL },
    { "no-vf-nothing-goes-off", 1, false, false, 0, 1000, -1, NULL, NULL },
    { "never-heard", 1, true, false, 0, 1000, -1, "ua-net0", "not moved from here before" },
    { "never-heard-but-moved", 1, true, false, 0, 1000, 12001, "ua-net0", "at most 13 s" },
    { "heard", 1, true, false, 900, 1000, -1, NULL, NULL },
    { "heard-fresh", 1, true, false, 1, 300000, -1, NULL, NULL },
    { "heard-too-long-ago", 1, true, false, 1, 300001, -1, "ua-net0", "--allow-degraded" },
    { "each-by-itself", 2, true, false, 900, 1000, -1, "ua-net1", "ua-net1 and its VF" },
};
/* clang-format on */

static void
test_hybrid(gconstpointer data)
{
    const size_t i = GPOINTER_TO_SIZE(data);
    g_autoptr(HybridWorld) world = hybrid_world_new(HYBRID_POOL, rows[i].n_nics);
    int64_t heard = rows[i].heard_ms;
    const FerryFailoverKnown known = { .root = world->config.root,
                                       .heard_ms = heard_ms,
                                       .data = &heard,
                                       .now_ms = rows[i].now_ms,
                                       .gap_ms = rows[i].gap_ms };
    json_t *doubts = json_array();
    json_t *warnings = json_array();
    g_autoptr(FerryDomain) live = NULL;

    if (rows[i].has_vf)
        (void)hybrid_world_look(world, 0);
    if (rows[i].is_driven)
        hybrid_world_drive(world);
    live = hybrid_world_domain(world);
    ferry_failover_look(live, &known, doubts, warnings);
    g_assert_cmpuint(json_array_size(warnings), ==, 0);
    g_assert_cmpuint(json_array_size(doubts), ==, rows[i].doubted == NULL ? 0 : 1);
    if (rows[i].doubted != NULL) {
        const char *code = NULL;
        const char *alias = NULL;
        const char *message = NULL;

        g_assert_cmpint(json_unpack(doubts, "[{s:s, s:s, s:s}]", "code", &code, "alias", &alias,
                                    "message", &message),
                        ==, 0);
        g_assert_cmpstr(code, ==, "failover-unknown");
        g_assert_cmpstr(alias, ==, rows[i].doubted);
        g_assert_nonnull(strstr(message, rows[i].part));
    }
    json_decref(warnings);
    json_decref(doubts);
}

#define GUEST                                                                                      \
    "<domain type='kvm'><name>web</name><uuid>" HYBRID_UUID "</uuid><memory>1024</memory>"         \
    "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'><ferry:ephemeral alias='ua-nic7'/>"    \
    "<ferry:ephemeral alias='ua-disk'/><ferry:ephemeral alias='ua-gone'/></ferry:guest>"           \
    "</metadata><os><type arch='x86_64'>hvm</type></os><devices>"                                  \
    "<disk type='file' device='disk'><source file='/d'/><target dev='vda' bus='virtio'/>"          \
    "<alias name='ua-disk'/></disk><interface type='user'><alias name='ua-nic7'/></interface>"     \
    "</devices></domain>"

/* An ephemeral NIC is a warning, never an objection; what is no NIC is none. */
static void
test_ephemeral(void)
{
    const FerryFailoverKnown known = { .root = -1, .gap_ms = 4000 };
    json_t *doubts = json_array();
    json_t *warnings = json_array();
    g_autoptr(FerryDomain) live = NULL;
    const char *code = NULL;
    const char *message = NULL;

    g_assert_true(ferry_domain_parse(GUEST, &live, NULL));
    ferry_failover_look(live, &known, doubts, warnings);
    g_assert_cmpuint(json_array_size(doubts), ==, 0);
    g_assert_cmpuint(json_array_size(warnings), ==, 1);
    g_assert_cmpint(json_unpack(warnings, "[{s:s, s:s}]", "code", &code, "message", &message), ==,
                    0);
    g_assert_cmpstr(code, ==, "network-gap");
    g_assert_cmpstr(message, ==,
                    "ua-nic7 is taken off for the move and has no standby: its network is away, "
                    "for at most 4 s in its last move");
    json_decref(warnings);
    json_decref(doubts);
}

#define JOB(kind, side, state, uuid, phases)                                                       \
    "{\"kind\": \"" kind "\", \"side\": \"" side "\", \"state\": \"" state                         \
    "\", \"guest\": {\"uuid\": \"" uuid "\"}, \"phases\": [" phases "]}"
#define PHASE(name, ms) "{\"phase\": \"" name "\", \"duration_ms\": " ms "}"
#define MOVE            PHASE("reserve", "500") "," PHASE("detach", "20") "," PHASE("transfer", "300")

static const struct {
    const char *name, *reports;
    int64_t gap_ms;
} gaps[] = {
    { "none", "[]", -1 },
    { "done", "[" JOB("migrate", "source", "done", "g", MOVE "," PHASE("finish", "1")) "]", 321 },
    { "newest-first",
      "[" JOB("migrate", "source", "done", "g", PHASE("detach", "7")) "," JOB("migrate",
                                                                              "source",
                                                                              "done",
                                                                              "g",
                                                                              MOVE) "]",
      7 },
    { "nothing-was-off", "[" JOB("migrate", "source", "done", "g", PHASE("transfer", "9")) "]",
      -1 },
    { "of-another-guest", "[" JOB("migrate", "source", "done", "h", MOVE) "]", -1 },
    { "failed", "[" JOB("migrate", "source", "failed", "g", MOVE) "]", -1 },
    { "at-the-target", "[" JOB("migrate", "target", "done", "g", MOVE) "]", -1 },
    { "a-save", "[" JOB("save", "source", "done", "g", MOVE) "]", -1 },
};

static void
test_gap(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
        json_t *reports = json_loads(gaps[i].reports, 0, NULL);

        g_test_message("%s", gaps[i].name);
        g_assert_nonnull(reports);
        g_assert_cmpint(ferry_failover_gap_ms(reports, "g"), ==, gaps[i].gap_ms);
        json_decref(reports);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/failover/hybrid/", rows[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_hybrid);
    }
    g_test_add_func("/failover/ephemeral", test_ephemeral);
    g_test_add_func("/failover/gap", test_gap);
    return g_test_run();
}
