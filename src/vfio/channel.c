#include "vfio/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/error.h"
#include "base/file.h"

typedef struct {
    int fd;
    int timeout_ms;
    bool is_socket; /* only these can be told not to raise SIGPIPE */
    char *name;
} FdChannel;

static bool
fail(GError **error, const char *what, const char *name)
{
    g_set_error(error, FERRY_ERROR,
                errno == EPIPE || errno == ECONNRESET                  ? FERRY_ERROR_PEER
                : errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? FERRY_ERROR_EXHAUSTED
                                                                       : FERRY_ERROR_IO,
                "cannot %s %s: %s", what, name, g_strerror(errno));
    return false;
}

static size_t
skip_sent(struct iovec *parts, size_t n_parts, size_t sent)
{
    size_t first = 0;

    while (first < n_parts && sent >= parts[first].iov_len)
        sent -= parts[first++].iov_len;
    if (first < n_parts) {
        parts[first].iov_base = (char *)parts[first].iov_base + sent;
        parts[first].iov_len -= sent;
    }
    return first;
}

static ssize_t
write_parts(const FdChannel *self, struct iovec *parts, size_t n_parts)
{
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = n_parts };

    return self->is_socket ? sendmsg(self->fd, &message, MSG_NOSIGNAL)
                           : writev(self->fd, parts, (int)n_parts);
}

static bool
fd_send(void *data, struct iovec *parts, size_t n_parts, GError **error)
{
    FdChannel *self = data;

    while (n_parts > 0) {
        ssize_t n = write_parts(self, parts, n_parts);

        if (n >= 0) {
            size_t done = skip_sent(parts, n_parts, (size_t)n);

            parts += done;
            n_parts -= done;
        } else if (errno == EAGAIN) {
            FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);

            if (!ferry_deadline_wait(&deadline, self->fd, POLLOUT, self->name, error))
                return false;
        } else if (errno != EINTR) {
            return fail(error, "write to", self->name);
        }
    }
    return true;
}

static bool
fd_recv(void *data, void *buf, size_t size, size_t *ret_n, GError **error)
{
    FdChannel *self = data;
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(self->fd, (char *)buf + done, size - done);

        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0) {
            break;
        } else if (errno == EAGAIN) {
            FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);

            if (!ferry_deadline_wait(&deadline, self->fd, POLLIN, self->name, error))
                return false;
        } else if (errno != EINTR) {
            return fail(error, "read from", self->name);
        }
    }
    *ret_n = done;
    return true;
}

static bool
fd_pending(void *data)
{
    FdChannel *self = data;
    struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) > 0;
}

static void
fd_stop(void *data)
{
    FdChannel *self = data;

    (void)shutdown(self->fd, SHUT_RDWR); /* a file has nobody waiting */
}

static void
fd_free(void *data)
{
    FdChannel *self = data;

    ferry_fd_clear(&self->fd);
    g_free(self->name);
    g_free(self);
}

static const FerryChannelOps fd_ops = { .send = fd_send,
                                        .recv = fd_recv,
                                        .pending = fd_pending,
                                        .stop = fd_stop,
                                        .free = fd_free };

FerryChannel *
ferry_channel_new_fd(int fd, FerryChannelKind kind, const char *name, int timeout_ms)
{
    FerryChannel *channel = g_new0(FerryChannel, 1);
    FdChannel *self = g_new0(FdChannel, 1);
    struct stat status = { 0 };

    *self = (FdChannel){ .fd = fd, .timeout_ms = timeout_ms, .name = g_strdup(name) };
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
        (void)g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    self->is_socket = S_ISSOCK(status.st_mode);
    *channel = (FerryChannel){ .ops = &fd_ops, .data = self, .kind = kind, .name = g_strdup(name) };
    return channel;
}

void
ferry_channel_free(FerryChannel *self)
{
    if (self == NULL)
        return;
    self->ops->free(self->data);
    g_free(self->name);
    g_free(self);
}

bool
ferry_channel_recv(FerryChannel *self, void *buf, size_t size, GError **error)
{
    size_t n = 0;

    if (!self->ops->recv(self->data, buf, size, &n, error))
        return false;
    self->received += n;
    if (n < size) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "%s ends at byte %" G_GUINT64_FORMAT ", in the middle of the stream",
                    self->name, self->received);
        return false;
    }
    return true;
}
