#include <string.h>

#include "base/error.h"
#include "migrate/hybrid-state.h"

#define RELEASE_MS 5000

/* It keeps the VF, so the VF gets the MAC back; a failure of that is for the next look. */
static void
refused(const FerryHybridCase *it, const char *reason, FerryUnplug *ret, char **ret_why)
{
    const char *vf = it->nic->vf->source;

    ferry_hybrid_forget(it->hybrids, it->guest_uuid, it->nic->meta->vf_alias);
    if (vf != NULL && ferry_vfio_is_driven(it->hybrids->config.root, vf))
        (void)ferry_hybrid_virtio_down(it, NULL);
    *ret = FERRY_UNPLUG_REFUSED;
    *ret_why =
        g_strdup_printf("guest %s did not release its VF %s: %s; it keeps the VF and runs on",
                        it->guest_name, it->nic->meta->vf_alias, reason);
}

static void
wait_for(const FerryHybridCase *it, FerryUnplug *ret, char **ret_why)
{
    *ret = FERRY_UNPLUG_WAIT;
    *ret_why =
        g_strdup_printf("guest %s to release its VF %s", it->guest_name, it->nic->meta->vf_alias);
}

static bool
ask(const FerryHybridCase *it, FerryUnplug *ret, char **ret_why, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    const char *vf_alias = it->nic->meta->vf_alias;
    const uint64_t seen = config->guest->seen(config->guest_data);
    FerryDetach answer = FERRY_DETACH_ASKED;
    g_autofree char *reason = NULL;

    if (!ferry_hybrid_virtio_up(it, error) ||
        !config->guest->detach_ask(config->guest_data, it->guest_uuid, vf_alias, &answer, &reason,
                                   error))
        return false;
    if (answer == FERRY_DETACH_REFUSED) {
        refused(it, reason, ret, ret_why);
        return true;
    }
    ferry_hybrid_set_asked(it->hybrids, it->guest_uuid, vf_alias, seen);
    wait_for(it, ret, ret_why);
    return true;
}

static bool
unplug(const FerryHybridCase *it, FerryUnplug *ret, char **ret_why, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    const char *vf_alias = it->nic->meta->vf_alias;
    uint64_t asked = 0;

    if (it->nic->vf == NULL) {
        ferry_hybrid_forget(it->hybrids, it->guest_uuid, vf_alias);
        *ret = FERRY_UNPLUG_DONE;
        *ret_why = NULL;
        return ferry_hybrid_virtio_up(it, error);
    }
    if (!ferry_hybrid_is_asked(it->hybrids, it->guest_uuid, vf_alias, &asked))
        return ask(it, ret, ret_why, error);
    if (config->guest->device_kept(config->guest_data, it->guest_uuid, vf_alias, asked))
        refused(it, "it refused", ret, ret_why);
    else
        wait_for(it, ret, ret_why);
    return true;
}

bool
ferry_hybrid_unplug(FerryHybrids *self,
                    const char *guest_uuid,
                    const char *vf_alias,
                    FerryUnplug *ret,
                    char **ret_why,
                    GError **error)
{
    const FerryHybridsConfig *config = &self->config;
    g_autoptr(FerryDomain) live = NULL;
    g_autoptr(FerryHybridNic) nic = NULL;
    g_autofree char *xml = NULL;
    const FerryHybridMeta *meta = NULL;

    if (!config->guest->xml(config->guest_data, guest_uuid, &xml, error) ||
        !ferry_domain_parse(xml, &live, error))
        return false;
    meta = ferry_hybrid_meta_of_vf(live, vf_alias);
    if (meta == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "guest %s has no hybrid NIC with the VF %s", live->name, vf_alias);
        return false;
    }
    nic = ferry_hybrid_nic_new(live, meta);
    return unplug(&(FerryHybridCase){ self, guest_uuid, live->name, nic }, ret, ret_why, error);
}

bool
ferry_hybrid_release(FerryHybrids *self,
                     const char *guest_uuid,
                     const char *vf_alias,
                     GError **error)
{
    const FerryHybridsConfig *config = &self->config;
    g_autoptr(GPtrArray) claims = NULL;

    if (!config->claims->list(config->claims_data, guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (strcmp(claim->alias, vf_alias) == 0 &&
            !config->claims->release(config->claims_data, claim->generation, RELEASE_MS, error))
            return false;
    }
    return true;
}
