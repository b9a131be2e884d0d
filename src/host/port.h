#pragma once

#include <stdbool.h>

#include <glib.h>

/**
 * The netdevs of one PCI function.  Taking the first would be wrong: in switchdev mode the
 * representors of its VFs hang under it, too, and some cards have two ports on one function (mlx4).
 */

/** One port of the function's own. */
typedef struct {
    char *netdev;
    unsigned number; /* dev_port */
    char *id;        /* (nullable) phys_port_id: that of the VFs' netdevs on this port */
} FerryPort;

/**
 * Lists a function's own ports.  phys_port_name and phys_port_id wait for the kernel's RTNL lock,
 * so they are read only where there is a choice to make.
 *
 * @folder: descriptor of the folder with the device's
 * @name: the device's
 *
 * Returns: (transfer full): of FerryPort, by number, then name
 */
GPtrArray *ferry_port_list(int folder, const char *name);

/** Returns: whether a phys_port_name is that of a representor: "pf0vf3", "c1pf0vf3", "pf0sf1"; not
 * "p0" or "pf0" */
bool ferry_port_is_representor(const char *phys_port_name);

/** Returns: (nullable) (transfer full): phys_port_id of a netdev; it waits for the RTNL lock */
char *ferry_port_read_id(int root, const char *netdev);
