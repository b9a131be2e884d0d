#include "pool/pools.h"

#include <string.h>

#include "base/error.h"
#include "pool/members.h"
#include "pool/reasons.h"
#include "pool/state.h"
#include "store/pools.h"

FerryPools *
ferry_pools_new(const FerryPoolsConfig *config)
{
    FerryPools *self = g_new0(FerryPools, 1);

    self->config = *config;
    (void)pthread_mutex_init(&self->choosing, NULL);
    self->turns = ferry_turns_new();
    self->resets = ferry_turns_new();
    return self;
}

void
ferry_pools_free(FerryPools *self)
{
    if (self == NULL)
        return;
    ferry_turns_free(self->turns);
    ferry_turns_free(self->resets);
    (void)pthread_mutex_destroy(&self->choosing);
    g_free(self);
}

FerryPools *
ferry_pools_choosing(FerryPools *self)
{
    (void)pthread_mutex_lock(&self->choosing);
    return self;
}

void
ferry_pools_chosen(FerryPools **self)
{
    (void)pthread_mutex_unlock(&(*self)->choosing);
}

void
ferry_pools_look_clear(FerryPoolsLook *self)
{
    g_clear_pointer(&self->inventory, ferry_inventory_unref);
    g_clear_pointer(&self->users, ferry_users_free);
    g_clear_pointer(&self->claims, g_ptr_array_unref);
}

/* Whether @device could be open in a process of somebody whom no claim names. */
static bool
may_be_strangers(const FerryHostDevice *device, GHashTable *claimed)
{
    g_autofree char *slot = NULL;

    if ((device->roles & FERRY_HOST_MDEV) != 0)
        return !g_hash_table_contains(claimed, device->name);
    if ((device->roles & FERRY_HOST_VF) == 0 || device->driver == NULL ||
        strstr(device->driver, "vfio") == NULL)
        return false;
    slot = ferry_slot_of_vf(device->pf, (unsigned)device->vf_index);
    return !g_hash_table_contains(claimed, slot);
}

/*
 * A look at all processes takes some 40 us for each, more than all else together.  It is left out
 * while every VF under VFIO and every mdev is ours.
 */
static FerryUsers *
read_users(int root, const FerryInventory *inventory, const GPtrArray *claims)
{
    g_autoptr(GHashTable) claimed = g_hash_table_new(g_str_hash, g_str_equal);
    const unsigned n_devices = ferry_inventory_n_devices(inventory);

    for (guint i = 0; i < claims->len; i++) {
        FerryClaimRow *claim = g_ptr_array_index(claims, i);

        g_hash_table_add(claimed, claim->device[0] != '\0' ? claim->device : claim->slot);
    }
    for (unsigned i = 0; i < n_devices; i++)
        if (may_be_strangers(ferry_inventory_device(inventory, i), claimed))
            return ferry_users_read(root);
    return ferry_users_none();
}

bool
ferry_pools_look(FerryPools *self, FerryPoolsLook *ret, GError **error)
{
    const int root = self->config.kernel->root;

    if (!ferry_store_claim_list(self->config.store, NULL, &ret->claims, error))
        return false;
    ret->inventory = self->config.inventory(self->config.inventory_data);
    ret->users = read_users(root, ret->inventory, ret->claims);
    ret->look = (FerryLook){ root, ret->inventory, ret->users, ret->claims };
    return true;
}

/* ---- definitions ---- */

static bool
read_definition(const FerryPoolRow *row, FerryPool **ret, GError **error)
{
    json_t *json = json_loads(row->definition, 0, NULL);
    g_autoptr(GError) failure = NULL;
    const bool ok = ferry_pool_from_json(json, ret, &failure);

    json_decref(json);
    if (!ok)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT,
                    "cannot read the stored pool %s: %s. Undefine it and define it anew.",
                    row->name, failure->message);
    return ok;
}

bool
ferry_pools_find(FerryPools *self, const char *name, FerryPool **ret, GError **error)
{
    g_autoptr(FerryPoolRow) row = NULL;

    if (!ferry_store_pool_find(self->config.store, name, &row, error))
        return false;
    if (row != NULL)
        return read_definition(row, ret, error);
    *ret = NULL;
    return true;
}

bool
ferry_pools_get(FerryPools *self, const char *name, FerryPool **ret, GError **error)
{
    FerryPool *pool = NULL;

    if (!ferry_pools_find(self, name, &pool, error))
        return false;
    if (pool == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no pool %s: \"ferry pool list\" shows those there are", name);
        return false;
    }
    *ret = pool;
    return true;
}

bool
ferry_pools_list(FerryPools *self, GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) pools = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_pool_free);

    if (!ferry_store_pool_list(self->config.store, &rows, error))
        return false;
    for (guint i = 0; i < rows->len; i++) {
        FerryPool *pool = NULL;

        if (!read_definition(g_ptr_array_index(rows, i), &pool, error))
            return false;
        g_ptr_array_add(pools, pool);
    }
    *ret = g_steal_pointer(&pools);
    return true;
}

static bool
refuse_absent(const FerryLook *look, const FerryPool *pool, const char *name, GError **error)
{
    static const char *const where[] = {
        [FERRY_POOL_VF] = "\"ferry pf list\" shows the PFs, \"ferry device list\" their VFs",
        [FERRY_POOL_MDEV] = "\"ferry mdev types\" shows the parents of mediated devices",
    };
    const FerryHostDevice *device = ferry_inventory_find(look->inventory, name);

    if (pool->kind == FERRY_POOL_MDEV && device != NULL && (device->roles & FERRY_HOST_VGPU) != 0)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "pool %s: %s takes a vGPU type itself and is a VF to its guest, no mediated "
                    "device: define a pool of VFs (\"--pf %s\"), and give each VF its type with "
                    "\"ferry mdev create\"",
                    pool->name, name, device->pf);
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "pool %s: there is no %s on this host: %s", pool->name, name,
                    where[pool->kind]);
    return false;
}

/* Every member must be here now: what is misspelt would else be found out by a guest. */
static bool
check_present(const FerryLook *look, const FerryPoolView *view, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (member->device == NULL)
            return refuse_absent(look, view->pool, member->name, error);
        if (!g_hash_table_add(seen, member->device)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "pool %s: %s is %s, which is a member already: take one out",
                        view->pool->name, member->name, member->device);
            return false;
        }
    }
    return true;
}

/* What of @view is in @other, as slots; of PFs that have no VFs yet, the PFs. */
static GPtrArray *
shared_slots(const FerryPoolView *view, const FerryPoolView *other)
{
    g_autoptr(GHashTable) theirs = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *shared = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < other->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(other->members, i);

        if (other->pool->pfs->len > 0 && member->device != NULL)
            g_hash_table_add(theirs, member->device);
        for (guint n = 0; n < member->slots->len; n++)
            g_hash_table_add(theirs, ((FerrySlot *)g_ptr_array_index(member->slots, n))->id);
    }
    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (view->pool->pfs->len > 0 && g_hash_table_contains(theirs, member->device))
            g_ptr_array_add(shared, g_strdup(member->name));
        for (guint n = 0; n < member->slots->len; n++) {
            const FerrySlot *slot = g_ptr_array_index(member->slots, n);

            if (g_hash_table_contains(theirs, slot->id))
                g_ptr_array_add(shared, g_strdup(slot->id));
        }
    }
    return shared;
}

/* Parents may be in several pools: what they have is shared anyway, by types and by pools. */
static bool
find_shared(FerryPools *self,
            const FerryLook *look,
            const FerryPoolView *view,
            json_t **ret_reasons,
            GError **error)
{
    g_autoptr(GPtrArray) pools = NULL;

    if (view->pool->kind != FERRY_POOL_VF)
        return true;
    if (!ferry_pools_list(self, &pools, error))
        return false;
    for (guint i = 0; i < pools->len && *ret_reasons == NULL; i++) {
        const FerryPool *pool = g_ptr_array_index(pools, i);
        g_autoptr(FerryPoolView) other = ferry_pool_view_new(look, ferry_pool_copy(pool));
        g_autoptr(GPtrArray) shared = shared_slots(view, other);

        if (shared->len > 0 && strcmp(pool->name, view->pool->name) != 0)
            *ret_reasons = ferry_reasons_shared(pool->name, shared);
    }
    return true;
}

static bool
store_pool(FerryPools *self, const FerryPool *pool, GError **error)
{
    const FerryClock *clock = self->config.clock;
    json_t *json = ferry_pool_to_json(pool);
    char *text = json_dumps(json, JSON_COMPACT);
    const FerryPoolRow row = { pool->name, text, clock->wall_us(clock) };
    const bool ok = ferry_store_pool_add(self->config.store, &row, error);

    json_decref(json);
    free(text);
    return ok;
}

bool
ferry_pools_define(FerryPools *self, const FerryPool *pool, json_t **ret_reasons, GError **error)
{
    FERRY_POOLS_CHOOSING(self);
    g_auto(FerryPoolsLook) look = { 0 };
    g_autoptr(FerryPoolView) view = NULL;
    json_t *reasons = NULL;

    if (!ferry_pools_look(self, &look, error))
        return false;
    view = ferry_pool_view_new(&look.look, ferry_pool_copy(pool));
    if (!check_present(&look.look, view, error) ||
        !find_shared(self, &look.look, view, &reasons, error) ||
        (reasons == NULL && !store_pool(self, pool, error)))
        return false;
    *ret_reasons = reasons;
    return true;
}

bool
ferry_pools_undefine(FerryPools *self, const char *name, json_t **ret_reasons, GError **error)
{
    FERRY_POOLS_CHOOSING(self);
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GPtrArray) its = g_ptr_array_new();

    if (!ferry_store_claim_list(self->config.store, NULL, &all, error))
        return false;
    for (guint i = 0; i < all->len; i++)
        if (strcmp(((FerryClaimRow *)g_ptr_array_index(all, i))->pool, name) == 0)
            g_ptr_array_add(its, g_ptr_array_index(all, i));
    if (its->len == 0 && !ferry_store_pool_remove(self->config.store, name, error))
        return false;
    *ret_reasons = its->len > 0 ? ferry_reasons_pool_in_use(name, its) : NULL;
    return true;
}

bool
ferry_pools_view(FerryPools *self, const char *name, FerryPoolView **ret, GError **error)
{
    g_auto(FerryPoolsLook) look = { 0 };
    FerryPool *pool = NULL;

    if (!ferry_pools_get(self, name, &pool, error))
        return false;
    if (!ferry_pools_look(self, &look, error)) {
        ferry_pool_free(pool);
        return false;
    }
    *ret = ferry_pool_view_new(&look.look, pool);
    return true;
}

bool
ferry_pools_claims(FerryPools *self, const char *guest_uuid, GPtrArray **ret, GError **error)
{
    return ferry_store_claim_list(self->config.store, guest_uuid, ret, error);
}

const FerryHostDevice *
ferry_pools_device(const FerryInventory *inventory, const FerryClaimRow *claim)
{
    const FerryHostDevice *pf = NULL;
    g_autofree char *name = NULL;
    unsigned index = 0;

    if (claim->device[0] != '\0')
        return ferry_inventory_find(inventory, claim->device);
    if (!ferry_slot_parse_vf(claim->slot, &name, &index))
        return NULL;
    pf = ferry_inventory_find(inventory, name);
    if (pf == NULL || pf->vfs == NULL || index >= pf->vfs->len ||
        g_ptr_array_index(pf->vfs, index) == NULL)
        return NULL;
    return ferry_inventory_find(inventory, g_ptr_array_index(pf->vfs, index));
}
