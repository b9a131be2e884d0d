#pragma once

#include <stdbool.h>

#include <glib.h>

#include "host/kernel.h"

/**
 * Makes a PF have that many VFs, without a driver of the host's own on the new ones.  The same
 * number again is a success without a write.  Takes 0.1 to 3 s; the kernel allows a change from
 * some to some others only by way of none, which takes all VFs away for a moment.
 *
 * @pf: the PF's PCI address
 *
 * Returns: false with
 *          FERRY_ERROR_NOT_FOUND    no such device, or it is no PF
 *          FERRY_ERROR_INVALID      more than the PF can have
 *          FERRY_ERROR_BUSY         a VF that would go is in use, by a process or as the host's NIC
 *          FERRY_ERROR_UNSUPPORTED  the PF has no driver, or one that makes no VFs
 *          FERRY_ERROR_IO           as the driver says, or it made fewer than asked for
 */
bool ferry_sriov_set_vfs(const FerryKernel *kernel, const char *pf, unsigned n_vfs, GError **error);
