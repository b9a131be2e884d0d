/* A vfio-user server that answers whatever the input says. */
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "vfio/device.h"
#include "vfio/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(FerryTransport *transport)
{
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(transport, NULL);
    FerryIo io = { 0 };
    char buf[256];
    int code = 0;

    if (device == NULL)
        return;
    for (unsigned i = 0; i < 4; i++)
        if (!transport->ops->stream_read(transport->data, buf, sizeof buf, &io, NULL))
            return;
    (void)transport->ops->stream_write(transport->data, buf, sizeof buf, &io, NULL);
    (void)transport->ops->stream_settle(transport->data, &code, NULL);
    (void)transport->ops->region_read(transport->data, 7, 0, buf, 16, &code, NULL);
    (void)transport->ops->reset(transport->data, &code, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FerryTransport *transport = NULL;
    int fds[2];

    if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return 0;
    if (write(fds[1], data, size) != (ssize_t)size || shutdown(fds[1], SHUT_WR) != 0 ||
        !g_unix_set_fd_nonblocking(fds[0], TRUE, NULL)) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return 0;
    }
    transport = ferry_user_open_fd(fds[0], "fuzz", &(FerryUserOptions){ .timeout_ms = 100 }, NULL);
    if (transport != NULL)
        use(transport);
    (void)close(fds[1]);
    return 0;
}
