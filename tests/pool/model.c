#include "model.h"

#include <errno.h>
#include <string.h>

#include "store/query.h"

char *
model_netdev(int pf)
{
    return g_strdup_printf("eth%d", pf);
}

char *
model_pf(int pf)
{
    return g_strdup_printf("0000:0%d:00.0", pf + 3);
}

char *
model_parent(int parent)
{
    return g_strdup_printf("parent%d", parent);
}

char *
model_type(int parent, int type)
{
    (void)parent; /* all offer the same ones, so that pools can span them */
    return g_strdup_printf("type-%d", type);
}

char *
model_slot(const ModelClaim *claim)
{
    if (claim->is_vf)
        return g_strdup_printf("0000:0%d:00.0/vf%d", claim->place + 3, claim->number);
    return g_strdup_printf("parent%d/type-%d", claim->place, claim->number);
}

int
model_pick(Model *self, int n)
{
    return g_rand_int_range(self->random, 0, n);
}

static void
claim_free(gpointer data)
{
    ModelClaim *self = data;

    g_free(self->guest);
    g_free(self->alias);
    g_free(self->device);
    g_free(self);
}

/* ---- the crash: after so many effects nothing has an effect any more ---- */

static bool
burn(Model *self)
{
    if (self->fuse > 0)
        self->fuse--;
    return self->fuse == 0;
}

static int
before_write(void *data, const char *path, const char *text)
{
    (void)path;
    (void)text;
    return burn(data) ? EIO : 0;
}

/* Makes SQLite roll back what it was asked to commit. */
static int
before_commit(void *data)
{
    return burn(data);
}

void
model_restart(Model *self)
{
    self->fuse = -1;
    world_reopen(self->world);
    (void)sqlite3_commit_hook(self->world->store->db, before_commit, self);
}

/* ---- the host ---- */

static void
make_devices(Model *self)
{
    Tree *tree = self->world->tree;

    for (int i = 0; i < self->n_pfs; i++) {
        g_autofree char *pf = model_pf(i);
        g_autofree char *netdev = model_netdev(i);

        self->n_vfs[i] = 1 + model_pick(self, MODEL_VFS);
        tree_pf(tree, pf, netdev, "igb", MODEL_VFS, (unsigned)self->n_vfs[i]);
    }
    tree->ports = self->ports;
    for (int i = 0; i < self->n_parents; i++) {
        g_autofree char *folder = g_strdup_printf("virtual/p/parent%d", i);

        tree_parent(tree, folder, NULL, "type", MODEL_TYPES);
    }
}

static void
define_pools(Model *self)
{
    static const char *const policies[] = { "first", "pack", "spread" };
    g_autoptr(GString) pfs = g_string_new(NULL);
    g_autoptr(GString) parents = g_string_new(NULL);
    g_autofree char *nets = NULL;
    g_autofree char *gpus = NULL;

    for (int i = 0; i < self->n_pfs; i++)
        g_string_append_printf(pfs, "%s\"eth%d\"", i > 0 ? "," : "", i);
    for (int i = 0; i < self->n_parents; i++)
        g_string_append_printf(parents, "%s\"parent%d\"", i > 0 ? "," : "", i);
    nets = g_strdup_printf("{\"name\":\"nets\",\"policy\":\"%s\",\"pfs\":[%s]}",
                           policies[model_pick(self, 3)], pfs->str);
    gpus = g_strdup_printf("{\"name\":\"gpus\",\"policy\":\"%s\",\"parents\":[%s],\"types\":["
                           "\"type-1\",\"type-2\"]}",
                           policies[model_pick(self, 3)], parents->str);
    world_define(self->world, nets);
    world_define(self->world, gpus);
}

Model *
model_new(uint32_t seed)
{
    Model *self = g_new0(Model, 1);

    self->random = g_rand_new_with_seed(seed);
    self->world = world_new();
    self->claims = g_ptr_array_new_with_free_func(claim_free);
    self->foreign = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->n_pfs = 1 + model_pick(self, MODEL_PFS);
    self->n_parents = 1 + model_pick(self, MODEL_PARENTS);
    self->ports = 2 + (unsigned)model_pick(self, 3);
    self->made = *world_card(self->world, "any", 0);
    make_devices(self);
    self->listing = world_listing(self->world);
    self->world->before_write = before_write;
    self->world->before_write_data = self;
    model_restart(self);
    define_pools(self);
    return self;
}

void
model_free(Model *self)
{
    g_ptr_array_unref(self->claims);
    g_hash_table_unref(self->foreign);
    world_free(self->world);
    g_rand_free(self->random);
    g_free(self->listing);
    g_free(self);
}

/* ---- claims ---- */

ModelClaim *
model_find(Model *self, const char *guest, const char *alias)
{
    for (guint i = 0; i < self->claims->len; i++) {
        ModelClaim *claim = g_ptr_array_index(self->claims, i);

        if (claim->state != FERRY_CLAIM_RELEASING && strcmp(claim->guest, guest) == 0 &&
            strcmp(claim->alias, alias) == 0)
            return claim;
    }
    return NULL;
}

ModelClaim *
model_holder(Model *self, int pf, int vf)
{
    for (guint i = 0; i < self->claims->len; i++) {
        ModelClaim *claim = g_ptr_array_index(self->claims, i);

        if (claim->is_vf && claim->place == pf && claim->number == vf)
            return claim;
    }
    return NULL;
}

ModelClaim *
model_add(Model *self, const FerryClaimRow *row)
{
    ModelClaim *claim = g_new0(ModelClaim, 1);

    claim->generation = row->generation;
    claim->is_vf = row->device[0] == '\0';
    claim->guest = g_strdup(row->guest_uuid);
    claim->alias = g_strdup(row->alias);
    claim->device = g_strdup(row->device);
    claim->state = row->state;
    if (claim->is_vf)
        g_assert_cmpint(sscanf(row->slot, "0000:0%d:00.0/vf%d", &claim->place, &claim->number), ==,
                        2);
    else
        g_assert_cmpint(sscanf(row->slot, "parent%d/type-%d", &claim->place, &claim->number), ==,
                        2);
    claim->place -= claim->is_vf ? 3 : 0;
    g_ptr_array_add(self->claims, claim);
    return claim;
}

void
model_remove(Model *self, ModelClaim *claim)
{
    g_assert_true(g_ptr_array_remove(self->claims, claim));
}

int
model_n_free(Model *self, int pf)
{
    int n_free = 0;

    for (int vf = 0; vf < self->n_vfs[pf]; vf++)
        n_free += !self->foreign_vf[pf][vf] && model_holder(self, pf, vf) == NULL;
    return n_free;
}

static bool
is_there(Model *self, const char *uuid)
{
    g_autofree char *path =
        g_build_filename(self->world->tree->path, "sys/bus/mdev/devices", uuid, NULL);

    return g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

int
model_ports_left(Model *self, int parent, int *ret_pending)
{
    int left = (int)self->ports;
    int pending = 0;
    GHashTableIter iter;
    gpointer value = NULL;

    g_hash_table_iter_init(&iter, self->foreign);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        int place = 0;
        int type = 0;

        g_assert_cmpint(sscanf(value, "%d/%d", &place, &type), ==, 2);
        left -= place == parent ? type : 0;
    }
    for (guint i = 0; i < self->claims->len; i++) {
        const ModelClaim *claim = g_ptr_array_index(self->claims, i);

        if (claim->is_vf || claim->place != parent)
            continue;
        if (is_there(self, claim->device))
            left -= claim->number;
        else
            pending++;
    }
    if (ret_pending != NULL)
        *ret_pending = pending;
    return left;
}

/* ---- the check ---- */

static void
check_claims(Model *self)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GHashTable) slots = g_hash_table_new(g_str_hash, g_str_equal);

    g_assert_true(ferry_pools_claims(self->world->pools, NULL, &rows, NULL));
    g_assert_cmpuint(rows->len, ==, self->claims->len);
    for (guint i = 0; i < rows->len; i++) {
        const FerryClaimRow *row = g_ptr_array_index(rows, i);
        const ModelClaim *claim = g_ptr_array_index(self->claims, i);
        g_autofree char *slot = model_slot(claim);

        g_assert_cmpint(row->generation, ==, claim->generation);
        g_assert_cmpstr(row->slot, ==, slot);
        g_assert_cmpstr(row->guest_uuid, ==, claim->guest);
        g_assert_cmpstr(row->alias, ==, claim->alias);
        g_assert_cmpint(row->state, ==, claim->state);
        if (claim->is_vf)
            g_assert_true(g_hash_table_add(slots, row->slot)); /* no VF twice */
    }
}

/* Every mdev is somebody else's or a claim's; every claim that was prepared has its own. */
static void
check_mdevs(Model *self)
{
    g_autofree char *path = g_build_filename(self->world->tree->path, "sys/bus/mdev/devices", NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < self->claims->len; i++) {
        const ModelClaim *claim = g_ptr_array_index(self->claims, i);

        if (claim->is_vf)
            continue;
        if (claim->is_prepared && !claim->in_doubt)
            g_assert_true(is_there(self, claim->device));
        if (claim->is_prepared || claim->in_doubt)
            g_hash_table_add(known, claim->device);
    }
    for (const char *name = folder != NULL ? g_dir_read_name(folder) : NULL; name != NULL;
         name = g_dir_read_name(folder))
        g_assert_true(g_hash_table_contains(known, name) ||
                      g_hash_table_contains(self->foreign, name));
}

/* A VF that nobody has is as it was before anybody had it. */
static void
check_settings(Model *self)
{
    for (int pf = 0; pf < self->n_pfs; pf++) {
        g_autofree char *netdev = model_netdev(pf);

        for (int vf = 0; vf < self->n_vfs[pf]; vf++) {
            const ModelClaim *claim = model_holder(self, pf, vf);

            if (claim == NULL || (!claim->is_prepared && !claim->in_doubt))
                g_assert_cmpint(
                    ferry_vf_compare(world_card(self->world, netdev, (unsigned)vf), &self->made),
                    ==, 0);
        }
    }
}

static void
check_view(Model *self)
{
    g_autoptr(FerryPoolView) view = NULL;
    unsigned n_without_link = 0;

    g_assert_true(ferry_pools_view(self->world->pools, "nets", &view, NULL));
    for (int pf = 0; pf < self->n_pfs; pf++) {
        const FerryMember *member = g_ptr_array_index(view->members, (guint)pf);

        g_assert_cmpint((int)member->total, ==, self->n_vfs[pf]);
        g_assert_cmpint((int)member->used, ==, self->n_vfs[pf] - model_n_free(self, pf));
        n_without_link += self->without_link[pf] ? (unsigned)self->n_vfs[pf] : 0;
    }
    g_assert_cmpuint(view->n_without_link, ==, n_without_link);
}

void
model_check(Model *self)
{
    check_claims(self);
    check_mdevs(self);
    check_settings(self);
    if (model_pick(self, 8) == 0) /* the dearest one */
        check_view(self);
}
