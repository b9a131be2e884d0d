#pragma once

#include <jansson.h>

#include "host/inventory.h"
#include "host/users.h"
#include "host/vf.h"

/**
 * One device as the API shows it: name, bus, path, roles, driver, iommu_group, numa_node, cdev,
 * netdev, link, ports; of a VF pf, pf_netdev and vf_index; of a PF total_vfs and vfs; of a parent
 * types, which are alternatives
 * ("capacity" is "one_of" so that nobody adds them up); of an mdev parent and type.  Keys of which
 * nothing is known are left out.
 *
 * @user: (nullable): who has it open
 *
 * Returns: (transfer full)
 */
json_t *ferry_host_json(const FerryHostDevice *device, const FerryUser *user);

/** Returns: (transfer full): an object with those settings that are known */
json_t *ferry_vf_json(const FerryVfSettings *settings);

/**
 * The inverse: what a claim kept in the store.
 *
 * @ret: (out)
 *
 * Returns: false with FERRY_ERROR_CORRUPT, naming the key
 */
bool ferry_vf_from_json(const json_t *json, FerryVfSettings *ret, GError **error);
