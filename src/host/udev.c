/*
 * Events by udev's netlink group, which come after udev has named and chowned the device.  No
 * filter by subsystem: virtual parents have a class of their own ("mtty"), whose name nobody knows
 * before.
 */
#include <errno.h>

#include <libudev.h>

#include "base/error.h"
#include "host/watch.h"

/* 4,000 VFs at once are some 20,000 events; what does not fit is lost, and only costs a look. */
#define BUFFER_BYTES (16 * 1024 * 1024)

struct _FerryUdev {
    struct udev *udev;
    struct udev_monitor *monitor;
};

void
ferry_udev_free(FerryUdev *self)
{
    if (self == NULL)
        return;
    (void)udev_monitor_unref(self->monitor);
    (void)udev_unref(self->udev);
    g_free(self);
}

FerryUdev *
ferry_udev_new(GError **error)
{
    g_autoptr(FerryUdev) self = g_new0(FerryUdev, 1);
    int code = 0;

    self->udev = udev_new();
    if (self->udev != NULL)
        self->monitor = udev_monitor_new_from_netlink(self->udev, "udev");
    if (self->monitor == NULL)
        code = errno;
    else
        code = -udev_monitor_enable_receiving(self->monitor);
    if (code != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "cannot listen to udev: %s",
                    g_strerror(code));
        return NULL;
    }
    (void)udev_monitor_set_receive_buffer_size(self->monitor, BUFFER_BYTES); /* less will do */
    return g_steal_pointer(&self);
}

static int
udev_fd(void *data)
{
    const FerryUdev *self = data;

    return udev_monitor_get_fd(self->monitor);
}

/* A failed receive is that of lost events (ENOBUFS), or the end of all there are. */
static void
udev_drain(void *data)
{
    const FerryUdev *self = data;
    struct udev_device *device = NULL;

    do {
        errno = 0;
        device = udev_monitor_receive_device(self->monitor);
        if (device != NULL)
            (void)udev_device_unref(device);
    } while (device != NULL || errno == ENOBUFS);
}

const FerryWatchOps *
ferry_udev_ops(void)
{
    static const FerryWatchOps ops = { udev_fd, udev_drain };

    return &ops;
}
