#include "vfio/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <glib-unix.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/error.h"
#include "base/file.h"

/* TLS 1.3 and the ciphers that this machine's processor does in hardware. */
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:%NO_TICKETS"

typedef struct {
    int fd;
    int timeout_ms;
    char *name;
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
} Tls;

static bool
fail(const Tls *self, GError **error, FerryErrorCode code, const char *what, int status)
{
    g_set_error(error, FERRY_ERROR, code, "TLS with %s: %s: %s", self->name, what,
                gnutls_strerror(status));
    return false;
}

/* Waits for what the session needs; each wait is a deadline of its own, as a byte then moved. */
static bool
wait_more(const Tls *self, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);
    short events = gnutls_record_get_direction(self->session) == 1 ? POLLOUT : POLLIN;

    return ferry_deadline_wait(&deadline, self->fd, events, self->name, error);
}

static bool
tls_send(void *data, struct iovec *parts, size_t n_parts, GError **error)
{
    Tls *self = data;

    for (size_t i = 0; i < n_parts; i++) {
        size_t done = 0;

        while (done < parts[i].iov_len) {
            ssize_t n = gnutls_record_send(self->session, (char *)parts[i].iov_base + done,
                                           parts[i].iov_len - done);

            if (n > 0) {
                done += (size_t)n;
            } else if (n == GNUTLS_E_AGAIN) {
                FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);

                if (!ferry_deadline_wait(&deadline, self->fd, POLLOUT, self->name, error))
                    return false;
            } else if (n != GNUTLS_E_INTERRUPTED) {
                return fail(self, error, FERRY_ERROR_PEER, "cannot send", (int)n);
            }
        }
    }
    return true;
}

static bool
tls_recv(void *data, void *buf, size_t size, size_t *ret_n, GError **error)
{
    Tls *self = data;
    size_t done = 0;

    while (done < size) {
        ssize_t n = gnutls_record_recv(self->session, (char *)buf + done, size - done);

        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || n == GNUTLS_E_PREMATURE_TERMINATION) {
            break;
        } else if (n == GNUTLS_E_AGAIN) {
            FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);

            if (!ferry_deadline_wait(&deadline, self->fd, POLLIN, self->name, error))
                return false;
        } else if (n != GNUTLS_E_INTERRUPTED) {
            return fail(self, error, FERRY_ERROR_PEER, "cannot receive", (int)n);
        }
    }
    *ret_n = done;
    return true;
}

static bool
tls_pending(void *data)
{
    Tls *self = data;
    struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };

    return gnutls_record_check_pending(self->session) > 0 || poll(&poll_fd, 1, 0) > 0;
}

static void
tls_stop(void *data)
{
    Tls *self = data;

    (void)shutdown(self->fd, SHUT_RDWR);
}

static void
tls_free(void *data)
{
    Tls *self = data;

    if (self->session != NULL) {
        (void)gnutls_bye(self->session,
                         GNUTLS_SHUT_WR); /* what the other side makes of it is its */
        gnutls_deinit(self->session);
    }
    if (self->credentials != NULL)
        gnutls_certificate_free_credentials(self->credentials);
    ferry_fd_clear(&self->fd);
    g_free(self->name);
    g_free(self);
}

static const FerryChannelOps tls_ops = { .send = tls_send,
                                         .recv = tls_recv,
                                         .pending = tls_pending,
                                         .stop = tls_stop,
                                         .free = tls_free };

static bool
read_files(Tls *self, const FerryTlsFiles *files, GError **error)
{
    int status = gnutls_certificate_allocate_credentials(&self->credentials);

    if (files->cert == NULL || files->key == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "TLS needs an authority, a certificate and its key");
        return false;
    }
    if (status == 0)
        status = gnutls_certificate_set_x509_trust_file(self->credentials, files->ca,
                                                        GNUTLS_X509_FMT_PEM);
    if (status < 0)
        return fail(self, error, FERRY_ERROR_INVALID, files->ca, status);
    status = gnutls_certificate_set_x509_key_file(self->credentials, files->cert, files->key,
                                                  GNUTLS_X509_FMT_PEM);
    return status >= 0 || fail(self, error, FERRY_ERROR_INVALID, files->cert, status);
}

static bool
shake_hands(Tls *self, FerryTlsSide side, const char *host, GError **error)
{
    int status =
        gnutls_init(&self->session, (side == FERRY_TLS_CLIENT ? GNUTLS_CLIENT : GNUTLS_SERVER) |
                                        GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

    if (status == 0)
        status = gnutls_priority_set_direct(self->session, PRIORITY, NULL);
    if (status == 0)
        status = gnutls_credentials_set(self->session, GNUTLS_CRD_CERTIFICATE, self->credentials);
    if (status != 0)
        return fail(self, error, FERRY_ERROR_IO, "cannot begin", status);
    if (side == FERRY_TLS_SERVER)
        gnutls_certificate_server_set_request(self->session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_cert(self->session, host, 0);
    gnutls_transport_set_int(self->session, self->fd);
    while ((status = gnutls_handshake(self->session)) < 0) {
        if (status == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
            return fail(self, error, FERRY_ERROR_DENIED, "its certificate does not hold", status);
        if (gnutls_error_is_fatal(status))
            return fail(self, error, FERRY_ERROR_PEER, "no handshake", status);
        if (!wait_more(self, error))
            return false;
    }
    return true;
}

FerryChannel *
ferry_tls_channel_new(int fd,
                      FerryTlsSide side,
                      const char *host,
                      const FerryTlsFiles *files,
                      const char *name,
                      int timeout_ms,
                      GError **error)
{
    g_autoptr(FerryChannel) channel = g_new0(FerryChannel, 1);
    Tls *self = g_new0(Tls, 1);

    *self = (Tls){ .fd = fd, .timeout_ms = timeout_ms, .name = g_strdup(name) };
    *channel = (FerryChannel){
        .ops = &tls_ops, .data = self, .kind = FERRY_CHANNEL_TWO_WAY, .name = g_strdup(name)
    };
    (void)g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    if (!read_files(self, files, error) || !shake_hands(self, side, host, error))
        return NULL;
    return g_steal_pointer(&channel);
}
