#pragma once

#include "vfio/transport.h"

/** Which of the kernel's two doors. */
typedef enum {
    FERRY_KERNEL_GROUP, /* /dev/vfio/GROUP in a container */
    FERRY_KERNEL_CDEV,  /* /dev/vfio/devices/vfioN, bound to an iommufd (since 6.6) */
} FerryKernelDoor;

/**
 * Opens a device through the kernel's VFIO.  No memory is mapped: migration needs none.
 *
 * @path: the group's or the device's node
 * @device: its name in the group: PCI address or UUID; for messages with a cdev
 * @timeout_ms: for each call; the driver may be at work in it
 *
 * Returns: (transfer full): NULL with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED, FERRY_ERROR_BUSY
 *          (somebody has it open), FERRY_ERROR_UNSUPPORTED, FERRY_ERROR_TIMEOUT or FERRY_ERROR_IO
 */
FerryTransport *ferry_kernel_open(FerryKernelDoor door,
                                  const char *path,
                                  const char *device,
                                  int timeout_ms,
                                  GError **error);
