#include <pthread.h>
#include <unistd.h>

#include "base/error.h"
#include "world.h"

/* C5: one slot left, and several want it at the same moment: exactly one gets it, each other hears
 * who. */

#define N_RACERS 4

typedef struct {
    World *world;
    FerryNeed need;
    pthread_barrier_t *start;
    int64_t generation; /* 0: it lost */
    char *winner;       /* as the loser heard it: the guest's UUID */
} Racer;

static void *
race(void *data)
{
    Racer *self = data;
    FerryClaimRow *row = NULL;
    json_t *reasons = NULL;
    const char *winner = NULL;
    g_autoptr(GError) error = NULL;

    (void)pthread_barrier_wait(self->start);
    ferry_pools_claim(self->world->pools, &self->need, &row, &reasons, &error);
    g_assert_no_error(error);
    if (row != NULL) {
        self->generation = row->generation;
        world_prepare(self->world, row->generation);
    } else {
        g_assert_cmpint(
            json_unpack(reasons, "[{s:{s:{s:s}}}]", "last_claim", "guest", "uuid", &winner), ==, 0);
        self->winner = g_strdup(winner);
    }
    ferry_claim_row_free(row);
    json_decref(reasons);
    return NULL;
}

static const Racer *
find_winner(const Racer *racers)
{
    const Racer *winner = NULL;

    for (unsigned i = 0; i < N_RACERS; i++) {
        if (racers[i].generation == 0)
            continue;
        g_assert_null(winner);
        winner = &racers[i];
    }
    g_assert_nonnull(winner);
    return winner;
}

static void
run_once(World *world, const FerryNeed *need)
{
    static const char *const guests[N_RACERS] = { "g0", "g1", "g2", "g3" };
    pthread_barrier_t start;
    pthread_t threads[N_RACERS];
    Racer racers[N_RACERS] = { 0 };
    const Racer *winner = NULL;

    g_assert_cmpint(pthread_barrier_init(&start, NULL, N_RACERS), ==, 0);
    for (unsigned i = 0; i < N_RACERS; i++) {
        racers[i] = (Racer){ .world = world, .need = *need, .start = &start };
        racers[i].need.guest_uuid = racers[i].need.guest_name = guests[i];
        g_assert_cmpint(pthread_create(&threads[i], NULL, race, &racers[i]), ==, 0);
    }
    for (unsigned i = 0; i < N_RACERS; i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    (void)pthread_barrier_destroy(&start);
    winner = find_winner(racers);
    for (unsigned i = 0; i < N_RACERS; i++) {
        if (&racers[i] != winner)
            g_assert_cmpstr(racers[i].winner, ==, winner->need.guest_uuid);
        g_free(racers[i].winner);
    }
    world_release(world, winner->generation);
}

static void
run_all(World *world, const FerryNeed *need)
{
    const char *text = g_getenv("FERRY_POOL_RACES");
    const unsigned n_races = text != NULL ? (unsigned)g_ascii_strtoull(text, NULL, 10) : 1000;
    g_autofree char *before = world_listing(world);
    g_autofree char *after = NULL;
    g_autoptr(GPtrArray) claims = NULL;

    for (unsigned i = 0; i < n_races; i++)
        run_once(world, need);
    after = world_listing(world);
    g_assert_cmpstr(after, ==, before);
    g_assert_true(ferry_pools_claims(world->pools, NULL, &claims, NULL));
    g_assert_cmpuint(claims->len, ==, 0);
}

static void
test_last_mdev(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = { .alias = "ua-gpu0", .parent = "mtty", .type = "mtty-1" };

    world->tree->ports = 1;
    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    run_all(world, &need);
}

static void
test_last_vf(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = { .alias = "ua-net0", .pool = "one" };

    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 1, 1);
    world_define(world, "{\"name\": \"one\", \"pfs\": [\"eth3\"]}");
    run_all(world, &need);
}

/* Whoever prepares, keeps and releases one claim at once: nothing is left, nothing is made twice.
 */
static void *
fumble(void *data)
{
    Racer *self = data;

    (void)pthread_barrier_wait(self->start);
    for (unsigned i = 0; i < 3; i++) {
        json_t *reasons = NULL;

        if (ferry_pools_prepare(self->world->pools, self->generation, &reasons, NULL))
            g_assert_null(reasons);
        (void)ferry_pools_keep(self->world->pools, self->generation, NULL);
    }
    world_release(self->world, self->generation);
    return NULL;
}

static void
test_one_claim_by_many(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = {
        .guest_uuid = "g", .alias = "ua-gpu0", .parent = "mtty", .type = "mtty-1"
    };
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    before = world_listing(world);
    for (unsigned i = 0; i < 50; i++) {
        g_autoptr(FerryClaimRow) claim = world_claim(world, &need);
        pthread_barrier_t start;
        pthread_t threads[N_RACERS];
        Racer racer = { .world = world, .start = &start, .generation = claim->generation };

        g_assert_cmpint(pthread_barrier_init(&start, NULL, N_RACERS), ==, 0);
        for (unsigned n = 0; n < N_RACERS; n++)
            g_assert_cmpint(pthread_create(&threads[n], NULL, fumble, &racer), ==, 0);
        for (unsigned n = 0; n < N_RACERS; n++)
            g_assert_cmpint(pthread_join(threads[n], NULL), ==, 0);
        (void)pthread_barrier_destroy(&start);
    }
    after = world_listing(world);
    g_assert_cmpstr(after, ==, before);
}

int
main(int argc, char **argv)
{
    if (access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/race/last-mdev", test_last_mdev);
    g_test_add_func("/race/last-vf", test_last_vf);
    g_test_add_func("/race/one-claim-by-many", test_one_claim_by_many);
    return g_test_run();
}
