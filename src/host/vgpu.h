#pragma once

#include <stdbool.h>

#include <glib.h>

#include "host/kernel.h"

/**
 * vGPUs without mdev: on kernels from 6.8 a VF of an NVIDIA GPU is given the number of a type, and
 * is a plain VFIO device then.  See FERRY_HOST_VGPU.
 */

/**
 * Gives a VF a type; the same type again is a success.
 *
 * @vf: the VF's PCI address
 * @type: the type's number, "1146"
 *
 * Returns: false with
 *          FERRY_ERROR_NOT_FOUND  no such VF, or not one of this kind, or it cannot be of that type
 *                                 now (types share what their GPU has)
 *          FERRY_ERROR_EXISTS     it is of another type
 *          FERRY_ERROR_EXHAUSTED, FERRY_ERROR_DENIED, FERRY_ERROR_IO  as the driver says
 */
bool ferry_vgpu_set(const FerryKernel *kernel, const char *vf, const char *type, GError **error);

/**
 * Takes the type off again.  A VF that has none is a success; one that meanwhile is of another type
 * than @type belongs to somebody else, and is left alone.
 *
 * Returns: false with FERRY_ERROR_EXISTS (another type), FERRY_ERROR_BUSY (a process has it open,
 *          named), FERRY_ERROR_DENIED or FERRY_ERROR_IO
 */
bool ferry_vgpu_clear(const FerryKernel *kernel, const char *vf, const char *type, GError **error);
