#pragma once

#include "vfio/kernel-call.h"

/** The descriptors of an opened device; -1: not open.  Private to kernel*.c. */
typedef struct {
    int device;
    int group;
    int container; /* or the iommufd */
} KernelDoor;

/** Opens /dev/vfio/GROUP at @path and the device named @device in it. */
bool kernel_open_group(KernelDoor *self,
                       KernelCaller *caller,
                       const char *path,
                       const char *device,
                       GError **error);

/** Opens /dev/vfio/devices/vfioN at @path and binds it to an iommufd. */
bool kernel_open_cdev(KernelDoor *self, KernelCaller *caller, const char *path, GError **error);
