#pragma once

#include "xml/domain.h"

/**
 * Whether a guest has, as it was before, a device like the one that it has more now: a managed mdev
 * of the same type, place and attributes, or a hybrid NIC of the same pool and rule.  UUIDs, MAC
 * addresses and places in the guest, which no two devices share, do not count.
 *
 * @after: the same guest with one device more at most
 * @alias: (nullable): look at the one with this alias only
 *
 * Returns: (nullable) (transfer none): its alias in @before; NULL when there is none, or the device
 *          is of another kind
 */
const char *
ferry_guest_like_find(const FerryDomain *before, const FerryDomain *after, const char *alias);
