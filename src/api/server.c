#include "api/server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "api/listen.h"
#include "api/serving.h"
#include "base/error.h"
#include "base/file.h"

/* What libmicrohttpd keeps for a connection: request line and headers have to fit. */
#define CONNECTION_BYTES ((size_t)16 * 1024)
/* Touched pages count, and there may be two thousand; the deepest handlers are a TLS handshake with
 * a peer and a domain's XML. */
#define STACK_BYTES    ((size_t)1024 * 1024)
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define MAX_ADDRESS    64

/* clang-format off */
const FerryServerConfig ferry_server_defaults = {
    .max_connections = 2048,
    .max_strangers   = 256, .max_strangers_one = 64,
    .arrive_ms       = 15 * 1000,
    .send_ms         = 30 * 1000,
    .idle_ms         = 30 * 1000,
    .max_body_bytes  = (size_t)1024 * 1024,
};
/* clang-format on */

FerryServer *
ferry_server_new(const FerryServerConfig *config)
{
    FerryServer *self = g_new0(FerryServer, 1);

    g_assert(config->listen == NULL || config->identity != NULL);
    self->config = *config;
    self->tables = g_array_new(FALSE, FALSE, sizeof(FerryRouteTable));
    return self;
}

void
ferry_server_add(FerryServer *self, const FerryRoute *routes, void *data)
{
    FerryRouteTable table = { routes, data };

    g_assert(self->connections == NULL);
    g_array_append_val(self->tables, table);
}

static void G_GNUC_PRINTF(2, 0) on_log(void *data, const char *format, va_list args)
{
    (void)data;
    g_logv("ferry-http", G_LOG_LEVEL_DEBUG, format, args);
}

static bool
format_address(const struct sockaddr *address, socklen_t length, char *ret)
{
    return address != NULL && address->sa_family != AF_UNIX &&
           getnameinfo(address, length, ret, MAX_ADDRESS, NULL, 0, NI_NUMERICHOST) == 0;
}

/* libmicrohttpd's MHD_AcceptPolicyCallback */
static enum MHD_Result
on_accept(void *data, const struct sockaddr *address, socklen_t length)
{
    FerryServer *self = data;
    char text[MAX_ADDRESS] = "";
    bool known = format_address(address, length, text);

    return ferry_connections_welcome(self->connections, known ? text : NULL) ? MHD_YES : MHD_NO;
}

/* Within the handshake, by GnuTLS: anything but 0 ends it. */
static int
on_certificate(gnutls_session_t session)
{
    g_autoptr(FerryPeerName) name = NULL;
    g_autoptr(GError) error = NULL;

    if (ferry_peer_name_of_session(session, FERRY_END_CLIENT, &name, &error))
        return 0;
    g_info("refused a stranger: %s", error->message);
    return GNUTLS_E_CERTIFICATE_ERROR;
}

static void
prepare_tls(gnutls_session_t session, int fd)
{
    int on = 1, idle_s = 10, interval_s = 2, probes = 3;

    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_function(session, on_certificate);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* A host that is gone must not hold a thread for ever. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static FerryPeerName *
local_caller(void)
{
    FerryPeerName *name = g_new0(FerryPeerName, 1);

    name->name = g_strdup("local");
    name->role = FERRY_ROLE_OPERATE; /* the socket's mode has judged */
    return name;
}

static FerryVisit *
visit_new(FerryServer *server, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *client =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    FerryVisit *visit = g_new0(FerryVisit, 1);
    char address[MAX_ADDRESS] = "";

    visit->server = server;
    if (tls != NULL) {
        visit->tls = tls->tls_session;
        prepare_tls(visit->tls, fd->connect_fd);
        if (client == NULL ||
            !format_address(client->client_addr, sizeof(struct sockaddr_storage), address))
            address[0] = '?';
    } else {
        visit->caller = local_caller();
    }
    visit->entry =
        ferry_connections_add(server->connections, tls != NULL ? address : NULL, fd->connect_fd);
    return visit;
}

/* libmicrohttpd's MHD_NotifyConnectionCallback.  The descriptor is closed after this. */
static void
on_connection(void *data,
              struct MHD_Connection *mhd,
              void **context,
              enum MHD_ConnectionNotificationCode what)
{
    FerryServer *self = data;
    FerryVisit *visit = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = visit_new(self, mhd);
        return;
    }
    ferry_connections_remove(self->connections, visit->entry);
    ferry_peer_name_free(visit->caller);
    g_free(visit);
    *context = NULL;
}

/* The request line is there: libmicrohttpd's first sign of a request, and its context from now on.
 */
static void *
on_request_line(void *data, const char *uri, struct MHD_Connection *mhd)
{
    FerryServer *self = data;
    FerryCall *call = g_new0(FerryCall, 1);

    (void)uri;
    call->visit = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    call->body = g_string_new(NULL);
    ferry_connections_enter(self->connections, call->visit->entry, FERRY_CONNECTION_ARRIVING);
    return call;
}

static void
on_completed(void *data,
             struct MHD_Connection *mhd,
             void **context,
             enum MHD_RequestTerminationCode how)
{
    FerryServer *self = data;
    FerryCall *call = *context;

    (void)mhd;
    (void)how;
    if (call == NULL)
        return;
    if (!call->is_upgraded)
        ferry_connections_enter(self->connections, call->visit->entry, FERRY_CONNECTION_IDLE);
    ferry_call_free(call);
    *context = NULL;
}

/* Paths and queries stay as they came: "%2F" in a name is not the end of a segment. */
static size_t
on_unescape(void *data, struct MHD_Connection *mhd, char *text)
{
    (void)data;
    (void)mhd;
    return strlen(text);
}

/* @fd: taken, whatever comes of it; libmicrohttpd closes it when it is stopped */
static struct MHD_Daemon *
start_daemon(FerryServer *self, int fd, const FerryIdentity *identity, GError **error)
{
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                           MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG | MHD_ALLOW_UPGRADE;
    /* clang-format off */
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_TRUST, 0, identity ? (void *)ferry_identity_ca_pem(identity) : NULL },
        { MHD_OPTION_HTTPS_MEM_CERT, 0, identity ? (void *)ferry_identity_cert_pem(identity) : NULL },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, identity ? (void *)ferry_identity_key_pem(identity) : NULL },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags | (identity != NULL ? MHD_USE_TLS : 0), 0,
        on_accept, self, ferry_call_handle, self,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, self->config.max_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, /* api/connections.h */
        MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, self,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, self,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, self,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, self,
        MHD_OPTION_ARRAY, identity != NULL ? tls : none,
        MHD_OPTION_END);
    /* clang-format on */

    if (daemon == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                    "cannot start the HTTP server: libmicrohttpd refused; see its message in the "
                    "debug log");
    return daemon;
}

static bool
start_local(FerryServer *self, GError **error)
{
    int fd = -1;

    if (self->config.socket_path == NULL)
        return true;
    if (!ferry_listen_unix(self->config.socket_path, &fd, error))
        return false;
    self->local = start_daemon(self, fd, NULL, error);
    return self->local != NULL;
}

static bool
start_remote(FerryServer *self, GError **error)
{
    int fd = -1;

    if (self->config.listen == NULL)
        return true;
    if (!ferry_listen_tcp(self->config.listen, &fd, &self->port, error))
        return false;
    self->remote = start_daemon(self, fd, self->config.identity, error);
    return self->remote != NULL;
}

bool
ferry_server_start(FerryServer *self, GError **error)
{
    FerryConnectionLimits limits = {
        .phase_ms = { [FERRY_CONNECTION_ARRIVING] = self->config.arrive_ms,
                      [FERRY_CONNECTION_SENDING] = self->config.send_ms,
                      [FERRY_CONNECTION_IDLE] = self->config.idle_ms },
        .max_strangers = self->config.max_strangers,
        .max_strangers_one = self->config.max_strangers_one,
    };

    self->connections = ferry_connections_new(&limits, error);
    /* The TLS side first: whoever sees the Unix socket may use both. */
    return self->connections != NULL && start_remote(self, error) && start_local(self, error);
}

uint16_t
ferry_server_port(const FerryServer *self)
{
    return self->port;
}

unsigned
ferry_server_connections(FerryServer *self)
{
    return ferry_connections_count(self->connections);
}

static void
quiesce(struct MHD_Daemon *daemon)
{
    int fd = daemon != NULL ? MHD_quiesce_daemon(daemon) : -1;

    ferry_fd_clear(&fd);
}

static void
stop_daemon(struct MHD_Daemon **daemon)
{
    if (*daemon != NULL)
        MHD_stop_daemon(*daemon);
    *daemon = NULL;
}

bool
ferry_server_stop(FerryServer *self, int64_t timeout_ms)
{
    if (self->stopped || self->connections == NULL)
        return true;
    if (self->local != NULL)
        (void)unlink(self->config.socket_path); /* so that a caller hears "not there" */
    quiesce(self->local);
    quiesce(self->remote);
    if (!ferry_connections_end(self->connections, timeout_ms))
        return false;
    stop_daemon(&self->local);
    stop_daemon(&self->remote);
    self->stopped = true;
    return true;
}

void
ferry_server_free(FerryServer *self)
{
    if (self == NULL)
        return;
    while (!ferry_server_stop(self, G_TIME_SPAN_HOUR / G_TIME_SPAN_MILLISECOND))
        g_warning("the HTTP server waits for %u connections to end",
                  ferry_server_connections(self));
    ferry_connections_free(self->connections);
    g_array_unref(self->tables);
    g_free(self);
}
