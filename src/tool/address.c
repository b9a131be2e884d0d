#include "tool/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define LOOK_MS 100

static bool
split(const char *address, char **host, char **port, GError **error)
{
    const char *colon = strrchr(address, ':');

    if (colon == NULL || colon == address || colon[1] == '\0') {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is no address: expected HOST:PORT or the path of a socket", address);
        return false;
    }
    *host = g_strndup(address, (gsize)(colon - address));
    if (**host == '[' && g_str_has_suffix(*host, "]")) {
        memmove(*host, *host + 1, strlen(*host));
        (*host)[strlen(*host) - 1] = '\0';
    }
    *port = g_strdup(colon + 1);
    return true;
}

bool
tool_address_host(const char *address, char **ret, GError **error)
{
    g_autofree char *host = NULL;
    g_autofree char *port = NULL;

    if (strchr(address, '/') == NULL && !split(address, &host, &port, error))
        return false;
    *ret = g_steal_pointer(&host);
    return true;
}

/* Waits in short pieces, so that a signal ends it. */
static bool
wait_for(int fd, short events, const char *address, const ToolWait *wait, GError **error)
{
    const int64_t end_us = g_get_monotonic_time() + (int64_t)wait->timeout_ms * 1000;
    struct pollfd poll_fd = { .fd = fd, .events = events };

    while (g_get_monotonic_time() < end_us) {
        if (wait->cancelled != NULL && __atomic_load_n(wait->cancelled, __ATOMIC_RELAXED) != 0) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED, "cancelled");
            return false;
        }
        if (poll(&poll_fd, 1, LOOK_MS) > 0)
            return true;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT, "nobody answers at %s", address);
    return false;
}

static bool
fill_path(const char *path, struct sockaddr_un *ret, GError **error)
{
    ret->sun_family = AF_UNIX;
    if (g_strlcpy(ret->sun_path, path, sizeof ret->sun_path) < sizeof ret->sun_path)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "\"%s\" is too long: the path of a socket has at most %zu bytes", path,
                sizeof ret->sun_path - 1);
    return false;
}

static int
try_connect(const struct sockaddr *to, socklen_t size, const char *address, const ToolWait *wait)
{
    FERRY_AUTOFD int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = 0;
    socklen_t code_size = sizeof code;

    if (fd < 0)
        return -1;
    if (connect(fd, to, size) == 0)
        return ferry_fd_steal(&fd);
    if (errno != EINPROGRESS)
        return -1;
    if (!wait_for(fd, POLLOUT, address, wait, NULL)) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &code_size) != 0 || code != 0) {
        errno = code;
        return -1;
    }
    return ferry_fd_steal(&fd);
}

static struct addrinfo *
look_up(const char *address, int flags, GError **error)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
    struct addrinfo *found = NULL;
    g_autofree char *host = NULL;
    g_autofree char *port = NULL;
    int status = 0;

    if (!split(address, &host, &port, error))
        return NULL;
    status = getaddrinfo(host, port, &hints, &found);
    if (status == 0)
        return found;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "cannot find %s: %s", address,
                gai_strerror(status));
    return NULL;
}

int
tool_address_connect(const char *address, const ToolWait *wait, GError **error)
{
    struct sockaddr_un local = { 0 };
    struct addrinfo *found = NULL;
    int fd = -1;

    if (strchr(address, '/') != NULL) {
        if (!fill_path(address, &local, error))
            return -1;
        fd = try_connect((struct sockaddr *)&local, sizeof local, address, wait);
    } else {
        found = look_up(address, 0, error);
        if (found == NULL)
            return -1;
        for (struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next)
            fd = try_connect(one->ai_addr, one->ai_addrlen, address, wait);
        int code = errno;
        freeaddrinfo(found);
        errno = code;
    }
    if (fd < 0)
        (void)ferry_error_set_errno(error, errno, "connect to", address);
    return fd;
}

static int
try_listen(const struct sockaddr *at, socklen_t size)
{
    FERRY_AUTOFD int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, at, size) != 0 || listen(fd, 1) != 0)
        return -1;
    return ferry_fd_steal(&fd);
}

/* Bound under another name and renamed once it listens, so that whoever sees the name can connect.
 * A name that is there already is not taken over. */
static int
listen_at_path(const char *path, GError **error)
{
    g_autofree char *early = g_strdup_printf("%s.%d", path, (int)getpid());
    struct sockaddr_un local = { 0 };
    FERRY_AUTOFD int fd = -1;

    if (!fill_path(early, &local, error))
        return -1;
    fd = try_listen((struct sockaddr *)&local, sizeof local);
    if (fd >= 0 && renameat2(AT_FDCWD, early, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return ferry_fd_steal(&fd);
    if (errno == EEXIST)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "cannot listen at %s: it is there already. Remove it, if nobody uses it", path);
    else
        (void)ferry_error_set_errno(error, errno, "listen at", path);
    if (fd >= 0)
        (void)unlink(early);
    return -1;
}

static int
listen_at(const char *address, GError **error)
{
    struct addrinfo *found = NULL;
    int fd = -1;

    if (strchr(address, '/') != NULL)
        return listen_at_path(address, error);
    found = look_up(address, AI_PASSIVE, error);
    if (found == NULL)
        return -1;
    for (struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next)
        fd = try_listen(one->ai_addr, one->ai_addrlen);
    if (fd < 0)
        (void)ferry_error_set_errno(error, errno, "listen at", address);
    freeaddrinfo(found);
    return fd;
}

int
tool_address_accept(const char *address, const ToolWait *wait, GError **error)
{
    FERRY_AUTOFD int listener = listen_at(address, error);
    int fd = -1;

    if (listener < 0)
        return -1;
    if (wait_for(listener, POLLIN, address, wait, error)) {
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            (void)ferry_error_set_errno(error, errno, "accept at", address);
    }
    if (strchr(address, '/') != NULL)
        (void)unlink(address);
    return fd;
}
