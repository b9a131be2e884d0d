/* K12: what the check says against what happens.  Random guests before random hosts: the check's
 * answer, then the claims and devices made in earnest, and a count by hand of what would fit. */
#include <stdio.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "migrate/reserve.h"
#include "world.h"

#define JOB       "11111111-1111-4111-8111-111111111111"
#define GUEST     "22222222-2222-4222-8222-222222222222"
#define KERNEL    "6.12.117+deb12-amd64"
#define MAX_NEEDS 5
#define RULE                                                                                       \
    "{\"ferry_compat_rules\": 1, \"vendor\": \"kernel\", \"rules\": [{\"id\": \"mtty\", "          \
    "\"effect\": \"relax\", \"reason\": \"its state is of one format\", \"when\": {\"both\": "     \
    "{\"mdev_type\": {\"prefix\": \"mtty-\"}}}, \"assume\": {\"source\": {\"driver\": \"mtty\", "  \
    "\"firmware\": \"none\"}, \"target\": {\"driver\": \"mtty\", \"firmware\": \"none\"}}}]}"

/* Two mttys, whose types take as many ports as their names say, and a PF. */
typedef struct {
    World *world;
    FerryOffers *offers;
    FerryReserve reserve;
    unsigned ports[2], vfs; /* free, counted by hand */
} Host;

static void
host_init(Host *host, GRand *random)
{
    World *world = host->world = world_new();
    g_autofree char *rules = g_build_filename(world->tree->path, "etc/ferry/compat.d/m.json", NULL);
    const FerryOffersConfig config = { .pools = world->pools,
                                       .inventory = world_look,
                                       .inventory_data = world,
                                       .root = world->tree->root,
                                       .ops = tree_drivers(),
                                       .rules_root = world->tree->path };

    world->tree->ports = (unsigned)g_rand_int_range(random, 1, 13);
    host->vfs = (unsigned)g_rand_int_range(random, 1, 4);
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    tree_parent(world->tree, "virtual/mtty/mtty2", NULL, "mtty", 2);
    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, host->vfs);
    tree_file(world->tree, "proc/sys/kernel/osrelease", KERNEL);
    tree_file(world->tree, "etc/ferry/compat.d/m.json", RULE);
    g_assert_cmpint(g_chmod(rules, 0644), ==, 0);
    world_define(world, "{\"name\": \"gpus\", \"kind\": \"mdev\", \"parents\": [\"mtty\", "
                        "\"mtty2\"], \"types\": [\"mtty-1\", \"mtty-2\"]}");
    world_define(world, "{\"name\": \"fast\", \"kind\": \"vf\", \"pfs\": [\"eth3\"]}");
    host->ports[0] = host->ports[1] = world->tree->ports;
    for (unsigned i = 0; i < 2; i++) { /* somebody's own, which no claim tells of */
        g_autofree char *uuid = g_strdup_printf("0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c00%u", i);

        if (g_rand_boolean(random) &&
            tree_mdev(world->tree, i == 0 ? "virtual/mtty/mtty" : "virtual/mtty/mtty2", "mtty-1",
                      uuid) == 0)
            host->ports[i]--;
    }
    host->offers = ferry_offers_new(&config);
    host->reserve = (FerryReserve){ .pools = world->pools,
                                    .offers = host->offers,
                                    .inventory = world_look,
                                    .inventory_data = world };
}

static void
host_clear(Host *host)
{
    ferry_offers_free(host->offers);
    world_free(host->world);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

/* A guest, and what it takes. */
typedef struct {
    FerryPlan *plan;
    unsigned sizes[MAX_NEEDS], n_sizes; /* ports of each mdev */
    unsigned vfs;
    bool fits_nowhere; /* of another type, or of another kernel */
} Guest;

static void
guest_clear(Guest *guest)
{
    ferry_plan_free(guest->plan);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Guest, guest_clear)

static json_t *
random_need(Guest *guest, unsigned i, GRand *random)
{
    g_autofree char *alias = g_strdup_printf("ua-%u", i);
    const bool alien = g_rand_int_range(random, 0, 20) == 0;
    const bool other_kernel = g_rand_int_range(random, 0, 20) == 0;
    const unsigned size = (unsigned)g_rand_int_range(random, 1, 3);
    g_autofree char *type = alien ? g_strdup("nvidia-474") : g_strdup_printf("mtty-%u", size);

    if (g_rand_int_range(random, 0, 4) == 0) {
        guest->vfs++;
        return json_pack("{s:s, s:s, s:s}", "way", "ephemeral", "alias", alias, "pool", "fast");
    }
    guest->sizes[guest->n_sizes++] = size;
    guest->fits_nowhere |= alien || other_kernel;
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:i, s:s, s:s, s:s, s:s}}", "way", "state", "alias",
                     alias, "pool", "gpus", "type", type, "facts", "format", 1, "class", "mdev",
                     "device_api", "vfio-pci", "mdev_type", type, "kernel",
                     other_kernel ? "6.1" : KERNEL);
}

static void
guest_init(Guest *guest, GRand *random)
{
    const unsigned n_needs = (unsigned)g_rand_int_range(random, 1, MAX_NEEDS + 1);
    json_t *needs = json_array();

    guest->plan = ferry_plan_new();
    guest->plan->job = g_strdup(JOB);
    guest->plan->guest_uuid = g_strdup(GUEST);
    guest->plan->guest_name = g_strdup("web");
    guest->plan->target = g_strdup("beta");
    for (unsigned i = 0; i < n_needs; i++)
        json_array_append_new(needs, random_need(guest, i, random));
    g_assert_true(ferry_needs_parse(needs, guest->plan->needs, NULL));
    json_decref(needs);
}

/* Each way to share them out is tried. */
static bool
fits(const Host *host, const Guest *guest)
{
    if (guest->fits_nowhere || guest->vfs > host->vfs)
        return false;
    for (unsigned way = 0; way < 1u << guest->n_sizes; way++) {
        unsigned taken[2] = { 0, 0 };

        for (unsigned i = 0; i < guest->n_sizes; i++)
            taken[(way >> i) & 1] += guest->sizes[i];
        if (taken[0] <= host->ports[0] && taken[1] <= host->ports[1])
            return true;
    }
    return false;
}

static bool
check_says_yes(const Host *host, const Guest *guest)
{
    json_t *reasons = json_array();
    json_t *answers = NULL;
    bool yes = false;

    g_assert_true(ferry_offers_answer(host->offers, guest->plan, &answers, reasons, NULL));
    yes = json_array_size(reasons) == 0;
    json_decref(answers);
    json_decref(reasons);
    return yes;
}

/* In earnest: claimed, made, and all of it given back. */
static bool
can_be_had(const Host *host, const Guest *guest)
{
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;
    json_t *assign = NULL;
    bool had = false;

    g_assert_true(ferry_reserve_claim(&host->reserve, guest->plan, &reasons, &error));
    g_assert_no_error(error);
    if (reasons == NULL &&
        ferry_reserve_prepare(&host->reserve, guest->plan, &assign, &reasons, &error))
        had = assign != NULL && json_array_size(assign) == guest->plan->needs->len;
    g_assert_no_error(error);
    g_assert_true(ferry_reserve_release_job(&host->reserve, JOB, NULL));
    json_decref(reasons);
    json_decref(assign);
    return had;
}

static void
test_agree(void)
{
    const char *text = g_getenv("FERRY_AGREE_PAIRS");
    const unsigned n_pairs = text == NULL ? 300 : (unsigned)g_ascii_strtoull(text, NULL, 10);
    g_autoptr(GRand) random = g_rand_new_with_seed(12);
    unsigned n_yes = 0;
    unsigned n_broken = 0;
    unsigned n_strict = 0;

    for (unsigned i = 0; i < n_pairs;) {
        g_auto(Host) host = { 0 };
        g_autofree char *before = NULL;
        g_autofree char *after = NULL;

        host_init(&host, random);
        before = world_listing(host.world);
        for (unsigned n = 0; n < 25 && i < n_pairs; n++, i++) {
            g_auto(Guest) guest = { 0 };
            bool yes = false;

            guest_init(&guest, random);
            yes = check_says_yes(&host, &guest);
            n_yes += yes;
            n_broken += yes && !(can_be_had(&host, &guest) && fits(&host, &guest));
            n_strict += !yes && (fits(&host, &guest) || can_be_had(&host, &guest));
        }
        after = world_listing(host.world);
        g_assert_cmpstr(before, ==, after);
    }
    printf("# %u pairs: %u yes, of which %u could not be had; %u no, of which %u could\n", n_pairs,
           n_yes, n_broken, n_pairs - n_yes, n_strict);
    g_assert_cmpuint(n_broken, ==, 0);
    g_assert_cmpuint(n_yes, >, n_pairs / 5); /* both are tried */
    g_assert_cmpuint(n_pairs - n_yes, >, n_pairs / 5);
    g_assert_cmpuint(n_strict * 100, <=, n_pairs);
}

int
main(int argc, char **argv)
{
    /* Thousands of claims, each on the disk when it is told: no test of the disk. */
    if (g_access("/dev/shm", W_OK) == 0)
        g_assert_true(g_setenv("TMPDIR", "/dev/shm", TRUE));
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agree/check-and-reality", test_agree);
    return g_test_run();
}
