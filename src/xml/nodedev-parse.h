#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "xml/nodedev.h"

/** No node-device XML longer than this is looked at: a PF with 256 VFs has some 40 kB. */
#define FERRY_NODEDEV_MAX_BYTES ((size_t)1 << 20)

/** No more vendor attributes than this are taken for one mdev, nor VFs or types for one parent. */
#define FERRY_NODEDEV_MAX_ITEMS 4096

/**
 * Reads a node device: libvirt's output, or a user's file.  Hostile until read: limits on size and
 * count, no DOCTYPE.  Elements that ferry has no use for are skipped.  An mdev whose <uuid> is
 * missing gets it from its name, as old libvirt wrote it ("mdev_<uuid with _>").
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element
 */
bool ferry_nodedev_parse(const char *xml, FerryNodedev **ret, GError **error);

/**
 * Reads what "virsh nodedev-create" takes for an mdev: parent and type, perhaps UUID, attributes
 * and start.  Name, path, driver and IOMMU group are ignored, a UUID in the name too.
 *
 * @ret: (out) (transfer full): capability is "mdev", parent and type are set
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element
 */
bool ferry_nodedev_parse_create(const char *xml, FerryNodedev **ret, GError **error);
