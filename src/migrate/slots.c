#include "migrate/slots.h"

#include <string.h>

#include "base/error.h"
#include "migrate/expect.h"
#include "pool/members.h"

void
ferry_slot_kind_free(FerrySlotKind *kind)
{
    if (kind == NULL)
        return;
    g_free(kind->name);
    g_free(kind->pool);
    g_free(kind->member);
    g_free(kind->netdev);
    g_free(kind->type);
    g_free(kind->driver);
    g_free(kind->device);
    g_ptr_array_unref(kind->slots);
    json_decref(kind->facts);
    g_free(kind);
}

static FerrySlotKind *
kind_new(const FerryPool *pool, const FerryMember *member)
{
    FerrySlotKind *kind = g_new0(FerrySlotKind, 1);

    if (pool != NULL && pool->name[0] != '\0')
        kind->pool = g_strdup(pool->name);
    if (member != NULL) {
        kind->member = g_strdup(member->device);
        kind->netdev = g_strdup(member->netdev);
        kind->without_link = member->without_link;
    }
    kind->slots = g_ptr_array_new_with_free_func(g_free);
    return kind;
}

static void G_GNUC_PRINTF(3, 4) say(json_t **ret_reason, const char *code, const char *format, ...)
{
    va_list args;
    g_autofree char *message = NULL;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    *ret_reason = json_pack("{s:s, s:s}", "code", code, "message", message);
}

/* ---- mediated devices ---- */

static void
add_types(const FerrySlotHost *host,
          const FerryPool *pool,
          const FerryMember *member,
          bool with_facts,
          GPtrArray *ret)
{
    const FerryHostDevice *parent = ferry_inventory_find(host->inventory, member->device);

    for (guint i = 0; i < pool->types->len && parent != NULL; i++) {
        const char *type = g_ptr_array_index(pool->types, i);
        const FerrySlotType *row = ferry_member_type(member, type);
        FerrySlotKind *kind = NULL;

        if (row == NULL)
            continue;
        kind = kind_new(pool, member);
        kind->type = g_strdup(type);
        kind->name = g_strdup_printf("%s %s", member->device, type);
        kind->available = row->available;
        if (with_facts) {
            kind->facts =
                ferry_host_facts(host->root, host->inventory, parent, type, host->ops, host->data);
            json_object_set_new(kind->facts, "available", json_integer(row->available));
        }
        g_ptr_array_add(ret, kind);
    }
}

/* ---- VFs ---- */

/* Those of one driver behave alike: that of the PF does the work for those that have none. */
static FerrySlotKind *
kind_of_driver(GPtrArray *kinds, guint first, const char *driver)
{
    for (guint i = first; i < kinds->len; i++) {
        FerrySlotKind *kind = g_ptr_array_index(kinds, i);

        if (g_strcmp0(kind->driver, driver) == 0)
            return kind;
    }
    return NULL;
}

static void
add_vfs(const FerrySlotHost *host,
        const FerryPool *pool,
        const FerryMember *member,
        bool with_facts,
        GPtrArray *ret)
{
    guint first = ret->len;

    for (guint i = 0; i < member->slots->len; i++) {
        const FerrySlot *slot = g_ptr_array_index(member->slots, i);
        const FerryHostDevice *vf =
            slot->device == NULL ? NULL : ferry_inventory_find(host->inventory, slot->device);
        FerrySlotKind *kind = NULL;

        if (vf == NULL)
            continue;
        kind = kind_of_driver(ret, first, with_facts ? vf->driver : NULL);
        if (kind == NULL) {
            kind = kind_new(pool, member);
            kind->name = g_strdup(member->netdev != NULL ? member->netdev : member->device);
            if (with_facts) {
                kind->driver = g_strdup(vf->driver);
                kind->facts =
                    ferry_host_facts(host->root, host->inventory, vf, NULL, host->ops, host->data);
            }
            g_ptr_array_add(ret, kind);
        }
        if (slot->state == FERRY_SLOT_FREE)
            g_ptr_array_add(kind->slots, g_strdup(slot->id));
        kind->available = kind->slots->len;
    }
}

static void
add_pool(const FerrySlotHost *host,
         const FerryPoolView *view,
         const FerryPlanNeed *need,
         GPtrArray *ret)
{
    bool with_facts = need->way == FERRY_WAY_STATE;

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (member->device == NULL) /* not there now */
            continue;
        if (view->pool->kind == FERRY_POOL_MDEV)
            add_types(host, view->pool, member, with_facts, ret);
        else
            add_vfs(host, view->pool, member, with_facts, ret);
    }
}

/* ---- where to look ---- */

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
    add_pool(host, view, need, ret);
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
    kind = kind_new(NULL, NULL);
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
        add_pool(host, view, need, ret);
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
        add_pool(host, view, need, ret);
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

/* Each claim is a kind of its own; "available" is of all, for the ledger counts by PF and parent.
 */
static FerrySlotKind *
kind_of_claim(const FerrySlotHost *host, const FerryClaimRow *claim)
{
    g_autofree char *above = NULL;
    g_autofree char *type = NULL;
    const FerryHostDevice *vf = NULL;
    const FerryHostDevice *device = NULL;
    FerrySlotKind *kind = NULL;

    if (claim->device[0] != '\0') {
        ferry_slot_parse_mdev(claim->slot, &above, &type);
        device = ferry_inventory_find(host->inventory, above);
    } else {
        vf = ferry_pools_device(host->inventory, claim);
        device = vf == NULL ? NULL : ferry_inventory_find(host->inventory, vf->pf);
    }
    if (device == NULL)
        return NULL;
    kind = kind_new(NULL, NULL);
    kind->name = type != NULL ? g_strdup_printf("%s %s", device->name, type)
                              : g_strdup(device->netdev != NULL ? device->netdev : device->name);
    kind->pool = claim->pool[0] != '\0' ? g_strdup(claim->pool) : NULL;
    kind->member = g_strdup(device->name);
    kind->netdev = g_strdup(device->netdev);
    kind->driver = vf == NULL ? NULL : g_strdup(vf->driver);
    g_ptr_array_add(kind->slots, g_strdup(claim->slot));
    kind->available = host->held->len;
    kind->facts = ferry_host_facts(host->root, host->inventory, vf != NULL ? vf : device, type,
                                   host->ops, host->data);
    if (type != NULL)
        json_object_set_new(kind->facts, "available", json_integer(1));
    kind->type = g_steal_pointer(&type);
    return kind;
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
        kind = is_held ? kind_of_claim(host, claim) : NULL;
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
