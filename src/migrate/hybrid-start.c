#include "base/error.h"
#include "migrate/hybrid-state.h"
#include "migrate/objection.h"

/*
 * Before a guest runs: its VFs are claimed.  For a plain "virsh start" libvirt has chosen the PF of
 * each macvtap by then, and the VF follows; for "ferry guest start" the VF is first, and macvtap
 * follows by an XML that the guest runs with only once.
 */

static bool
admit_one(const FerryHybridCase *it, json_t **ret_reasons, GError **error)
{
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autofree char *pf = NULL;
    json_t *reasons = NULL;

    if (it->nic->netdev == NULL) /* not chosen yet */
        return true;
    pf = ferry_hybrid_pf_below(it->hybrids, it->nic->netdev);
    if (pf == NULL)
        reasons = ferry_objection("not-a-pf", "%s of %s is on %s, which is not a PF: it has no VFs",
                                  it->nic->meta->alias, it->guest_name, it->nic->netdev);
    else if (!ferry_hybrid_take(it, pf, &claim, &reasons, error))
        return false;
    if (reasons != NULL && it->nic->meta->on_no_vf == FERRY_NO_VF_REFUSE)
        *ret_reasons = reasons;
    else
        json_decref(reasons);
    return true;
}

static bool
admit(void *data, const FerryDomain *live, json_t **ret_reasons, GError **error)
{
    const GPtrArray *hybrids = live->metadata->hybrids;
    json_t *reasons = NULL;

    for (guint i = 0; i < hybrids->len && reasons == NULL; i++) {
        g_autoptr(FerryHybridNic) nic = ferry_hybrid_nic_new(live, g_ptr_array_index(hybrids, i));

        if (!admit_one(&(FerryHybridCase){ data, live->uuid, live->name, nic }, &reasons, error))
            return false;
    }
    *ret_reasons = reasons;
    return true;
}

/* One start on its way. */
typedef struct {
    FerryStartExtent extent;
    json_t *degraded;
    json_t *reasons; /* set: refused */
    char *xml;       /* with the edits so far */
    bool is_edited;
} Starting;

static void
go_without(const FerryHybridCase *it, Starting *starting, json_t *reasons)
{
    if (it->nic->meta->on_no_vf == FERRY_NO_VF_REFUSE && starting->extent == FERRY_START_WHOLE) {
        starting->reasons = reasons;
        return;
    }
    g_autofree char *why = ferry_hybrid_join(reasons);

    (void)json_array_append_new(
        starting->degraded, json_pack("{s:s, s:s}", "alias", it->nic->meta->alias, "message", why));
    json_decref(reasons);
}

/* @ret: (out) (transfer full): what macvtap is to sit on, with that VF beside it */
static bool
find_netdev(const FerryHybridCase *it, const FerryClaimRow *claim, char **ret, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autoptr(FerryInventory) inventory = config->inventory(config->inventory_data);
    const FerryHostDevice *vf = ferry_pools_device(inventory, claim);
    const FerryHostDevice *pf = vf != NULL ? ferry_inventory_find(inventory, vf->pf) : NULL;
    g_autoptr(FerryPool) pool = NULL;

    if (!config->find_pool(config->pools_data, claim->pool, &pool, error))
        return false;
    if (pf != NULL && pf->netdev != NULL && pool != NULL)
        *ret = pool->vlan == 0 ? g_strdup(pf->netdev)
                               : ferry_netdev_vlan(config->root, pf->netdev, pool->vlan);
    if (*ret == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "%s: there is no netdev of VF %s's PF for its virtio half, in the VLAN of pool "
                    "%s",
                    it->nic->meta->alias, claim->slot, claim->pool);
    return *ret != NULL;
}

static bool
start_one(const FerryHybridCase *it, Starting *starting, GError **error)
{
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autofree char *netdev = NULL;
    g_autofree char *before = NULL;
    json_t *reasons = NULL;

    if (!ferry_hybrid_take(it, NULL, &claim, &reasons, error))
        return false;
    if (claim == NULL) {
        go_without(it, starting, reasons);
        return true;
    }
    if (!find_netdev(it, claim, &netdev, error))
        return false;
    before = g_steal_pointer(&starting->xml);
    starting->is_edited = true;
    return ferry_hybrid_xml_on(before, it->nic->meta->alias, netdev, &starting->xml, error);
}

static bool
before_start(void *data,
             const FerryDomain *inactive,
             const char *xml,
             FerryStartExtent extent,
             char **ret_xml,
             json_t *degraded,
             json_t **ret_reasons,
             GError **error)
{
    const GPtrArray *hybrids = inactive->metadata->hybrids;
    Starting starting = { .extent = extent, .degraded = degraded, .xml = g_strdup(xml) };
    bool ok = true;

    for (guint i = 0; i < hybrids->len && ok && starting.reasons == NULL; i++) {
        g_autoptr(FerryHybridNic) nic =
            ferry_hybrid_nic_new(inactive, g_ptr_array_index(hybrids, i));

        ok = start_one(&(FerryHybridCase){ data, inactive->uuid, inactive->name, nic }, &starting,
                       error);
    }
    if (ok) {
        *ret_reasons = starting.reasons;
        *ret_xml = starting.is_edited ? g_steal_pointer(&starting.xml) : NULL;
    }
    g_free(starting.xml);
    return ok;
}

static bool
look(void *data,
     const char *guest_uuid,
     const FerryDomain *live,
     unsigned *ret_again_ms,
     GError **error)
{
    return ferry_hybrid_look(data, guest_uuid, live, ret_again_ms, error);
}

const FerryHybridOps ferry_hybrid_ops = { admit, before_start, look };
