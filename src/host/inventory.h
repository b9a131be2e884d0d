#pragma once

#include <stdbool.h>

#include <glib.h>

#include "host/device.h"

/**
 * What the host has: one look at sysfs, never changed afterwards.  It is counted, and any thread
 * may read it, or take and drop its own reference, without a lock.
 */
typedef struct _FerryInventory FerryInventory;

/**
 * Looks at everything: parents of every bus with their types, mdevs, PFs and their VFs, vGPU VFs.
 * Devices that are none of these are left out.  Nothing is opened but sysfs, nothing is reset or
 * probed, and no attribute is read that waits for a PF's lock.
 *
 * A device that goes or comes meanwhile is in it or is not; that no reading fails for such a
 * reason.
 *
 * @root: descriptor of a folder with sys/ in it: that of "/", or of a recorded tree
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when there is no sys/ below @root
 */
bool ferry_inventory_read(int root, FerryInventory **ret, GError **error);

/** Returns: (transfer full): that of a host without any device */
FerryInventory *ferry_inventory_new_empty(void);

/** Returns: how many devices it has; they are sorted by bus, then name */
unsigned ferry_inventory_n_devices(const FerryInventory *self);

/** Returns: (transfer none): @i below ferry_inventory_n_devices() */
const FerryHostDevice *ferry_inventory_device(const FerryInventory *self, unsigned i);

/**
 * Returns: (nullable) (transfer none): the device that the kernel calls so; an mdev by its UUID in
 *          whatever case.  On two buses a name may stand for two devices: then that of "pci" first.
 */
const FerryHostDevice *ferry_inventory_find(const FerryInventory *self, const char *name);

/** Returns: (nullable) (transfer none): the PF or VF whose netdev has that name */
const FerryHostDevice *ferry_inventory_find_netdev(const FerryInventory *self, const char *netdev);

FerryInventory *ferry_inventory_ref(FerryInventory *self);
void ferry_inventory_unref(FerryInventory *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryInventory, ferry_inventory_unref)
