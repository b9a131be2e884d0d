/* send and receive: devices and a connection. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "tool/tool.h"

#define WAIT_FOR_SOURCE_S 3600

/** ADDR is HOST:PORT, [v6]:PORT, or a path with a slash for a Unix socket. */
static bool
split_address(const char *address, char **host, char **port, GError **error)
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

typedef enum { TO_CONNECT, TO_LISTEN } Purpose;

static int
use_address(const struct sockaddr *address, socklen_t size, Purpose purpose)
{
    FERRY_AUTOFD int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (purpose == TO_LISTEN ? bind(fd, address, size) != 0 || listen(fd, 1) != 0
                             : connect(fd, address, size) != 0)
        return -1;
    return ferry_fd_steal(&fd);
}

static int
open_address(const char *text, Purpose purpose, GError **error)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    g_autofree char *host = NULL;
    g_autofree char *port = NULL;
    int status = 0;
    int fd = -1;

    if (strchr(text, '/') != NULL) {
        (void)g_strlcpy(local.sun_path, text, sizeof local.sun_path);
        fd = use_address((struct sockaddr *)&local, sizeof local, purpose);
    } else if (!split_address(text, &host, &port, error)) {
        return -1;
    } else if ((status = getaddrinfo(host, port, &hints, &found)) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "cannot find %s: %s", text,
                    gai_strerror(status));
        return -1;
    }
    for (struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next)
        fd = use_address(one->ai_addr, one->ai_addrlen, purpose);
    if (fd < 0)
        (void)ferry_error_set_errno(error, errno, purpose == TO_LISTEN ? "listen at" : "connect to",
                                    text);
    if (found != NULL)
        freeaddrinfo(found);
    return fd;
}

static int
accept_one(const char *text, GError **error)
{
    FERRY_AUTOFD int listener = open_address(text, TO_LISTEN, error);
    FerryDeadline deadline = ferry_deadline_in(WAIT_FOR_SOURCE_S * 1000);
    int fd = -1;

    if (listener < 0 || !ferry_deadline_wait(&deadline, listener, POLLIN, text, error))
        return -1;
    fd = accept(listener, NULL, NULL);
    if (fd < 0)
        (void)ferry_error_set_errno(error, errno, "accept at", text);
    return fd;
}

/* The channel over a connected socket: TLS when certificates are given. */
static FerryChannel *
make_channel(int fd,
             const char *address,
             FerryTlsSide side,
             const ToolOptions *options,
             GError **error)
{
    FerryTlsFiles files = { .ca = options->tls_ca,
                            .cert = options->tls_cert,
                            .key = options->tls_key };
    g_autofree char *host = NULL;
    g_autofree char *port = NULL;

    if (options->tls_ca == NULL)
        return ferry_channel_new_fd(fd, FERRY_CHANNEL_TWO_WAY, address, options->timeout_s * 1000);
    if (side == FERRY_TLS_CLIENT && strchr(address, '/') == NULL &&
        !split_address(address, &host, &port, error)) {
        (void)close(fd);
        return NULL;
    }
    return ferry_tls_channel_new(fd, side, host, &files, address, options->timeout_s * 1000, error);
}

int
tool_send(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = NULL;
    g_autofree char *meta = NULL;
    const char *metas[1] = { NULL };
    int fd = -1;

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    meta = tool_device_meta(&tool, error);
    fd = meta == NULL ? -1 : open_address(arguments[1], TO_CONNECT, error);
    if (fd < 0)
        return 0;
    channel = make_channel(fd, arguments[1], FERRY_TLS_CLIENT, options, error);
    if (channel == NULL)
        return 0;
    metas[0] = meta;
    if (!ferry_pump_send(&tool.device, metas, 1, &channel, 1, &options->pump, &report, error))
        return 0;
    return tool_report(&report, options, FERRY_VERDICT_YES);
}

int
tool_receive(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = NULL;
    ToolCheck check = { .devices = &tool, .options = options };
    int fd = -1;

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    fd = accept_one(arguments[1], error);
    if (fd < 0)
        return 0;
    channel = make_channel(fd, arguments[1], FERRY_TLS_SERVER, options, error);
    if (channel == NULL)
        return 0;
    if (!ferry_pump_receive(&tool.device, 1, &channel, 1, tool_check, &check, &options->pump,
                            &report, error))
        return 0;
    return tool_report(&report, options, check.level);
}
