/*
 * How a VF comes into a running guest: claimed (durable), its settings saved with the claim
 * (durable), plugged in, kept.  A crash between any two leaves a claim of the guest's that the
 * next look takes up again.  A failure gives the claim back; the guest goes on with virtio.
 */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "migrate/hybrid-state.h"

/* For ferry_pools_release(), which waits for mdevs only. */
#define RELEASE_MS 5000

/* A VF that was just plugged in is looked after soon; one that is not to be had now and then, in
 * case that the event which made it free was missed. */
#define PLUGGED_MS 500
#define NO_VF_MS   3000
#define LONGEST_MS 60000

/* First byte of a macvtap's MAC that is not its guest's: libvirt gives it to the host's ends of
 * taps, and to no guest (virNetDevTapCreateInBridgePort). */
#define NOBODYS "fe"

static bool
set_netdev(FerryHybrids *self,
           int (*set)(void *data, const char *netdev),
           const char *netdev,
           GError **error)
{
    const int number = netdev != NULL ? set(self->config.netdevs_data, netdev) : 0;

    return number == 0 || ferry_error_set_errno(error, number, "take up or down netdev", netdev);
}

bool
ferry_hybrid_receives(const FerryHybridCase *it)
{
    const FerryHybridNic *nic = it->nic;
    g_autofree char *address =
        nic->macvtap != NULL ? ferry_netdev_address(it->hybrids->config.root, nic->macvtap) : NULL;

    return address == NULL || nic->virtio == NULL || nic->virtio->mac == NULL ||
           g_ascii_strcasecmp(address, nic->virtio->mac) == 0;
}

static bool
set_address(const FerryHybridCase *it, const char *mac, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    const char *macvtap = it->nic->macvtap;
    const int number = config->netdevs->set_address(config->netdevs_data, macvtap, mac);

    return number == 0 || ferry_error_set_errno(error, number, "set the MAC of netdev", macvtap);
}

bool
ferry_hybrid_let_vf_receive(const FerryHybridCase *it, GError **error)
{
    g_autofree char *mac = NULL;

    if (it->nic->macvtap == NULL || !ferry_hybrid_receives(it))
        return true;
    mac = g_strconcat(NOBODYS, it->nic->virtio->mac + strlen(NOBODYS), NULL);
    return set_address(it, mac, error);
}

bool
ferry_hybrid_virtio_up(const FerryHybridCase *it, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;

    if (!ferry_hybrid_receives(it) && !set_address(it, it->nic->virtio->mac, error))
        return false;
    if (it->nic->link == FERRY_LINK_UP)
        return true;
    return set_netdev(it->hybrids, config->netdevs->set_up, it->nic->macvtap, error) &&
           config->guest->set_link(config->guest_data, it->guest_uuid, it->nic->meta->alias,
                                   FERRY_LINK_UP, error);
}

bool
ferry_hybrid_virtio_down(const FerryHybridCase *it, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;

    return config->guest->set_link(config->guest_data, it->guest_uuid, it->nic->meta->alias,
                                   FERRY_LINK_DOWN, error) &&
           ferry_hybrid_let_vf_receive(it, error) &&
           set_netdev(it->hybrids, config->netdevs->set_down, it->nic->macvtap, error);
}

char *
ferry_hybrid_pf_below(FerryHybrids *self, const char *netdev)
{
    g_autoptr(FerryInventory) inventory = self->config.inventory(self->config.inventory_data);
    g_autofree char *lower = ferry_netdev_lower(self->config.root, netdev);
    const FerryHostDevice *pf =
        ferry_inventory_find_netdev(inventory, lower != NULL ? lower : netdev);

    return pf != NULL && (pf->roles & FERRY_HOST_PF) != 0 ? g_strdup(pf->name) : NULL;
}

char *
ferry_hybrid_join(const json_t *reasons)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const char *message =
            json_string_value(json_object_get(json_array_get(reasons, i), "message"));

        g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "",
                               message != NULL ? message : "refused");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool
is_on(const FerryClaimRow *claim, const char *pf)
{
    const size_t length = strlen(pf);

    return strncmp(claim->slot, pf, length) == 0 && claim->slot[length] == '/';
}

/* @ret: (out) (nullable): that of this hybrid which is to be kept; others are given back. */
static bool
find_claim(const FerryHybridCase *it, const char *pf, FerryClaimRow **ret, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autoptr(GPtrArray) claims = NULL;

    if (!config->claims->list(config->claims_data, it->guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (strcmp(claim->alias, it->nic->meta->vf_alias) != 0)
            continue;
        if (claim->state != FERRY_CLAIM_RELEASING && *ret == NULL &&
            strcmp(claim->pool, it->nic->meta->pool) == 0 && (pf == NULL || is_on(claim, pf)))
            *ret = ferry_claim_row_copy(claim);
        else if (!config->claims->release(config->claims_data, claim->generation, RELEASE_MS,
                                          error))
            return false;
    }
    return true;
}

bool
ferry_hybrid_take(const FerryHybridCase *it,
                  const char *pf,
                  FerryClaimRow **ret,
                  json_t **ret_reasons,
                  GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autoptr(GPtrArray) avoid =
        ferry_hybrid_avoided(it->hybrids, it->guest_uuid, it->nic->meta->vf_alias);
    const FerryNeed need = { .guest_uuid = it->guest_uuid,
                             .guest_name = it->guest_name,
                             .alias = it->nic->meta->vf_alias,
                             .pool = it->nic->meta->pool,
                             .pf = pf,
                             .avoid = avoid };
    FerryClaimRow *found = NULL;

    if (!find_claim(it, pf, &found, error)) {
        ferry_claim_row_free(found);
        return false;
    }
    if (found == NULL)
        return config->claims->claim(config->claims_data, &need, ret, ret_reasons, error);
    *ret = found;
    return true;
}

/* The guest's address is the user's own text; libvirt's parser would name neither it nor us. */
static bool
is_address(const char *text)
{
    static const char form[] = "xxxx:xx:xx.x";

    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'x' ? !g_ascii_isxdigit(text[i]) : text[i] != form[i])
            return false;
    return true;
}

static bool fail(GError **error, FerryErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool
fail(GError **error, FerryErrorCode code, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, FERRY_ERROR, code, why);
    return false;
}

static bool
get_pool(const FerryHybridCase *it, FerryPool **ret, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    const char *name = it->nic->meta->pool;

    if (!config->find_pool(config->pools_data, name, ret, error))
        return false;
    return *ret != NULL ||
           fail(error, FERRY_ERROR_NOT_FOUND,
                "there is no pool %s on this host: \"ferry pool define\" makes one", name);
}

/* Its settings saved, the VF goes into the guest. */
static bool
attach(const FerryHybridCase *it, const FerryClaimRow *claim, GError **error)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    const FerryHybridMeta *meta = it->nic->meta;
    g_autoptr(FerryInventory) inventory = config->inventory(config->inventory_data);
    const FerryHostDevice *vf = ferry_pools_device(inventory, claim);
    g_autoptr(FerryPool) pool = NULL;
    g_autofree char *xml = NULL;
    json_t *reasons = NULL;

    if (vf == NULL)
        return fail(error, FERRY_ERROR_NOT_FOUND, "VF %s is not there any more", claim->slot);
    if (!get_pool(it, &pool, error) ||
        !config->claims->prepare(config->claims_data, claim->generation, &reasons, error))
        return false;
    if (reasons != NULL) {
        g_autofree char *why = ferry_hybrid_join(reasons);

        json_decref(reasons);
        return fail(error, FERRY_ERROR_BUSY, "%s", why);
    }
    xml = ferry_hybrid_vf_xml(it->nic, pool, vf->name);
    return config->guest->attach(config->guest_data, it->guest_uuid, meta->vf_alias, xml, error) &&
           config->claims->keep(config->claims_data, claim->generation, error);
}

/* The guest goes on with virtio; what another try may change is tried ever more rarely. */
static unsigned
note(const FerryHybridCase *it, const char *why)
{
    return ferry_hybrid_failed(it->hybrids, it->guest_uuid, it->nic->meta->vf_alias, why,
                               LONGEST_MS);
}

/* @reasons: (transfer full): of the claim that was refused.  A VF that is still being released, or
 * a type not yet published, may be there in a moment. */
static unsigned
note_no_vf(const FerryHybridCase *it, json_t *reasons)
{
    const char *vf_alias = it->nic->meta->vf_alias;
    g_autofree char *why = ferry_hybrid_join(reasons);
    const unsigned again_ms =
        ferry_hybrid_failed(it->hybrids, it->guest_uuid, vf_alias, why, NO_VF_MS);

    if (!json_is_true(json_object_get(json_array_get(reasons, 0), "passing")))
        ferry_hybrid_set_no_vf(it->hybrids, it->guest_uuid, vf_alias);
    json_decref(reasons);
    return again_ms;
}

/* The claim goes unless the VF went in after all: then the next look finds both.  Another VF may
 * do what this one does not. */
static unsigned
give_up(const FerryHybridCase *it, const FerryClaimRow *claim, const char *why)
{
    const FerryHybridsConfig *config = &it->hybrids->config;
    g_autoptr(GError) ignored = NULL; /* BUSY for one: it stays "releasing", for the next look */
    g_autoptr(FerryDomain) live = NULL;
    g_autofree char *xml = NULL;

    ferry_hybrid_avoid(it->hybrids, it->guest_uuid, it->nic->meta->vf_alias, claim->slot);
    if (config->guest->xml(config->guest_data, it->guest_uuid, &xml, NULL) &&
        ferry_domain_parse(xml, &live, NULL) &&
        ferry_domain_device(live, it->nic->meta->vf_alias) == NULL)
        (void)config->claims->release(config->claims_data, claim->generation, RELEASE_MS, &ignored);
    return note(it, why);
}

static bool
may_plug(const FerryHybridCase *it, char **ret_pf, GError **error)
{
    const FerryHybridNic *nic = it->nic;

    if (nic->virtio == NULL || nic->virtio->mac == NULL)
        return fail(error, FERRY_ERROR_NOT_FOUND, "the guest has no interface %s",
                    nic->meta->alias);
    if (nic->netdev == NULL || nic->macvtap == NULL)
        return fail(error, FERRY_ERROR_INVALID,
                    "%s is on no macvtap: its <interface> must be of the network %s",
                    nic->meta->alias, nic->meta->pool);
    if (!is_address(nic->meta->vf_address))
        return fail(error, FERRY_ERROR_INVALID, "vf-address=\"%s\" is not a PCI address",
                    nic->meta->vf_address);
    *ret_pf = ferry_hybrid_pf_below(it->hybrids, nic->netdev);
    return *ret_pf != NULL ||
           fail(error, FERRY_ERROR_INVALID, "%s, below %s, is not a PF: it has no VFs", nic->netdev,
                nic->meta->alias);
}

unsigned
ferry_hybrid_plug(const FerryHybridCase *it)
{
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *pf = NULL;
    json_t *reasons = NULL;

    if (!ferry_hybrid_virtio_up(it, &error) || !may_plug(it, &pf, &error) ||
        !ferry_hybrid_take(it, pf, &claim, &reasons, &error))
        return note(it, error->message);
    if (claim == NULL)
        return note_no_vf(it, reasons);
    if (!attach(it, claim, &error))
        return give_up(it, claim, error->message);
    ferry_hybrid_forget(it->hybrids, it->guest_uuid, it->nic->meta->vf_alias);
    return PLUGGED_MS;
}
