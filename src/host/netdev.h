#pragma once

#include <stdbool.h>

#include <glib.h>

/*
 * What a hybrid NIC needs of netdevs and of a VF's use.  Read below a root as in sysfs.h; any
 * thread may call any of this.
 */

/** Returns: whether the netdev is there and administratively up */
bool ferry_netdev_is_up(int root, const char *netdev);

/** Returns: (nullable) (transfer full): its MAC, in lower case with colons */
char *ferry_netdev_address(int root, const char *netdev);

/** Returns: (nullable) (transfer full): the netdev that this one stands on, of a VLAN device or a
 * macvtap; NULL when it stands on none, or on several */
char *ferry_netdev_lower(int root, const char *netdev);

/** Returns: (nullable) (transfer full): the VLAN device with that tag on @lower, whatever its name
 */
char *ferry_netdev_vlan(int root, const char *lower, unsigned vlan);

/** How netdevs are changed. */
typedef struct {
    /** Takes a netdev administratively up or down.  Returns: 0 or an errno; ENODEV when it is not
     * there */
    int (*set_up)(void *data, const char *netdev);
    int (*set_down)(void *data, const char *netdev);

    /** Gives a netdev, up or down, another MAC.  Returns: 0 or an errno; EINVAL when @mac is none
     */
    int (*set_address)(void *data, const char *netdev, const char *mac);
} FerryNetdevOps;

/** Returns: (transfer none): the kernel's own; its data is NULL */
const FerryNetdevOps *ferry_netdev_kernel(void);

/**
 * Whether a driver uses the device that QEMU has through VFIO: it has enabled interrupts of its,
 * which are then lines of /proc/interrupts, "vfio-msix[0](0000:01:10.0)".
 *
 * @address: of PCI
 */
bool ferry_vfio_is_driven(int root, const char *address);
