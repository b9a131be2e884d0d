/* The two ways to an opened device: through its group in a container, or by its own node. */
#include "vfio/kernel-open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

static int
open_node(const KernelCaller *caller, const char *path, GError **error)
{
    const FerryKernelSystem *system = caller->call->system;
    int fd = system->open(system->data, path, O_RDWR | O_CLOEXEC);

    if (fd < 0 && errno == EBUSY)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "cannot open %s: somebody else has the device open, a guest perhaps", path);
    else if (fd < 0)
        (void)ferry_error_set_errno(error, errno, "open", path);
    return fd;
}

/* An ioctl of the opening, made by the worker like all others. */
static bool
open_ioctl(KernelCaller *self,
           int fd,
           unsigned long request,
           const void *argument,
           size_t size,
           const char *what,
           GError **error)
{
    memcpy(self->call->u.bytes, argument, size);
    if (!kernel_ioctl(self, fd, request, what, error))
        return false;
    if (self->call->code == 0)
        return true;
    g_set_error(
        error, FERRY_ERROR,
        self->call->code == EBUSY || self->call->code == EINVAL ? FERRY_ERROR_BUSY : FERRY_ERROR_IO,
        "cannot open %s: %s: %s%s", self->name, what, g_strerror(self->call->code),
        self->call->code == EBUSY || self->call->code == EINVAL ? ". Somebody else may have it open"
                                                                : "");
    return false;
}

bool
kernel_open_group(KernelDoor *self,
                  KernelCaller *caller,
                  const char *path,
                  const char *device,
                  GError **error)
{
    const uint32_t status[] = { 8, 0 };
    const FerryKernelSystem *system = caller->call->system;
    uint32_t flags = 0;

    self->container = open_node(caller, "/dev/vfio/vfio", error);
    if (self->container < 0)
        return false;
    self->group = open_node(caller, path, error);
    if (self->group < 0 || !open_ioctl(caller, self->group, FERRY_VFIO_GROUP_GET_STATUS, status,
                                       sizeof status, "VFIO_GROUP_GET_STATUS", error))
        return false;
    memcpy(&flags, caller->call->u.bytes + 4, sizeof flags);
    if ((flags & FERRY_VFIO_GROUP_FLAGS_VIABLE) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "cannot open %s: %s is not viable: each device in it must be bound to vfio",
                    caller->name, path);
        return false;
    }
    if (!open_ioctl(caller, self->group, FERRY_VFIO_GROUP_SET_CONTAINER, &self->container,
                    sizeof self->container, "VFIO_GROUP_SET_CONTAINER", error))
        return false;
    /* The type is the argument itself, not a pointer to it: and no driver is asked, so no worker.
     */
    if (system->ioctl(system->data, self->container, FERRY_VFIO_SET_IOMMU,
                      (void *)(uintptr_t)FERRY_VFIO_TYPE1V2_IOMMU) != 0) {
        (void)ferry_error_set_errno(error, errno, "set the IOMMU type of the container for",
                                    caller->name);
        return false;
    }
    if (!open_ioctl(caller, self->group, FERRY_VFIO_GROUP_GET_DEVICE_FD, device, strlen(device) + 1,
                    "VFIO_GROUP_GET_DEVICE_FD", error))
        return false;
    self->device = (int)caller->call->result;
    return true;
}

bool
kernel_open_cdev(KernelDoor *self, KernelCaller *caller, const char *path, GError **error)
{
    FerryUapiBindIommufd bind = { .argsz = sizeof bind };

    self->device = open_node(caller, path, error);
    if (self->device < 0)
        return false;
    self->container = open_node(caller, "/dev/iommu", error);
    bind.iommufd = self->container;
    return self->container >= 0 &&
           open_ioctl(caller, self->device, FERRY_VFIO_DEVICE_BIND_IOMMUFD, &bind, sizeof bind,
                      "VFIO_DEVICE_BIND_IOMMUFD", error);
}
