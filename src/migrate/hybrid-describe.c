#include "migrate/hybrid-state.h"

/* @nullable text under @key, left out when there is none */
static void
put(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        (void)json_object_set_new(object, key, json_string(value));
}

static void
put_vf(const FerryHybridCase *it, json_t *row)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *vf = NULL;

    if (it->nic->vf == NULL || it->nic->vf->source == NULL)
        return;
    inventory = config->inventory(config->inventory_data);
    vf = ferry_inventory_find(inventory, it->nic->vf->source);
    put(row, "vf", it->nic->vf->source);
    if (vf != NULL && vf->vf_index >= 0)
        (void)json_object_set_new(row, "vf_index", json_integer(vf->vf_index));
}

/* Returns: (transfer none): the state's word; @ret_why: (out) (nullable) (transfer full) */
static const char *
judge(const FerryHybridCase *it, char **ret_why)
{
    const FerryHybridNic *nic = it->nic;

    *ret_why = NULL;
    if (nic->macvtap == NULL && nic->vf == NULL)
        return "off";
    if (nic->vf == NULL) {
        (void)ferry_hybrid_due_ms(it->hybrids, it->guest_uuid, nic->meta->vf_alias, ret_why);
        if (*ret_why == NULL)
            *ret_why = g_strdup("its VF is being plugged in");
        return "degraded";
    }
    if (nic->vf->source != NULL && ferry_vfio_is_driven(it->hybrids->config.root, nic->vf->source))
        return "vf";
    *ret_why = g_strdup("no driver in the guest uses the VF (yet)");
    return "plugged";
}

static json_t *
describe(const FerryHybridCase *it)
{
    const FerryHybridNic *nic = it->nic;
    const FerryHybridMeta *meta = nic->meta;
    g_autofree char *pf = NULL;
    g_autofree char *why = NULL;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "alias", meta->alias, "vf_alias",
                            meta->vf_alias, "pool", meta->pool, "vf_address", meta->vf_address,
                            "on_no_vf", meta->on_no_vf == FERRY_NO_VF_REFUSE ? "refuse" : "degrade",
                            "state", judge(it, &why));

    if (nic->netdev != NULL)
        pf = ferry_hybrid_pf_below(it->hybrids, nic->netdev);
    if (nic->virtio != NULL) {
        put(row, "mac", nic->virtio->mac);
        put(row, "address", nic->virtio->address);
    }
    put(row, "netdev", nic->netdev);
    put(row, "pf", pf);
    put(row, "macvtap", nic->macvtap);
    put(row, "link", nic->macvtap != NULL ? ferry_link_state_name(nic->link) : NULL);
    put_vf(it, row);
    put(row, "reason", why);
    if (nic->vf == NULL && ferry_hybrid_has_no_vf(it->hybrids, it->guest_uuid, meta->vf_alias))
        put(row, "code", "no-free-vf");
    return row;
}

json_t *
ferry_hybrid_describe(FerryHybrids *self, const char *guest_uuid, const FerryDomain *domain)
{
    const GPtrArray *hybrids = domain->metadata->hybrids;
    json_t *rows = json_array();

    for (guint i = 0; i < hybrids->len; i++) {
        g_autoptr(FerryHybridNic) nic = ferry_hybrid_nic_new(domain, g_ptr_array_index(hybrids, i));
        const FerryHybridCase it = { self, guest_uuid, domain->name, nic };

        (void)json_array_append_new(rows, describe(&it));
    }
    return rows;
}
