#pragma once

#include "vfio/transport.h"

/** Which of the kernel's two doors. */
typedef enum {
    FERRY_KERNEL_GROUP, /* /dev/vfio/GROUP in a container */
    FERRY_KERNEL_CDEV,  /* /dev/vfio/devices/vfioN, bound to an iommufd (since 6.6) */
} FerryKernelDoor;

/** The system calls that reach the kernel's VFIO, as they are: -1 and errno when they fail.  May be
 *  called from a thread of the transport's own. */
typedef struct {
    int (*open)(void *data, const char *path, int flags);
    long (*ioctl)(void *data, int fd, unsigned long request, void *argument);
    long (*read)(void *data, int fd, void *buf, size_t size);
    long (*write)(void *data, int fd, const void *buf, size_t size);
    long (*pread)(void *data, int fd, void *buf, size_t size, uint64_t offset);
    long (*pwrite)(void *data, int fd, const void *buf, size_t size, uint64_t offset);
    void *data;
} FerryKernelSystem;

/** Returns: (transfer none): the machine's own */
const FerryKernelSystem *ferry_kernel_system(void);

/**
 * Opens a device through the kernel's VFIO.  No memory is mapped: migration needs none.
 *
 * @system: (transfer none): outlives the transport
 * @path: the group's or the device's node
 * @device: its name in the group: PCI address or UUID; for messages with a cdev
 * @timeout_ms: for each call; the driver may be at work in it
 *
 * Returns: (transfer full): NULL with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED, FERRY_ERROR_BUSY
 *          (somebody has it open), FERRY_ERROR_UNSUPPORTED, FERRY_ERROR_TIMEOUT or FERRY_ERROR_IO
 */
FerryTransport *ferry_kernel_open(const FerryKernelSystem *system,
                                  FerryKernelDoor door,
                                  const char *path,
                                  const char *device,
                                  int timeout_ms,
                                  GError **error);
