#include "vfio/user-socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/file.h"

#define RETRY_MS 10
#define MAX_FDS  16

static int
try_connect(const struct sockaddr_un *address, const char *path, GError **error)
{
    FERRY_AUTOFD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        (void)ferry_error_set_errno(error, errno, "make a socket for", path);
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return ferry_fd_steal(&fd);
    if (errno != EAGAIN)
        (void)ferry_error_set_errno(error, errno, "connect to", path);
    return -1;
}

int
ferry_user_connect(const char *path, const FerryDeadline *deadline, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof address.sun_path) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot connect to %s: the path of a socket has at most %zu bytes", path,
                    sizeof address.sun_path - 1);
        return -1;
    }
    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);

    while (ferry_deadline_left_ms(deadline) > 0) {
        g_autoptr(GError) local = NULL;
        int fd = try_connect(&address, path, &local);

        if (fd >= 0)
            return fd;
        if (local != NULL) {
            g_propagate_error(error, g_steal_pointer(&local));
            return -1;
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                "cannot connect to %s within %d ms: its queue is full. The server may have another "
                "client",
                path, deadline->timeout_ms);
    return -1;
}

static void
skip_moved(struct iovec *parts, size_t n_parts, size_t moved)
{
    for (size_t i = 0; i < n_parts && moved > 0; i++) {
        size_t n = MIN(moved, parts[i].iov_len);

        if (n == 0)
            continue; /* an empty part may be of no memory at all */
        parts[i].iov_base = (char *)parts[i].iov_base + n;
        parts[i].iov_len -= n;
        moved -= n;
    }
}

bool
ferry_user_send(int fd,
                struct iovec *parts,
                size_t n_parts,
                const FerryDeadline *deadline,
                const char *name,
                GError **error)
{
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = n_parts };
    size_t left = 0;

    for (size_t i = 0; i < n_parts; i++)
        left += parts[i].iov_len;
    while (left > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (n >= 0) {
            left -= (size_t)n;
            skip_moved(parts, n_parts, (size_t)n);
        } else if (errno == EAGAIN) {
            if (!ferry_deadline_wait(deadline, fd, POLLOUT, name, error))
                return false;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s hung up", name);
            return false;
        } else if (errno != EINTR) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "cannot send to %s: %s", name,
                        g_strerror(errno));
            return false;
        }
    }
    return true;
}

static void
close_descriptors(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd = -1;

            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            (void)close(fd);
        }
    }
}

bool
ferry_user_recv(int fd,
                struct iovec *parts,
                size_t n_parts,
                const FerryDeadline *deadline,
                const char *name,
                GError **error)
{
    size_t left = 0;

    for (size_t i = 0; i < n_parts; i++)
        left += parts[i].iov_len;
    while (left > 0) {
        char control[CMSG_SPACE(MAX_FDS * sizeof(int))] __attribute__((aligned(8)));
        struct msghdr message = { .msg_iov = parts,
                                  .msg_iovlen = n_parts,
                                  .msg_control = control,
                                  .msg_controllen = sizeof control };
        ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

        if (n > 0) {
            close_descriptors(&message);
            left -= (size_t)n;
            skip_moved(parts, n_parts, (size_t)n);
        } else if (n == 0 || errno == ECONNRESET) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s hung up", name);
            return false;
        } else if (errno == EAGAIN) {
            if (!ferry_deadline_wait(deadline, fd, POLLIN, name, error))
                return false;
        } else if (errno != EINTR) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "cannot receive from %s: %s", name,
                        g_strerror(errno));
            return false;
        }
    }
    return true;
}
