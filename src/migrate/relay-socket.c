#include "migrate/relay-socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* Mode 0600 from the first moment on: Linux takes it from the socket's own inode at bind. */
bool
ferry_relay_socket_listen(const char *path, FerryRelaySocket *ret, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    FERRY_AUTOFD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot listen on %s: a socket's path has at most %zu bytes", path,
                    sizeof(address.sun_path) - 1);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    (void)unlink(path); /* left over from a ferryd that died: the name has the job's id in it */
    if (fd < 0 || fchmod(fd, 0600) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
        return ferry_error_set_errno(error, errno, "listen on", path);
    *ret = (FerryRelaySocket){ ferry_fd_steal(&fd), g_strdup(path) };
    return true;
}

int
ferry_relay_socket_accept(FerryRelaySocket *self)
{
    int fd = accept4(self->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) /* else it has gone again */
        ferry_relay_socket_clear(self);
    return fd;
}

void
ferry_relay_socket_clear(FerryRelaySocket *self)
{
    ferry_fd_clear(&self->fd);
    if (self->path != NULL)
        (void)unlink(self->path);
    g_clear_pointer(&self->path, g_free);
}
