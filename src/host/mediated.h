#pragma once

#include <glib.h>

#include "host/device.h"

/** Reads sys/class/mdev_bus, which is absent until some driver has registered a parent. */

/**
 * One parent of mediated devices, on whatever bus.
 *
 * @classes: descriptor of sys/class/mdev_bus
 * @name: "0000:41:00.0", "matrix", "mtty"
 *
 * Returns: (nullable) (transfer full): NULL when it is gone
 */
FerryHostDevice *ferry_mediated_read_parent(int classes, const char *name);

/**
 * Of a parent only its name, its types and how many each has left: all that changes by itself, and
 * a good part cheaper to read.
 *
 * Returns: (nullable) (transfer full): NULL when it is gone
 */
FerryHostDevice *ferry_mediated_read_left(int classes, const char *name);

/**
 * The types of a parent, into @device; none is a state of its own: the vendor's service publishes
 * them late, and the kernel tells by a "change" event.
 *
 * @folder: descriptor of the parent's folder
 */
void ferry_mediated_read_types(FerryHostDevice *device, int folder);

/**
 * One mediated device.
 *
 * @devices: descriptor of sys/bus/mdev/devices
 *
 * Returns: (nullable) (transfer full): NULL when it is gone, or not all there yet
 */
FerryHostDevice *ferry_mediated_read(int devices, const char *uuid);

/** Returns: (nullable) (transfer full): path in sysfs that a link of a class or a bus leads to */
char *ferry_mediated_path(int folder, const char *name);
