/*
 * Random hosts, and random things that happen to their pools, against a simple model: no step may
 * make the two differ, whatever was done before and wherever it crashed.
 *
 * FERRY_POOL_SEED and FERRY_POOL_STEPS in the environment replay a run, or make a longer one.
 */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "model.h"

#define STEPS_A_HOST 250
#define LIMIT_MS     20000

static const char *const guests[] = { "g0", "g1", "g2", "g3", "g4", "g5" };
static const char *const aliases[] = { "ua-a", "ua-b" };

static ModelClaim *
any_claim(Model *model)
{
    if (model->claims->len == 0)
        return NULL;
    return g_ptr_array_index(model->claims, (guint)model_pick(model, (int)model->claims->len));
}

/* A call that a crash has cut off may say anything; one that was not cut off must not fail. */
static void
assert_done(const Model *model, bool ok, const GError *error)
{
    if (model->fuse != 0 && !ok)
        g_error("seed and step above: %s", error->message);
}

/* ---- claim ---- */

/* Whether the VF that was given is one that the policy allows, by counting. */
static void
check_choice(Model *model, const FerryNeed *need, FerryPolicy policy, const ModelClaim *claim)
{
    const int n_free = model_n_free(model, claim->place) + 1; /* before it was given */

    for (int pf = 0; pf < model->n_pfs; pf++) {
        g_autofree char *netdev = model_netdev(pf);
        const int others = model_n_free(model, pf);

        if (pf == claim->place || others == 0 ||
            (need->pf != NULL && strcmp(need->pf, netdev) != 0))
            continue;
        if (model->without_link[pf] != model->without_link[claim->place]) {
            g_assert_false(model->without_link[claim->place]);
            continue;
        }
        if (policy == FERRY_POLICY_FIRST)
            g_assert_cmpint(claim->place, <, pf);
        else if (policy == FERRY_POLICY_PACK)
            g_assert_cmpint(n_free, <=, others);
        else
            g_assert_cmpint(n_free, >=, others);
    }
}

static FerryPolicy
policy_of(Model *model, const FerryNeed *need)
{
    g_autoptr(FerryPool) pool = NULL;

    if (need->policy != FERRY_POLICY_OF_POOL)
        return need->policy;
    g_assert_true(ferry_pools_find(model->world->pools, need->pool, &pool, NULL));
    return pool->policy;
}

static bool
some_vf_is_free(Model *model, const char *netdev)
{
    for (int pf = 0; pf < model->n_pfs; pf++) {
        g_autofree char *name = model_netdev(pf);

        if ((netdev == NULL || strcmp(netdev, name) == 0) && model_n_free(model, pf) > 0)
            return true;
    }
    return false;
}

/* A refusal is right when no parent has the ports; or all that have are claimed by what is to be
 * made, whose share is an estimate. */
static void
check_no_mdev(Model *model, int type)
{
    for (int parent = 0; parent < model->n_parents; parent++) {
        int pending = 0;
        const int left = model_ports_left(model, parent, &pending);

        g_assert_true(left < type || pending > 0);
    }
}

/* What was given must be there, after all that was claimed before it and can still be made: what
 * somebody else took meanwhile is nobody's promise. */
static void
check_ports(Model *model, const ModelClaim *given)
{
    int left = model_ports_left(model, given->place, NULL);

    for (guint i = 0; i < model->claims->len; i++) {
        const ModelClaim *claim = g_ptr_array_index(model->claims, i);
        const bool waits = !claim->is_vf && claim->place == given->place && !claim->is_prepared &&
                           !claim->in_doubt && claim->state == FERRY_CLAIM_RESERVED;

        g_assert_true(claim != given || left >= given->number);
        if (waits && left >= claim->number)
            left -= claim->number;
    }
}

static void
check_given(Model *model, const FerryNeed *need, const FerryClaimRow *row, ModelClaim *held)
{
    ModelClaim *claim = NULL;

    if (held != NULL) {
        g_assert_cmpint(row->generation, ==, held->generation);
        return;
    }
    claim = model_add(model, row);
    if (claim->is_vf) {
        g_assert_false(model->foreign_vf[claim->place][claim->number]);
        check_choice(model, need, policy_of(model, need), claim);
    } else {
        check_ports(model, claim);
    }
}

/* What the process did not live to hear of may be on the disk: a claim of that guest and alias. */
static void
find_orphan(Model *model, const FerryNeed *need)
{
    g_autoptr(GPtrArray) rows = NULL;

    model_restart(model);
    g_assert_true(ferry_pools_claims(model->world->pools, NULL, &rows, NULL));
    if (rows->len == model->claims->len)
        return;
    g_assert_cmpuint(rows->len, ==, model->claims->len + 1);
    g_assert_cmpstr(model_add(model, g_ptr_array_index(rows, rows->len - 1))->guest, ==,
                    need->guest_uuid);
}

static void
try_claim(Model *model, const FerryNeed *need, int type)
{
    ModelClaim *held = model_find(model, need->guest_uuid, need->alias);
    FerryClaimRow *row = NULL;
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;
    const bool ok = ferry_pools_claim(model->world->pools, need, &row, &reasons, &error);

    assert_done(model, ok, error);
    if (ok && row != NULL)
        check_given(model, need, row, held);
    if (ok && row == NULL && held == NULL && type == 0)
        g_assert_false(some_vf_is_free(model, need->pf));
    if (ok && row == NULL && held == NULL && type != 0)
        check_no_mdev(model, type);
    ferry_claim_row_free(row);
    json_decref(reasons);
    if (model->fuse == 0 && !ok)
        find_orphan(model, need);
}

static void
claim_vf(Model *model)
{
    g_autofree char *netdev = model_netdev(model_pick(model, model->n_pfs));
    const FerryNeed need = { .guest_uuid = guests[model_pick(model, G_N_ELEMENTS(guests))],
                             .guest_name = "g",
                             .alias = aliases[model_pick(model, G_N_ELEMENTS(aliases))],
                             .pool = "nets",
                             .pf = model_pick(model, 4) == 0 ? netdev : NULL,
                             .policy = (FerryPolicy)model_pick(model, FERRY_N_POLICIES) };

    try_claim(model, &need, 0);
}

static void
claim_mdev(Model *model)
{
    const int number = 1 + model_pick(model, MODEL_TYPES);
    g_autofree char *type = model_type(0, number);
    const FerryNeed need = { .guest_uuid = guests[model_pick(model, G_N_ELEMENTS(guests))],
                             .guest_name = "g",
                             .alias = aliases[model_pick(model, G_N_ELEMENTS(aliases))],
                             .pool = "gpus",
                             .type = type,
                             .policy = (FerryPolicy)model_pick(model, FERRY_N_POLICIES) };

    try_claim(model, &need, number);
}

/* ---- prepare, keep, release ---- */

/* A claim moves when its parent turns out to be full; the store says where it is. */
static void
follow(Model *model, ModelClaim *claim)
{
    g_autoptr(FerryClaimRow) row = NULL;

    g_assert_true(ferry_store_claim_find(model->world->store, claim->generation, &row, NULL));
    if (!claim->is_vf)
        g_assert_cmpint(sscanf(row->slot, "parent%d/", &claim->place), ==, 1);
    claim->state = row->state;
}

static void
prepare(Model *model)
{
    ModelClaim *claim = any_claim(model);
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;
    bool ok = false;

    if (claim == NULL)
        return;
    ok = ferry_pools_prepare(model->world->pools, claim->generation, &reasons, &error);
    if (claim->state == FERRY_CLAIM_RELEASING) {
        g_assert_false(ok);
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
        return;
    }
    assert_done(model, ok, error);
    if (ok && reasons == NULL) {
        claim->is_prepared = true;
        claim->in_doubt = false;
    } else if (!ok) {
        claim->in_doubt = true;
    }
    if (reasons != NULL)
        check_no_mdev(model, claim->number);
    json_decref(reasons);
    if (model->fuse == 0)
        model_restart(model);
    follow(model, claim);
}

static void
keep(Model *model)
{
    ModelClaim *claim = any_claim(model);
    g_autoptr(GError) error = NULL;
    bool ok = false;

    if (claim == NULL || !claim->is_prepared)
        return;
    ok = ferry_pools_keep(model->world->pools, claim->generation, &error);
    if (claim->state != FERRY_CLAIM_RELEASING)
        assert_done(model, ok, error);
    if (model->fuse == 0)
        model_restart(model);
    follow(model, claim);
}

/* Returns: whether the guest of a claim has its device open meanwhile */
static bool
open_by_guest(Model *model, const ModelClaim *claim)
{
    g_autofree char *pf = model_pf(claim->place);
    g_autofree char *link = g_strdup_printf("sys/bus/pci/devices/%s/virtfn%d", pf, claim->number);
    g_autofree char *full = g_build_filename(model->world->tree->path, link, NULL);
    g_autofree char *target = claim->is_vf ? g_file_read_link(full, NULL) : NULL;
    const char *name = claim->is_vf ? strrchr(target, '/') + 1 : claim->device;

    if (!claim->is_prepared || claim->in_doubt || model_pick(model, 5) != 0)
        return false;
    world_open(model->world, 9, claim->guest, name);
    return true;
}

/* After a release that a crash has cut off: gone, or to be released again. */
static void
find_rest(Model *model, ModelClaim *claim)
{
    g_autoptr(FerryClaimRow) row = NULL;

    model_restart(model);
    g_assert_true(ferry_store_claim_find(model->world->store, claim->generation, &row, NULL));
    if (row == NULL) {
        model_remove(model, claim);
        return;
    }
    claim->in_doubt = claim->in_doubt || row->state == FERRY_CLAIM_RELEASING;
    claim->state = row->state;
}

static void
release(Model *model)
{
    ModelClaim *claim = any_claim(model);
    g_autoptr(GError) error = NULL;
    bool is_open = false;
    bool ok = false;

    if (claim == NULL)
        return;
    is_open = open_by_guest(model, claim);
    ok = ferry_pools_release(model->world->pools, claim->generation, LIMIT_MS, &error);
    if (is_open)
        world_close(model->world, 9);
    if (model->fuse == 0) {
        find_rest(model, claim);
    } else if (is_open) {
        g_assert_false(ok);
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
        claim->state = FERRY_CLAIM_RELEASING;
    } else {
        assert_done(model, ok, error);
        model_remove(model, claim);
    }
}

/* A release that comes much too late: whoever has the slot now keeps it. */
static void
release_old(Model *model)
{
    const int64_t generation = 1 + model_pick(model, 200);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < model->claims->len; i++)
        if (((ModelClaim *)g_ptr_array_index(model->claims, i))->generation == generation)
            return;
    assert_done(model, ferry_pools_release(model->world->pools, generation, LIMIT_MS, &error),
                error);
}

/* ---- what others do ---- */

static void
change_settings(Model *model)
{
    const ModelClaim *claim = any_claim(model);
    g_autofree char *netdev = NULL;
    FerryVfSettings *card = NULL;

    if (claim == NULL || !claim->is_vf || !claim->is_prepared ||
        claim->state == FERRY_CLAIM_RELEASING)
        return;
    netdev = model_netdev(claim->place);
    card = world_card(model->world, netdev, (unsigned)claim->number);
    card->vlan = (uint16_t)model_pick(model, 4095);
    card->trust = !card->trust;
    card->mac[5] = (uint8_t)model_pick(model, 256);
    card->max_rate_mbps = (uint32_t)model_pick(model, 1000);
}

static void
make_foreign_mdev(Model *model)
{
    const int parent = model_pick(model, model->n_parents);
    const int type = 1 + model_pick(model, MODEL_TYPES);
    g_autofree char *folder = g_strdup_printf("virtual/p/parent%d", parent);
    g_autofree char *name = model_type(parent, type);
    g_autofree char *uuid = g_uuid_string_random();

    if (tree_mdev(model->world->tree, folder, name, uuid) == 0)
        g_hash_table_insert(model->foreign, g_steal_pointer(&uuid),
                            g_strdup_printf("%d/%d", parent, type));
}

static void
remove_foreign_mdev(Model *model)
{
    GHashTableIter iter;
    gpointer uuid = NULL;
    g_autofree char *path = NULL;

    g_hash_table_iter_init(&iter, model->foreign);
    if (!g_hash_table_iter_next(&iter, &uuid, NULL))
        return;
    path = g_strconcat("sys/bus/mdev/devices/", uuid, "/remove", NULL);
    g_assert_cmpint(tree_write(model->world->tree, path, "1"), ==, 0);
    g_hash_table_iter_remove(&iter);
}

/* libvirt's own file stands for all ways in which a VF is somebody else's. */
static void
toggle_foreign_vf(Model *model)
{
    const int pf = model_pick(model, model->n_pfs);
    const int vf = model_pick(model, model->n_vfs[pf]);
    g_autofree char *path = g_strdup_printf("run/libvirt/hostdevmgr/eth%d_vf%d", pf, vf);

    if (model_holder(model, pf, vf) != NULL)
        return;
    if (model->foreign_vf[pf][vf])
        tree_remove(model->world->tree, path);
    else
        tree_file(model->world->tree, path, "{}");
    model->foreign_vf[pf][vf] = !model->foreign_vf[pf][vf];
}

static void
toggle_link(Model *model)
{
    const int pf = model_pick(model, model->n_pfs);
    g_autofree char *address = model_pf(pf);
    g_autofree char *netdev = model_netdev(pf);

    model->without_link[pf] = !model->without_link[pf];
    world_set_link(model->world, address, netdev, model->without_link[pf] ? "down" : "up");
}

static const struct {
    int weight;
    bool may_crash;
    void (*run)(Model *model);
} acts[] = {
    { 6, true, claim_vf },
    { 6, true, claim_mdev },
    { 8, true, prepare },
    { 2, true, keep },
    { 6, true, release },
    { 1, false, release_old },
    { 2, false, change_settings },
    { 1, false, make_foreign_mdev },
    { 1, false, remove_foreign_mdev },
    { 1, false, toggle_foreign_vf },
    { 1, false, toggle_link },
    { 1, false, model_restart },
};

static void
step(Model *model)
{
    int total = 0;
    int at = 0;
    size_t i = 0;

    for (size_t n = 0; n < G_N_ELEMENTS(acts); n++)
        total += acts[n].weight;
    for (at = model_pick(model, total); at >= acts[i].weight; i++)
        at -= acts[i].weight;
    if (acts[i].may_crash && model_pick(model, 6) == 0)
        model->fuse = 1 + model_pick(model, 5);
    acts[i].run(model);
    if (model->fuse == 0)
        model_restart(model);
    model->fuse = -1;
    model_check(model);
}

/* Everybody goes home: the host is as it was at first. */
static void
leave(Model *model)
{
    g_autofree char *after = NULL;

    while (model->claims->len > 0) {
        ModelClaim *claim = g_ptr_array_index(model->claims, 0);

        world_release(model->world, claim->generation);
        model_remove(model, claim);
    }
    while (g_hash_table_size(model->foreign) > 0)
        remove_foreign_mdev(model);
    for (int pf = 0; pf < model->n_pfs; pf++)
        if (model->without_link[pf]) {
            g_autofree char *address = model_pf(pf);
            g_autofree char *netdev = model_netdev(pf);

            world_set_link(model->world, address, netdev, "up");
            model->without_link[pf] = false;
        }
    model_check(model);
    after = world_listing(model->world);
    g_assert_cmpstr(after, ==, model->listing);
}

static unsigned
number_of(const char *variable, unsigned otherwise)
{
    const char *text = g_getenv(variable);

    return text != NULL ? (unsigned)g_ascii_strtoull(text, NULL, 10) : otherwise;
}

static void
test_random(void)
{
    const unsigned seed = number_of("FERRY_POOL_SEED", g_random_int());
    const unsigned n_steps = number_of("FERRY_POOL_STEPS", 10000);

    g_test_message("FERRY_POOL_SEED=%u FERRY_POOL_STEPS=%u", seed, n_steps);
    for (unsigned i = 0; i * STEPS_A_HOST < n_steps; i++) {
        g_autoptr(Model) model = model_new(seed + i);

        for (unsigned n = 0; n < STEPS_A_HOST; n++)
            step(model);
        leave(model);
    }
}

int
main(int argc, char **argv)
{
    if (access("/dev/shm", W_OK) == 0) /* durable enough for who dies only in play */
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/random/against-the-model", test_random);
    return g_test_run();
}
