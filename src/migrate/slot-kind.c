#include "migrate/slot-kind.h"

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

FerrySlotKind *
ferry_slot_kind_new(const FerryPool *pool, const FerryMember *member)
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
        kind = ferry_slot_kind_new(pool, member);
        kind->type = g_strdup(type);
        kind->name = g_strdup_printf("%s %s", member->device, type);
        kind->available = row->available;
        kind->size = row->size;
        kind->units = member->units;
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
            kind = ferry_slot_kind_new(pool, member);
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

void
ferry_slot_kinds_of_pool(const FerrySlotHost *host,
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

/* ---- claims ---- */

/* "available" is of all, for the ledger counts by PF and parent. */
FerrySlotKind *
ferry_slot_kind_of_claim(const FerrySlotHost *host, const FerryClaimRow *claim)
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
    kind = ferry_slot_kind_new(NULL, NULL);
    kind->name = type != NULL ? g_strdup_printf("%s %s", device->name, type)
                              : g_strdup(device->netdev != NULL ? device->netdev : device->name);
    kind->pool = claim->pool[0] != '\0' ? g_strdup(claim->pool) : NULL;
    kind->member = g_strdup(device->name);
    kind->netdev = g_strdup(device->netdev);
    kind->driver = vf == NULL ? NULL : g_strdup(vf->driver);
    g_ptr_array_add(kind->slots, g_strdup(claim->slot));
    kind->available = host->held->len;
    kind->size = 1;
    kind->units = host->held->len;
    kind->facts = ferry_host_facts(host->root, host->inventory, vf != NULL ? vf : device, type,
                                   host->ops, host->data);
    if (type != NULL)
        json_object_set_new(kind->facts, "available", json_integer(1));
    kind->type = g_steal_pointer(&type);
    return kind;
}
