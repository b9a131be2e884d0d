#pragma once

#include <glib.h>

#include "host/inventory.h"
#include "xml/convert.h"

/**
 * What the definition of a guest asks of this host, answered from its pools and one look at its
 * devices.  One thread uses it.
 */
typedef struct _FerryGuestHost FerryGuestHost;

/**
 * @pools: (transfer full): of FerryPool
 * @inventory: (transfer full)
 *
 * Returns: (transfer full)
 */
FerryGuestHost *
ferry_guest_host_new(GPtrArray *pools, FerryInventory *inventory, const FerryClock *clock);

void ferry_guest_host_free(FerryGuestHost *self);

/** Returns: (transfer none): for ferry_convert_domain(); lives as long as @self */
const FerryConvertHost *ferry_guest_host_convert(const FerryGuestHost *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryGuestHost, ferry_guest_host_free)
