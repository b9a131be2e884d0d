/*
 * What the target's half of one check costs in the daemon: a guest with 8 devices, four mdevs whose
 * state is carried and four hybrids, against a host with 1,000 slots: 20 parents that give 25 mdevs
 * each, and 4 PFs with 125 VFs each.  Inventory, store and rules are as ferryd has them; the plan's
 * parsing, for it comes as text from a peer, is in it.  Prints JSON: p50 and p99 of the time and of
 * the processor's time alone, which other work beside it leaves alone, the limit of p50 and whether
 * it is kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "migrate/offer.h"
#include "world.h"

#define ROUNDS    400
#define LIMIT_US  5000
#define N_PARENTS 20
#define N_PFS     4
#define N_STATES  4
#define N_HYBRIDS 4

/* ferryd's is kept up to date by udev, not read for each check. */
static FerryInventory *
newest(void *data)
{
    return ferry_inventory_ref(data);
}

static World *
make_world(void)
{
    World *world = world_new();
    g_autoptr(GString) parents = g_string_new(NULL);
    g_autoptr(GString) pfs = g_string_new(NULL);
    g_autofree char *mdevs = NULL;
    g_autofree char *vfs = NULL;

    world->tree->ports = 25;
    for (unsigned i = 0; i < N_PARENTS; i++) {
        g_autofree char *parent = g_strdup_printf("pci0000:40/0000:%02x:00.0", 0x40 + i);

        tree_parent(world->tree, parent, "pci", "bench", 1);
        g_string_append_printf(parents, "%s\"0000:%02x:00.0\"", i > 0 ? ", " : "", 0x40 + i);
    }
    for (unsigned i = 0; i < N_PFS; i++) {
        g_autofree char *pf = g_strdup_printf("0000:%02x:00.0", 2 + i * 2);
        g_autofree char *netdev = g_strdup_printf("eth%u", i);

        tree_pf(world->tree, pf, netdev, "igb", 125, 125);
        g_string_append_printf(pfs, "%s\"%s\"", i > 0 ? ", " : "", netdev);
    }
    tree_file(world->tree, "proc/sys/kernel/osrelease", "6.12.117");
    mdevs = g_strdup_printf("{\"name\": \"gpus\", \"kind\": \"mdev\", \"parents\": [%s], "
                            "\"types\": [\"bench-1\"]}",
                            parents->str);
    vfs = g_strdup_printf("{\"name\": \"fast\", \"kind\": \"vf\", \"pfs\": [%s]}", pfs->str);
    world_define(world, mdevs);
    world_define(world, vfs);
    return world;
}

static char *
make_plan(void)
{
    g_autoptr(FerryPlan) plan = ferry_plan_new();
    json_t *json = NULL;
    char *text = NULL;

    plan->job = g_uuid_string_random();
    plan->guest_uuid = g_uuid_string_random();
    plan->guest_name = g_strdup("web");
    plan->source = g_strdup("alpha");
    plan->target = g_strdup("beta");
    plan->live_xml = g_strdup("<domain/>");
    for (unsigned i = 0; i < N_STATES + N_HYBRIDS; i++) {
        g_autofree char *alias = g_strdup_printf("ua-%u", i);
        bool state = i < N_STATES;
        FerryPlanNeed *need =
            ferry_plan_need_new(state ? FERRY_WAY_STATE : FERRY_WAY_HYBRID, alias);

        need->pool = g_strdup(state ? "gpus" : "fast");
        if (state) {
            need->type = g_strdup("bench-1");
            need->facts =
                json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", 1, "class", "mdev",
                          "device_api", "vfio-pci", "mdev_type", "bench-1", "driver", "bench",
                          "kernel", "6.12.117", "firmware", "1", "version", "1.0");
        } else {
            need->vf_alias = g_strconcat(alias, "-vf", NULL);
        }
        g_ptr_array_add(plan->needs, need);
    }
    plan->accept_unknown =
        true; /* the tree's devices have no firmware: all are judged, none is a yes */
    json = ferry_plan_format(plan);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void
check(FerryOffers *offers, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    json_t *devices = NULL;
    json_t *reasons = json_array();
    g_autoptr(FerryPlan) plan = NULL;

    g_assert_true(ferry_plan_parse(json, &plan, NULL));
    g_assert_true(ferry_offers_answer(offers, plan, &devices, reasons, NULL));
    g_assert_cmpuint(json_array_size(devices), ==, N_STATES + N_HYBRIDS);
    g_assert_cmpuint(json_array_size(reasons), ==, 0);
    g_assert_cmpuint(json_array_size(json_object_get(json_array_get(devices, 0), "candidates")), ==,
                     N_PARENTS);
    json_decref(reasons);
    json_decref(devices);
    json_decref(json);
}

static int
compare(const void *a, const void *b)
{
    const gint64 left = *(const gint64 *)a;
    const gint64 right = *(const gint64 *)b;

    return (left > right) - (left < right);
}

/* What this thread had of a processor. */
static gint64
busy_us(void)
{
    struct timespec at;

    g_assert_cmpint(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at), ==, 0);
    return at.tv_sec * G_USEC_PER_SEC + at.tv_nsec / 1000;
}

int
main(void)
{
    static gint64 times[ROUNDS], busy[ROUNDS];
    g_autoptr(World) world = make_world();
    FerryInventory *inventory = world_inventory(world);
    const FerryPoolsConfig pools_config = { .store = world->store,
                                            .inventory = newest,
                                            .inventory_data = inventory,
                                            .kernel = &world->kernel };
    g_autoptr(FerryPools) pools = ferry_pools_new(&pools_config);
    const FerryOffersConfig config = { .pools = pools,
                                       .inventory = newest,
                                       .inventory_data = inventory,
                                       .root = world->tree->root,
                                       .ops = tree_drivers(),
                                       .store = world->store,
                                       .rules_root = world->tree->path };
    g_autoptr(FerryOffers) offers = ferry_offers_new(&config);
    char *plan = make_plan();

    for (unsigned i = 0; i < ROUNDS; i++) {
        const gint64 start = g_get_monotonic_time();
        const gint64 busy_start = busy_us();

        check(offers, plan);
        busy[i] = busy_us() - busy_start;
        times[i] = g_get_monotonic_time() - start;
    }
    free(plan);
    ferry_inventory_unref(inventory);
    qsort(times, ROUNDS, sizeof(times[0]), compare);
    qsort(busy, ROUNDS, sizeof(busy[0]), compare);
    printf(
        "{\"bench\": \"check\", \"devices\": %d, \"slots\": 1000, \"rounds\": %d, \"p50_us\": "
        "%" G_GINT64_FORMAT ", \"p99_us\": %" G_GINT64_FORMAT ", \"cpu_p50_us\": %" G_GINT64_FORMAT
        ", \"cpu_p99_us\": %" G_GINT64_FORMAT ", \"limit_us\": %d, \"kept\": %s}\n",
        N_STATES + N_HYBRIDS, ROUNDS, times[ROUNDS / 2], times[ROUNDS * 99 / 100], busy[ROUNDS / 2],
        busy[ROUNDS * 99 / 100], LIMIT_US, times[ROUNDS / 2] < LIMIT_US ? "true" : "false");
    return 0;
}
