#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "api/serving.h"
#include "base/file.h"
#include "client/pump.h"

/*
 * All of it happens within libmicrohttpd's upgrade handler, which runs in the connection's own
 * thread and so may block.  It offers a pump of its own for TLS, which would begin when the handler
 * has returned; that of 0.9.75 has a buffer of 8 bytes (its connection's memory is used up by
 * then), and spins on them when the reader is slow.
 *
 * Until the handler is called the struct is the request's, for it never is if the caller hangs up
 * before our answer is out.
 */
struct _FerryUpgrade {
    FerryCall *call;
    FerryUpgradeFunc func;
    void *data;
    GDestroyNotify data_free;
    int fd; /* for the function */
};

void
ferry_upgrade_free(FerryUpgrade *self)
{
    if (self == NULL)
        return;
    if (self->data_free != NULL)
        self->data_free(self->data);
    g_free(self);
}

static FerryPumpStep
step_of(ssize_t code, size_t *ret_n)
{
    if (code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED)
        return FERRY_PUMP_AGAIN;
    if (code <= 0)
        return FERRY_PUMP_END;
    *ret_n = (size_t)code;
    return FERRY_PUMP_MOVED;
}

static FerryPumpStep
receive_tls(void *data, char *bytes, size_t size, size_t *ret_n)
{
    return step_of(gnutls_record_recv(data, bytes, size), ret_n);
}

static FerryPumpStep
send_tls(void *data, const char *bytes, size_t size, size_t *ret_n)
{
    return step_of(gnutls_record_send(data, bytes, size), ret_n);
}

static const FerryPumpOps tls_ops = { receive_tls, send_tls };

static void *
run(void *data)
{
    FerryUpgrade *self = data;

    self->func(self->fd, self->data);
    (void)shutdown(self->fd, SHUT_RDWR); /* ends the pump */
    return NULL;
}

/* The function has a thread, and this one pumps between it and TLS. */
static void
run_over_tls(FerryUpgrade *self, gnutls_session_t session, int far_fd)
{
    int pair[2] = { -1, -1 };
    pthread_t thread;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return; /* out of descriptors: the caller sees EOF */
    self->fd = pair[1];
    if (pthread_create(&thread, NULL, run, self) == 0) {
        ferry_pump_run(&tls_ops, session, far_fd, pair[0]);
        (void)shutdown(pair[0], SHUT_RDWR); /* ends the function */
        pthread_join(thread, NULL);
    }
    ferry_fd_clear(&pair[0]);
    ferry_fd_clear(&pair[1]);
}

static void
run_over_socket(FerryUpgrade *self, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) >= 0)
        self->func(fd, self->data);
}

/* libmicrohttpd's MHD_UpgradeHandler; @fd is of no use with TLS */
static void
on_upgrade(void *data,
           struct MHD_Connection *mhd,
           void *context,
           const char *extra,
           size_t extra_size,
           MHD_socket fd,
           struct MHD_UpgradeResponseHandle *handle)
{
    FerryUpgrade *self = data;
    FerryVisit *visit = self->call->visit;
    int far_fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

    (void)context;
    (void)extra;
    self->call->is_upgraded = true;
    self->call->upgrade = NULL;
    ferry_connections_enter(visit->server->connections, visit->entry, FERRY_CONNECTION_UPGRADED);
    /* Bytes that came with the request came before our answer: no client of ours does that. */
    if (extra_size > 0)
        g_info("%s sent bytes before the switch to another protocol", visit->caller->name);
    else if (visit->tls != NULL)
        run_over_tls(self, visit->tls, far_fd);
    else
        run_over_socket(self, fd);
    ferry_upgrade_free(self);
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

struct MHD_Response *
ferry_upgrade_new(FerryResponse *self, FerryCall *call)
{
    FerryUpgrade *upgrade = g_new0(FerryUpgrade, 1);
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, upgrade);

    upgrade->call = call;
    upgrade->func = self->upgrade;
    upgrade->data = g_steal_pointer(&self->data);
    upgrade->data_free = self->data_free;
    call->upgrade = upgrade;
    if (response != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, self->protocol);
    return response;
}
