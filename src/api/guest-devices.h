#pragma once

#include <jansson.h>

#include "host/inventory.h"
#include "xml/domain.h"

/**
 * A guest's devices as "ferry guest show" tells of them, from its XML: as it runs, or the
 * definition of one that does not.
 */

/** @reasons: why the guest cannot move, {code, message, alias}; Returns: (transfer full): an array
 * of {alias, kind, type, address, ephemeral, movable, reason} */
json_t *ferry_guest_devices_json(const FerryDomain *domain, const json_t *reasons);

/** Returns: (transfer full): of <ferry:mdev>: an array of {alias, type, pool?, parent?, managed,
 * uuid?, vendor_id?, product_id?, made, attrs[]}; made: the host has this mdev now */
json_t *ferry_guest_mdevs_json(const FerryDomain *domain, const FerryInventory *inventory);
