#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * Parents and their types as a table.  Types of one parent share what it has, so that making one
 * takes from all: from the second on a row says "or".
 *
 *   PARENT  TYPE    LEFT  API       NAME
 *   mtty    mtty-1  24    vfio-pci  Single port serial
 *      or   mtty-2  12    vfio-pci  Dual port serial
 *
 * @parents: (nullable): of GET /v1/mdevs/types
 *
 * Returns: (transfer full): text that ends with a newline
 */
char *ferry_mdev_types_page(const json_t *parents);
