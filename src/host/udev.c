/*
 * Events by udev's netlink group, which come after udev has named and chowned the device; where no
 * udev runs, the kernel's own.  No filter by subsystem: virtual parents have a class of their own
 * ("mtty"), whose name nobody knows before.
 *
 * A link's carrier is told by rtnetlink alone.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libudev.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/error.h"
#include "base/file.h"
#include "host/watch.h"

/* 4,000 VFs at once are some 20,000 events; what does not fit is lost, and only costs a look. */
#define BUFFER_BYTES (16 * 1024 * 1024)
/* libudev takes it as the sign of a running udev, too. */
#define UDEV_CONTROL "/run/udev/control"

struct _FerryUdev {
    struct udev *udev;
    struct udev_monitor *monitor;
    int links; /* rtnetlink; -1: none */
    int both;  /* an epoll of the two above */
};

void
ferry_udev_free(FerryUdev *self)
{
    if (self == NULL)
        return;
    ferry_fd_clear(&self->both);
    ferry_fd_clear(&self->links);
    (void)udev_monitor_unref(self->monitor);
    (void)udev_unref(self->udev);
    g_free(self);
}

/* Returns: 0 or an errno */
static int
open_monitor(FerryUdev *self)
{
    const char *group = access(UDEV_CONTROL, F_OK) == 0 ? "udev" : "kernel";

    self->udev = udev_new();
    self->monitor = self->udev != NULL ? udev_monitor_new_from_netlink(self->udev, group) : NULL;
    return self->monitor != NULL ? -udev_monitor_enable_receiving(self->monitor) : errno;
}

static int
open_links(void)
{
    const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
    FERRY_AUTOFD int fd =
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    return ferry_fd_steal(&fd);
}

static int
join(FerryUdev *self)
{
    struct epoll_event event = { .events = EPOLLIN };

    self->both = epoll_create1(EPOLL_CLOEXEC);
    if (self->both < 0 ||
        epoll_ctl(self->both, EPOLL_CTL_ADD, udev_monitor_get_fd(self->monitor), &event) < 0)
        return errno;
    if (self->links >= 0 && epoll_ctl(self->both, EPOLL_CTL_ADD, self->links, &event) < 0)
        return errno;
    return 0;
}

FerryUdev *
ferry_udev_new(GError **error)
{
    g_autoptr(FerryUdev) self = g_new0(FerryUdev, 1);
    int code = 0;

    self->both = -1;
    self->links = open_links();
    code = open_monitor(self);
    if (code == 0)
        code = join(self);
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

    return self->both;
}

static void
drain_links(const FerryUdev *self)
{
    char buffer[8192];
    ssize_t n = 0;

    do
        n = recv(self->links, buffer, sizeof(buffer), 0);
    while (n > 0 || (n < 0 && errno == ENOBUFS));
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
    if (self->links >= 0)
        drain_links(self);
}

const FerryWatchOps *
ferry_udev_ops(void)
{
    static const FerryWatchOps ops = { udev_fd, udev_drain };

    return &ops;
}
