#include "migrate/companion.h"

#include "base/error.h"
#include "host/netdev.h"
#include "migrate/objection.h"
#include "xml/network.h"

static bool
find_network(void *data, const char *name, FerryCompanion *ret, GError **error)
{
    return ferry_guests_companion_find(data, name, ret, error);
}

static bool
define_network(void *data, const char *name, const char *xml, GError **error)
{
    return ferry_guests_companion_define(data, name, xml, error);
}

static bool
undefine_network(void *data, const char *name, GError **error)
{
    return ferry_guests_companion_undefine(data, name, error);
}

const FerryCompanionOps *
ferry_companion_guest_ops(void)
{
    static const FerryCompanionOps ops = { find_network, define_network, undefine_network };

    return &ops;
}

/* @name: a netdev or a PCI address; Returns: (nullable) (transfer none): NULL: no PF with a netdev
 */
static const char *
netdev_of(const FerryInventory *inventory, const char *name)
{
    const FerryHostDevice *pf = ferry_inventory_find_netdev(inventory, name);

    if (pf == NULL)
        pf = ferry_inventory_find(inventory, name);
    return pf != NULL && (pf->roles & FERRY_HOST_PF) != 0 ? pf->netdev : NULL;
}

static json_t *
no_vlan_device(const FerryPool *pool, const char *netdev)
{
    g_autofree char *remedy =
        g_strdup_printf("ip link add link %s name %s.%u type vlan id %u, and up", netdev, netdev,
                        pool->vlan, pool->vlan);
    json_t *reasons = ferry_objection("no-vlan-device",
                                      "pool %s: %s has no device of VLAN %u: the virtio half of a "
                                      "hybrid would be outside of the VLAN that its VF is in",
                                      pool->name, netdev, pool->vlan);

    ferry_object_remedy(reasons, remedy);
    ferry_object_value(reasons, "pf", json_string(netdev));
    ferry_object_value(reasons, "vlan", json_integer(pool->vlan));
    return reasons;
}

/* @ret: gets what macvtaps will sit on, a netdev a PF */
static bool
list_interfaces(const FerryCompanionHost *host,
                const FerryPool *pool,
                GPtrArray *ret,
                json_t **ret_reasons,
                GError **error)
{
    g_autoptr(FerryInventory) inventory = host->inventory(host->inventory_data);

    for (guint i = 0; i < pool->pfs->len; i++) {
        const char *name = g_ptr_array_index(pool->pfs, i);
        const char *netdev = netdev_of(inventory, name);
        char *device = NULL;

        if (netdev == NULL) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                        "%s is no PF with a netdev on this host: see \"ferry pf list\"", name);
            return false;
        }
        device =
            pool->vlan == 0 ? g_strdup(netdev) : ferry_netdev_vlan(host->root, netdev, pool->vlan);
        if (device == NULL) {
            *ret_reasons = no_vlan_device(pool, netdev);
            return true;
        }
        g_ptr_array_add(ret, device);
    }
    return true;
}

/* The network of a pool that is there must not be replaced by one of a pool that is refused. */
static bool
check_name(const FerryCompanionHost *host, const char *name, GError **error)
{
    g_autoptr(FerryPool) there = NULL;

    if (!ferry_pools_find(host->pools, name, &there, error))
        return false;
    if (there != NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "there is a pool %s already: see \"ferry pool show %s\"", name, name);
    return there == NULL;
}

/* What failed is the caller's to know; that the network stays until the next time is not worth it.
 */
static void
take_back(const FerryCompanionHost *host, const char *name)
{
    g_autoptr(GError) ignored = NULL;

    (void)host->networks->undefine(host->networks_data, name, &ignored);
}

bool
ferry_companion_define(const FerryCompanionHost *host,
                       const FerryPool *pool,
                       json_t **ret_reasons,
                       GError **error)
{
    g_autoptr(GPtrArray) interfaces = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *xml = NULL;
    json_t *reasons = NULL;

    if (!pool->hybrid)
        return ferry_pools_define(host->pools, pool, ret_reasons, error);
    if (!check_name(host, pool->name, error) ||
        !list_interfaces(host, pool, interfaces, &reasons, error))
        return false;
    if (reasons != NULL) {
        *ret_reasons = reasons;
        return true;
    }
    xml = ferry_network_format_companion(pool->name, interfaces);
    if (!host->networks->define(host->networks_data, pool->name, xml, error))
        return false;
    if (!ferry_pools_define(host->pools, pool, &reasons, error)) {
        take_back(host, pool->name);
        return false;
    }
    if (reasons != NULL)
        take_back(host, pool->name);
    *ret_reasons = reasons;
    return true;
}

bool
ferry_companion_undefine(const FerryCompanionHost *host,
                         const char *name,
                         json_t **ret_reasons,
                         GError **error)
{
    g_autoptr(FerryPool) pool = NULL;
    json_t *reasons = NULL;

    if (!ferry_pools_find(host->pools, name, &pool, error) ||
        !ferry_pools_undefine(host->pools, name, &reasons, error))
        return false;
    if (reasons == NULL && pool != NULL && pool->hybrid &&
        !host->networks->undefine(host->networks_data, name, error))
        return false;
    *ret_reasons = reasons;
    return true;
}
