#include "vfio/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <glib-unix.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/error.h"
#include "base/file.h"

/*
 * The library seals and opens records of 16 KiB and would make a system call or two for each.  So
 * it gets no socket but two buffers: sealed records are collected in `out` until a send is over or
 * the buffer is full, and what has come is read ahead into `in`.  Waiting is done below it, here,
 * so it never sees EAGAIN; what went wrong there is kept for the caller.
 *
 * `out` is the sending thread's and `in` the receiving one's, except in the handshake, which has
 * one thread for both.
 */
/* TLS 1.3 and the ciphers that this machine's processor does in hardware. */
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:%NO_TICKETS"
#define RECORD   16384u
#define BUFFER   (128u * 1024)

typedef struct {
    uint8_t *bytes; /* BUFFER of them */
    size_t start;   /* of what is in it */
    size_t end;
    GError *error; /* (nullable): why nothing more can be moved */
} Buffer;

typedef struct {
    int fd;
    int timeout_ms;
    char *name;
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    Buffer out;
    Buffer in;
    bool shaken;     /* the handshake is over */
    uint8_t *staged; /* one record's worth, of parts that are shorter */
} Tls;

static bool
fail(const Tls *self, GError **error, FerryErrorCode code, const char *what, int status)
{
    g_set_error(error, FERRY_ERROR, code, "TLS with %s: %s: %s", self->name, what,
                gnutls_strerror(status));
    return false;
}

/* Each wait is a deadline of its own, as a byte moved before. */
static bool
wait_for(const Tls *self, short events, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);

    return ferry_deadline_wait(&deadline, self->fd, events, self->name, error);
}

static bool
socket_failed(const Tls *self, const char *what, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "TLS with %s: cannot %s: %s", self->name,
                what, g_strerror(errno));
    return false;
}

static bool
flush(Tls *self)
{
    Buffer *out = &self->out;

    while (out->start < out->end && out->error == NULL) {
        ssize_t n = send(self->fd, out->bytes + out->start, out->end - out->start, MSG_NOSIGNAL);

        if (n > 0)
            out->start += (size_t)n;
        else if (errno == EAGAIN)
            (void)wait_for(self, POLLOUT, &out->error);
        else if (errno != EINTR)
            (void)socket_failed(self, "send", &out->error);
    }
    out->start = out->end = 0;
    return out->error == NULL;
}

/* The library's way out. */
static ssize_t
push(gnutls_transport_ptr_t data, const void *bytes, size_t size)
{
    Tls *self = data;
    Buffer *out = &self->out;
    size_t n = MIN(size, BUFFER - out->end);

    memcpy(out->bytes + out->end, bytes, n);
    out->end += n;
    if (out->end < BUFFER || flush(self))
        return (ssize_t)n;
    gnutls_transport_set_errno(self->session, EPIPE);
    return -1;
}

static bool
fill(Tls *self)
{
    Buffer *in = &self->in;

    in->start = in->end = 0;
    while (in->error == NULL) {
        ssize_t n = recv(self->fd, in->bytes, BUFFER, 0);

        if (n >= 0) {
            in->end = (size_t)n;
            return true;
        }
        if (errno == EAGAIN)
            (void)wait_for(self, POLLIN, &in->error);
        else if (errno != EINTR)
            (void)socket_failed(self, "receive", &in->error);
    }
    return false;
}

/* The library's way in. */
static ssize_t
pull(gnutls_transport_ptr_t data, void *bytes, size_t size)
{
    Tls *self = data;
    Buffer *in = &self->in;
    size_t n = 0;

    /* Only in the handshake, which has one thread, is something still to be sent here. */
    if (in->start == in->end && ((!self->shaken && !flush(self)) || !fill(self))) {
        gnutls_transport_set_errno(self->session, EPIPE);
        return -1;
    }
    n = MIN(size, in->end - in->start);
    memcpy(bytes, in->bytes + in->start, n);
    in->start += n;
    return (ssize_t)n;
}

/* Takes the reason from below, if that is where it is. */
static bool
give_reason(const Tls *self, Buffer *buffer, const char *what, int status, GError **error)
{
    if (buffer->error == NULL)
        return fail(self, error, FERRY_ERROR_PEER, what, status);
    g_propagate_error(error, g_error_copy(buffer->error));
    return false;
}

static bool
send_bytes(Tls *self, const uint8_t *bytes, size_t size, GError **error)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = gnutls_record_send(self->session, bytes + done, MIN(RECORD, size - done));

        if (n > 0)
            done += (size_t)n;
        else if (n != GNUTLS_E_INTERRUPTED && n != GNUTLS_E_AGAIN)
            return give_reason(self, &self->out, "cannot send", (int)n, error);
    }
    return true;
}

/* Short parts, a frame's header for one, share a record with what follows them. */
static bool
tls_send(void *data, struct iovec *parts, size_t n_parts, GError **error)
{
    Tls *self = data;
    size_t staged = 0;

    for (size_t i = 0; i < n_parts; i++) {
        const uint8_t *bytes = parts[i].iov_base;
        size_t size = parts[i].iov_len;

        while (size > 0) {
            size_t n = MIN(size, RECORD - staged);

            if (staged == 0 && size >= RECORD) {
                n = size - size % RECORD;
                if (!send_bytes(self, bytes, n, error))
                    return false;
            } else {
                memcpy(self->staged + staged, bytes, n);
                staged += n;
            }
            bytes += n;
            size -= n;
            if (staged == RECORD && !send_bytes(self, self->staged, staged, error))
                return false;
            staged %= RECORD;
        }
    }
    return send_bytes(self, self->staged, staged, error) &&
           (flush(self) || give_reason(self, &self->out, "cannot send", 0, error));
}

static bool
tls_recv(void *data, void *buf, size_t size, size_t *ret_n, GError **error)
{
    Tls *self = data;
    size_t done = 0;

    while (done < size) {
        ssize_t n = gnutls_record_recv(self->session, (char *)buf + done, size - done);

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || n == GNUTLS_E_PREMATURE_TERMINATION)
            break;
        else if (n != GNUTLS_E_INTERRUPTED && n != GNUTLS_E_AGAIN)
            return give_reason(self, &self->in, "cannot receive", (int)n, error);
    }
    *ret_n = done;
    return true;
}

static bool
tls_pending(void *data)
{
    Tls *self = data;
    struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };

    return gnutls_record_check_pending(self->session) > 0 || self->in.start < self->in.end ||
           poll(&poll_fd, 1, 0) > 0;
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
        (void)gnutls_bye(self->session, GNUTLS_SHUT_WR);
        (void)flush(self); /* what the other side makes of it is its */
        gnutls_deinit(self->session);
    }
    if (self->credentials != NULL)
        gnutls_certificate_free_credentials(self->credentials);
    ferry_fd_clear(&self->fd);
    g_clear_error(&self->out.error);
    g_clear_error(&self->in.error);
    g_free(self->out.bytes);
    g_free(self->in.bytes);
    g_free(self->staged);
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
    gnutls_transport_set_ptr(self->session, self);
    gnutls_transport_set_push_function(self->session, push);
    gnutls_transport_set_pull_function(self->session, pull);
    do
        status = gnutls_handshake(self->session);
    while (status < 0 && !gnutls_error_is_fatal(status));
    /* A client has none to show that the server's authority signed. */
    if (status == GNUTLS_E_CERTIFICATE_REQUIRED || status == GNUTLS_E_NO_CERTIFICATE_FOUND)
        return fail(self, error, FERRY_ERROR_DENIED, "it showed no certificate of ours", status);
    if (status == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
        return fail(self, error, FERRY_ERROR_DENIED, "its certificate does not hold", status);
    if (status < 0)
        return give_reason(self, &self->in, "no handshake", status, error);
    self->shaken = true;
    return flush(self) || give_reason(self, &self->out, "no handshake", status, error);
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

    *self = (Tls){ .fd = fd,
                   .timeout_ms = timeout_ms,
                   .name = g_strdup(name),
                   .out.bytes = g_malloc(BUFFER),
                   .in.bytes = g_malloc(BUFFER),
                   .staged = g_malloc(RECORD) };
    *channel = (FerryChannel){
        .ops = &tls_ops, .data = self, .kind = FERRY_CHANNEL_TWO_WAY, .name = g_strdup(name)
    };
    (void)g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    if (!read_files(self, files, error) || !shake_hands(self, side, host, error))
        return NULL;
    return g_steal_pointer(&channel);
}
