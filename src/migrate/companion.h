#pragma once

#include "guest/network.h"
#include "pool/pools.h"

/**
 * Pools, with the network that a pool of hybrids has beside it in libvirt: of the pool's name, in
 * bridge mode over its PFs, so that a guest's definition needs no PF in it.  A pool in a VLAN has
 * the PFs' own devices of that VLAN in it, which must be there: libvirt tags no macvtap.
 */

/** libvirt's networks; each is the function of guest/network.h. */
typedef struct {
    bool (*find)(void *data, const char *name, FerryCompanion *ret, GError **error);
    bool (*define)(void *data, const char *name, const char *xml, GError **error);
    bool (*undefine)(void *data, const char *name, GError **error);
} FerryCompanionOps;

/** Returns: (transfer none): libvirt's; their data is a FerryGuests */
const FerryCompanionOps *ferry_companion_guest_ops(void);

/** All of it the caller's; a plain value. */
typedef struct {
    FerryPools *pools;
    const FerryCompanionOps *networks;
    void *networks_data;
    FerryInventory *(*inventory)(void *data); /* (transfer full): the newest */
    void *inventory_data;
    int root; /* descriptor of a folder with proc/ in it */
} FerryCompanionHost;

/**
 * As ferry_pools_define(); for a pool of hybrids the network is defined first, so that there is
 * never a pool without its network.  A crash between leaves a network of ours, which the next
 * definition replaces.
 *
 * @ret_reasons: (out) (nullable) (transfer full): also when a PF has no device of the pool's VLAN
 *
 * Returns: false also with FERRY_ERROR_EXISTS when libvirt has a network of that name that is not
 *          ours
 */
bool ferry_companion_define(const FerryCompanionHost *host,
                            const FerryPool *pool,
                            json_t **ret_reasons,
                            GError **error);

/** As ferry_pools_undefine(); a pool of hybrids takes its network along. */
bool ferry_companion_undefine(const FerryCompanionHost *host,
                              const char *name,
                              json_t **ret_reasons,
                              GError **error);
