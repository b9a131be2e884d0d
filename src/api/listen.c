#include "api/listen.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/file.h"

#define BACKLOG 512
#define GROUP   "ferry"

static bool
fill_address(const char *path, struct sockaddr_un *ret, GError **error)
{
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (g_strlcpy(ret->sun_path, path, sizeof(ret->sun_path)) < sizeof(ret->sun_path))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "cannot listen on %s: a socket's path has at most %zu bytes", path,
                sizeof(ret->sun_path) - 1);
    return false;
}

/* A socket file outlives a process that was killed; only connecting tells whether one lives. */
static bool
remove_stale(const char *path, const struct sockaddr_un *address, GError **error)
{
    FERRY_AUTOFD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat info;

    if (fd < 0)
        return ferry_error_set_errno(error, errno, "open a socket for", path);
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "cannot listen on %s: another ferryd answers there. Stop it first", path);
        return false;
    }
    /* A file that is no socket refuses too, and stays: bind() will say so. */
    if (errno == ECONNREFUSED && lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) &&
        unlink(path) < 0)
        return ferry_error_set_errno(error, errno, "remove", path);
    return true;
}

/* The group's members may talk to ferryd; without the group only root may. */
static bool
set_access(const char *path, GError **error)
{
    char buffer[4096];
    struct group entry, *group = NULL;

    if (chmod(path, 0660) < 0)
        return ferry_error_set_errno(error, errno, "set the mode of", path);
    if (getgrnam_r(GROUP, &entry, buffer, sizeof(buffer), &group) != 0 || group == NULL)
        return true;
    if (geteuid() == 0 && chown(path, (uid_t)-1, group->gr_gid) < 0)
        return ferry_error_set_errno(error, errno, "set the group of", path);
    return true;
}

bool
ferry_listen_unix(const char *path, int *ret_fd, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    FERRY_AUTOFD int fd = -1;
    struct sockaddr_un address;

    if (!fill_address(path, &address, error) || !remove_stale(path, &address, error))
        return false;
    if (g_mkdir_with_parents(folder, 0755) < 0)
        return ferry_error_set_errno(error, errno, "make folder", folder);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return ferry_error_set_errno(error, errno, "make socket", path);
    /* Nobody can connect before listen(), so there is no moment with the wrong mode. */
    if (!set_access(path, error))
        return false;
    if (listen(fd, BACKLOG) < 0)
        return ferry_error_set_errno(error, errno, "listen on", path);
    *ret_fd = ferry_fd_steal(&fd);
    return true;
}

static bool
split(const char *address, char **ret_host, const char **ret_port, GError **error)
{
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;

    if (colon == NULL || colon == address ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot listen on \"%s\": expected HOST:PORT or *:PORT", address);
        return false;
    }
    *ret_host = g_strndup(address, (gsize)(colon - address));
    if ((*ret_host)[0] == '[' && g_str_has_suffix(*ret_host, "]")) {
        (*ret_host)[strlen(*ret_host) - 1] = '\0';
        memmove(*ret_host, *ret_host + 1, strlen(*ret_host));
    }
    *ret_port = colon + 1;
    return true;
}

/* Returns: the listening socket, or -1 with errno */
static int
try_one(const struct addrinfo *info)
{
    FERRY_AUTOFD int fd =
        socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);
    int on = 1, off = 0;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6) /* "*" is IPv4 too */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    return ferry_fd_steal(&fd);
}

static bool
listen_on(const char *host, const char *port, int family, int *ret_fd, int *ret_code)
{
    struct addrinfo hints = { .ai_family = family,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *all = NULL;
    int fd = -1;

    *ret_code = EADDRNOTAVAIL;
    if (getaddrinfo(host, port, &hints, &all) != 0)
        return false;
    for (const struct addrinfo *each = all; fd < 0 && each != NULL; each = each->ai_next) {
        fd = try_one(each);
        *ret_code = errno;
    }
    freeaddrinfo(all);
    *ret_fd = fd;
    return fd >= 0;
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

bool
ferry_listen_tcp(const char *address, int *ret_fd, uint16_t *ret_port, GError **error)
{
    g_autofree char *host = NULL;
    const char *port = NULL;
    int fd = -1, code = 0;
    bool any = false;

    if (!split(address, &host, &port, error))
        return false;
    any = strcmp(host, "*") == 0;
    if (!listen_on(any ? NULL : host, port, any ? AF_INET6 : AF_UNSPEC, &fd, &code) &&
        !(any && listen_on(NULL, port, AF_INET, &fd, &code))) {
        if (code == EADDRINUSE || code == EADDRNOTAVAIL)
            g_set_error(error, FERRY_ERROR,
                        code == EADDRINUSE ? FERRY_ERROR_EXISTS : FERRY_ERROR_INVALID,
                        "cannot listen on %s: %s", address, g_strerror(code));
        else
            ferry_error_set_errno(error, code, "listen on", address);
        return false;
    }
    *ret_port = port_of(fd);
    *ret_fd = fd;
    return true;
}
