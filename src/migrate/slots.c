#include "migrate/slots.h"

#include "base/error.h"
#include "migrate/expect.h"

static void G_GNUC_PRINTF(3, 4) say(json_t **ret_reason, const char *code, const char *format, ...)
{
    va_list args;
    g_autofree char *message = NULL;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    *ret_reason = json_pack("{s:s, s:s}", "code", code, "message", message);
}

/* A managed mdev outside of a pool: any parent that offers the type does, whatever its name. */
static bool
find_parents(const FerrySlotHost *host,
             const FerryPlanNeed *need,
             GPtrArray *ret,
             json_t **ret_reason,
             GError **error)
{
    g_autoptr(FerryPool) pool = ferry_pool_new("", FERRY_POOL_MDEV);
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(FerryUsers) users = NULL;
    g_autoptr(FerryPoolView) view = NULL;
    FerryLook look;

    if (need->type == NULL) {
        say(ret_reason, "no-type", "the device's type is not known");
        return true;
    }
    g_ptr_array_add(pool->types, g_strdup(need->type));
    for (unsigned i = 0; i < ferry_inventory_n_devices(host->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(host->inventory, i);

        if ((device->roles & FERRY_HOST_PARENT) != 0 &&
            ferry_host_device_type(device, need->type) != NULL)
            g_ptr_array_add(pool->parents, g_strdup(device->name));
    }
    if (pool->parents->len == 0) {
        say(ret_reason, "no-type", "no device there offers the type %s: see \"ferry mdev types\"",
            need->type);
        return true;
    }
    if (!ferry_pools_claims(host->pools, NULL, &claims, error))
        return false;
    users = ferry_users_read(host->root);
    look = (FerryLook){ host->root, host->inventory, users, claims };
    view = ferry_pool_view_new(&look, g_steal_pointer(&pool));
    ferry_slot_kinds_of_pool(host, view, need, ret);
    return true;
}

/* (transfer full) (nullable): who has a device that somebody made beforehand */
static char *
holder_of(const FerrySlotHost *host, const FerryHostDevice *mdev, const GPtrArray *claims)
{
    g_autoptr(FerryUsers) users = ferry_users_read(host->root);
    const FerryUser *user = ferry_users_find(users, mdev);

    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (g_strcmp0(claim->device, mdev->name) == 0)
            return ferry_claim_describe(claim);
    }
    if (user == NULL)
        return NULL;
    return user->guest != NULL ? g_strdup_printf("guest %s", user->guest)
                               : g_strdup_printf("process %d (%s)", (int)user->pid, user->command);
}

/* Somebody made the device there beforehand: it, and nothing else. */
static bool
find_given(const FerrySlotHost *host,
           const FerryPlanNeed *need,
           GPtrArray *ret,
           json_t **ret_reason,
           GError **error)
{
    g_autofree char *uuid = g_ascii_strdown(need->device, -1); /* as the kernel has it */
    const FerryHostDevice *mdev = ferry_inventory_find(host->inventory, uuid);
    g_autoptr(GPtrArray) claims = NULL;
    g_autofree char *holder = NULL;
    FerrySlotKind *kind = NULL;

    if (mdev == NULL || (mdev->roles & FERRY_HOST_MDEV) == 0) {
        say(ret_reason, "no-device", "there is no mediated device %s: make it there first", uuid);
        return true;
    }
    if (need->type != NULL && g_strcmp0(mdev->type, need->type) != 0) {
        say(ret_reason, "wrong-type", "the mediated device %s is of type %s, and it needs %s", uuid,
            mdev->type, need->type);
        return true;
    }
    if (!ferry_pools_claims(host->pools, NULL, &claims, error))
        return false;
    holder = holder_of(host, mdev, claims);
    if (holder != NULL) {
        say(ret_reason, "device-in-use", "the mediated device %s is used by %s: give another one",
            uuid, holder);
        return true;
    }
    kind = ferry_slot_kind_new(NULL, NULL);
    kind->name = g_strdup(mdev->name);
    kind->member = g_strdup(mdev->parent);
    kind->device = g_steal_pointer(&uuid);
    kind->available = 1;
    kind->facts = ferry_host_facts(host->root, host->inventory, mdev, NULL, host->ops, host->data);
    g_ptr_array_add(ret, kind);
    return true;
}

/* A VF whose driver can migrate it is of no pool by itself: any pool of VFs may have its like. */
static bool
find_vfs(const FerrySlotHost *host, const FerryPlanNeed *need, GPtrArray *ret, GError **error)
{
    g_autoptr(GPtrArray) pools = NULL;

    if (!ferry_pools_list(host->pools, &pools, error))
        return false;
    for (guint i = 0; i < pools->len; i++) {
        const FerryPool *pool = g_ptr_array_index(pools, i);
        g_autoptr(FerryPoolView) view = NULL;

        if (pool->kind != FERRY_POOL_VF)
            continue;
        if (!ferry_pools_view(host->pools, pool->name, &view, error))
            return false;
        ferry_slot_kinds_of_pool(host, view, need, ret);
    }
    return true;
}

static bool
find_pool(const FerrySlotHost *host,
          const FerryPlanNeed *need,
          GPtrArray *ret,
          json_t **ret_reason,
          GError **error)
{
    g_autoptr(FerryPoolView) view = NULL;
    g_autoptr(GError) local = NULL;
    FerryPoolKind kind = need->type != NULL ? FERRY_POOL_MDEV : FERRY_POOL_VF;

    if (!ferry_pools_view(host->pools, need->pool, &view, &local)) {
        if (!g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        say(ret_reason, "no-pool", "there is no pool %s: define it there", need->pool);
        return true;
    }
    if (view->pool->kind != kind)
        say(ret_reason, "pool-of-other-kind", "its pool %s is one of %s, and this is %s",
            need->pool, view->pool->kind == FERRY_POOL_VF ? "VFs" : "mediated devices",
            kind == FERRY_POOL_VF ? "a VF" : "a mediated device");
    else
        ferry_slot_kinds_of_pool(host, view, need, ret);
    return true;
}

bool
ferry_slots_held(FerryPools *pools, const FerryPlan *plan, GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    guint i = 0;

    if (plan->reservation == NULL)
        return true;
    if (!ferry_pools_claims(pools, plan->guest_uuid, &claims, error))
        return false;
    while (i < claims->len) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (g_str_equal(claim->job, plan->reservation) || g_str_equal(claim->job, plan->job))
            i++;
        else
            (void)g_ptr_array_remove_index(claims, i);
    }
    *ret = g_steal_pointer(&claims);
    return true;
}

/* What is held for it, and nothing else, though more may be free. */
static void
find_held(const FerrySlotHost *host, const FerryPlanNeed *need, GPtrArray *ret, json_t **ret_reason)
{
    const char *alias = need->way == FERRY_WAY_HYBRID ? need->vf_alias : need->alias;
    FerrySlotKind *kind = NULL;
    bool is_held = false;

    for (guint i = 0; i < host->held->len && !is_held; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(host->held, i);

        is_held = g_strcmp0(claim->alias, alias) == 0;
        kind = is_held ? ferry_slot_kind_of_claim(host, claim) : NULL;
    }
    if (kind != NULL)
        g_ptr_array_add(ret, kind);
    else if (is_held)
        say(ret_reason, "device-gone", "the slot that is reserved is not there now");
    else if (!need->may_degrade)
        say(ret_reason, "reservation-changed", "nothing is reserved there");
}

static bool
find_any(const FerrySlotHost *host,
         const FerryPlanNeed *need,
         GPtrArray *ret,
         json_t **ret_reason,
         GError **error)
{
    if (need->device != NULL)
        return find_given(host, need, ret, ret_reason, error);
    if (host->held != NULL) {
        find_held(host, need, ret, ret_reason);
        return true;
    }
    if (need->pool != NULL)
        return find_pool(host, need, ret, ret_reason, error);
    if (need->parent != NULL || need->type != NULL)
        return find_parents(host, need, ret, ret_reason, error);
    return find_vfs(host, need, ret, error);
}

/* What the guest's definition does not expect is no candidate; when nothing else is left, that is
 * the reason. */
static void
drop_unexpected(const FerryPlanNeed *need, GPtrArray *kinds, json_t **ret_reason)
{
    g_autofree char *last = NULL;

    for (guint i = kinds->len; i > 0; i--) {
        const FerrySlotKind *kind = g_ptr_array_index(kinds, i - 1);
        g_autofree char *why = NULL;

        if (ferry_expect_met(need, kind->facts, &why))
            continue;
        g_free(last);
        last = g_strdup_printf("%s: %s", kind->name, why);
        g_ptr_array_remove_index(kinds, i - 1);
    }
    if (kinds->len == 0 && last != NULL)
        say(ret_reason, "other-vendor", "%s", last);
}

bool
ferry_slots_find(const FerrySlotHost *host,
                 const FerryPlanNeed *need,
                 GPtrArray *ret,
                 json_t **ret_reason,
                 GError **error)
{
    if (!find_any(host, need, ret, ret_reason, error))
        return false;
    drop_unexpected(need, ret, ret_reason);
    return true;
}
