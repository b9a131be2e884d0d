#pragma once

#include <stdbool.h>

#include <jansson.h>

#include <glib.h>

#include "host/inventory.h"

/** What ETHTOOL_GDRVINFO tells; "" where the driver has nothing to say. */
typedef struct {
    char driver[33];
    char version[33];
    char firmware[33];
} FerryDriverInfo;

/** How a netdev's driver is asked. */
typedef struct {
    /** Returns: 0 or an errno */
    int (*driver_info)(void *data, const char *netdev, FerryDriverInfo *ret);
} FerryDriverOps;

/** Returns: (transfer none): the kernel's own, by ioctl; its data is NULL */
const FerryDriverOps *ferry_host_ethtool(void);

/**
 * The facts of one device, as the compatibility check reads them: class, API, type or PCI id,
 * driver, driver's version, kernel, firmware, and what the files of host/facts-dir.h add; the name
 * goes along as a label.  What is not known is left out; whether it can migrate is not said, as
 * only VFIO knows (and asking it resets the device).
 *
 * The driver is that of the function that does the work: of an mdev its parent's, of a VF under
 * plain vfio-pci its PF's, of one under a vendor's VFIO driver that driver.
 *
 * @root: as for ferry_inventory_read()
 * @device: of @inventory; an mdev or a VF
 * @type: (nullable): of a parent: the facts of a device of that type that is not made yet
 *
 * Returns: (transfer full): a JSON object
 */
json_t *ferry_host_facts(int root,
                         const FerryInventory *inventory,
                         const FerryHostDevice *device,
                         const char *type,
                         const FerryDriverOps *ops,
                         void *data);
