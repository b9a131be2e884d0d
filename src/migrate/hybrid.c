#include "migrate/hybrid.h"

#include "migrate/hybrid-state.h"

/* How often a guest is looked at without an event: no event tells that its driver has taken the VF,
 * or has left it (the guest boots again), or that libvirt has taken macvtap up (it was resumed). */
#define WAIT_MS   1000
#define STEADY_MS 5000

/* Whether the two halves are not yet, or no longer, as they should be; by the kernel's files
 * alone, and by an XML that may be older than our own last change of the link. */
static bool
is_amiss(const FerryHybridCase *it, bool is_driven)
{
    const FerryHybridNic *nic = it->nic;
    const bool is_up =
        nic->macvtap == NULL || ferry_netdev_is_up(it->hybrids->config.root, nic->macvtap);

    return is_driven ? is_up : nic->link == FERRY_LINK_DOWN || !is_up || !ferry_hybrid_receives(it);
}

/* The same hybrid by what libvirt says now.  @ret_domain: (out): what @ret_nic lives in */
static bool
read_again(const FerryHybridCase *it,
           FerryDomain **ret_domain,
           FerryHybridNic **ret_nic,
           GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autofree char *xml = NULL;

    if (!config->guest->xml(config->guest_data, it->guest_uuid, &xml, error) ||
        !ferry_domain_parse(xml, ret_domain, error))
        return false;
    *ret_nic = ferry_hybrid_nic_new(*ret_domain, it->nic->meta);
    return true;
}

static bool
put_right(const FerryHybridCase *it, bool is_driven, GError **error)
{
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(FerryHybridNic) nic = NULL;
    FerryHybridCase fresh = *it;

    if (!read_again(it, &domain, &nic, error))
        return false;
    fresh.nic = nic;
    if (nic->virtio == NULL || nic->vf == NULL)
        return true; /* it has changed since: there is an event of that */
    return is_driven ? ferry_hybrid_virtio_down(&fresh, error)
                     : ferry_hybrid_virtio_up(&fresh, error);
}

/* A crash between plugging in and keeping leaves a claim that says "reserved". */
static bool
keep(const FerryHybridCase *it, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autoptr(GPtrArray) claims = NULL;

    if (!config->claims->list(config->claims_data, it->guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (claim->state == FERRY_CLAIM_RESERVED &&
            g_str_equal(claim->alias, it->nic->meta->vf_alias) &&
            !config->claims->keep(config->claims_data, claim->generation, error))
            return false;
    }
    return true;
}

/* Returns: how much longer virtio has to stay up beside a VF that is driven, ms */
static unsigned
settle(const FerryHybridCase *it, bool is_driven)
{
    const char *vf_alias = it->nic->meta->vf_alias;
    const unsigned settle_ms = it->hybrids->config.settle_ms;
    unsigned driven_ms = 0;

    if (!is_driven) {
        ferry_hybrid_forget(it->hybrids, it->guest_uuid, vf_alias);
        return 0;
    }
    driven_ms = ferry_hybrid_driven_ms(it->hybrids, it->guest_uuid, vf_alias);
    return driven_ms < settle_ms ? settle_ms - driven_ms : 0;
}

static unsigned
confirm(const FerryHybridCase *it)
{
    const char *vf = it->nic->vf->source;
    const bool is_driven = vf != NULL && ferry_vfio_is_driven(it->hybrids->config.root, vf);
    const unsigned settle_ms = settle(it, is_driven);
    g_autoptr(GError) error = NULL;

    if (!is_amiss(it, is_driven))
        return is_driven ? STEADY_MS : WAIT_MS;
    if (settle_ms > 0 ? !ferry_hybrid_let_vf_receive(it, &error)
                      : !keep(it, &error) || !put_right(it, is_driven, &error))
        return ferry_hybrid_failed(it->hybrids, it->guest_uuid, it->nic->meta->vf_alias,
                                   error->message, STEADY_MS);
    return settle_ms > 0 ? MIN(settle_ms, WAIT_MS) : WAIT_MS;
}

/* With the VF out, a stale XML could make us plug into a guest that has it: libvirt is asked first,
 * by attach itself. */
static unsigned
look_at(const FerryHybridCase *it)
{
    const char *vf_alias = it->nic->meta->vf_alias;
    unsigned due_ms = 0;
    uint64_t asked = 0;

    /* whoever asked has given up */
    if (ferry_hybrid_is_asked(it->hybrids, it->guest_uuid, vf_alias, &asked))
        ferry_hybrid_forget(it->hybrids, it->guest_uuid, vf_alias);
    if (it->nic->vf != NULL && it->nic->virtio != NULL)
        return confirm(it);
    due_ms = ferry_hybrid_due_ms(it->hybrids, it->guest_uuid, vf_alias, NULL);
    return due_ms > 0 ? due_ms : ferry_hybrid_plug(it);
}

bool
ferry_hybrid_look(FerryHybrids *self,
                  const char *guest_uuid,
                  const FerryDomain *live,
                  unsigned *ret_again_ms,
                  GError **error)
{
    const GPtrArray *hybrids = live->metadata->hybrids;
    unsigned again_ms = 0;

    (void)error;
    for (guint i = 0; i < hybrids->len; i++) {
        g_autoptr(FerryHybridNic) nic = ferry_hybrid_nic_new(live, g_ptr_array_index(hybrids, i));
        const FerryHybridCase it = { self, guest_uuid, live->name, nic };
        const unsigned ms = look_at(&it);

        again_ms = again_ms == 0 ? ms : MIN(again_ms, ms);
    }
    *ret_again_ms = again_ms;
    return true;
}
