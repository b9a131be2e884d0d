#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "client/connection.h"
#include "client/json.h"
#include "client/pump.h"

/*
 * A tunnel is a connection of its own that libcurl opened (TLS and all) and that was switched to
 * another protocol by HTTP Upgrade (RFC 9110, section 7.8).  From then on one thread owns it and
 * carries bytes between it and a socket pair, of which the caller has the other end.
 */

#define ANSWER_MAX_BYTES (16 * 1024)
#define BUFFER_BYTES     (64 * 1024)

struct _FerryTunnel {
    CURL *curl;
    FerryExchange exchange; /* libcurl keeps pointers into it */
    curl_socket_t remote;
    int local; /* our end of the pair; closed when the thread is joined */
    pthread_t thread;
};

static FerryPumpStep
step_of(CURLcode code)
{
    if (code == CURLE_AGAIN)
        return FERRY_PUMP_AGAIN;
    return code == CURLE_OK ? FERRY_PUMP_MOVED : FERRY_PUMP_END;
}

static FerryPumpStep
receive_far(void *data, char *bytes, size_t size, size_t *ret_n)
{
    FerryTunnel *self = data;
    FerryPumpStep step = step_of(curl_easy_recv(self->curl, bytes, size, ret_n));

    return step == FERRY_PUMP_MOVED && *ret_n == 0 ? FERRY_PUMP_END : step;
}

static FerryPumpStep
send_far(void *data, const char *bytes, size_t size, size_t *ret_n)
{
    FerryTunnel *self = data;

    return step_of(curl_easy_send(self->curl, bytes, size, ret_n));
}

static const FerryPumpOps far_ops = { receive_far, send_far };

static void *
run(void *data)
{
    FerryTunnel *self = data;

    ferry_pump_run(&far_ops, self, self->remote, self->local);
    curl_easy_cleanup(self->curl); /* the far end sees EOF */
    self->curl = NULL;
    (void)shutdown(self->local, SHUT_RDWR); /* the near end too */
    return NULL;
}

static void
discard(FerryTunnel *self)
{
    curl_easy_cleanup(self->curl);
    ferry_exchange_clear(&self->exchange);
    ferry_fd_clear(&self->local);
    g_free(self);
}

void
ferry_tunnel_free(FerryTunnel *self)
{
    (void)shutdown(self->local, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    discard(self);
}

static bool
wait_for_remote(const FerryTunnel *self, short events, int64_t deadline_us)
{
    struct pollfd fd = { .fd = self->remote, .events = events };
    int64_t left_ms = (deadline_us - g_get_monotonic_time() + 999) / 1000;

    return left_ms > 0 && poll(&fd, 1, (int)MIN(left_ms, G_MAXINT)) >= 0;
}

static bool
too_late(const FerryTunnel *self, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                "no answer in time from %s: the request for a tunnel",
                self->exchange.client->label);
    return false;
}

static bool
send_request(FerryTunnel *self, const char *text, int64_t deadline_us, GError **error)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t n = 0;
        CURLcode code = curl_easy_send(self->curl, text, left, &n);

        if (code == CURLE_AGAIN && !wait_for_remote(self, POLLOUT, deadline_us))
            return too_late(self, error);
        if (code != CURLE_OK && code != CURLE_AGAIN)
            return ferry_exchange_failed(&self->exchange, code, error);
        text += n;
        left -= n;
    }
    return true;
}

/* Reads until the empty line after the headers; byte by byte, so that none of what follows, which
 * is the tunnel's, is taken along.  libcurl and GnuTLS have their own buffers below. */
static bool
read_headers(FerryTunnel *self, GString *headers, int64_t deadline_us, GError **error)
{
    while (headers->len < ANSWER_MAX_BYTES) {
        char byte = 0;
        size_t n = 0;
        CURLcode code = curl_easy_recv(self->curl, &byte, 1, &n);

        if (code == CURLE_AGAIN) {
            if (!wait_for_remote(self, POLLIN, deadline_us))
                return too_late(self, error);
            continue;
        }
        if (code != CURLE_OK || n == 0)
            return ferry_exchange_failed(&self->exchange,
                                         code != CURLE_OK ? code : CURLE_GOT_NOTHING, error);
        g_string_append_c(headers, byte);
        if (g_str_has_suffix(headers->str, "\r\n\r\n"))
            return true;
    }
    return ferry_problem_to_error(self->exchange.client, 0, NULL, error);
}

/* An answer other than 101 has the reason in its body, which ends with the connection: the request
 * asks for that. */
static bool
read_refusal(FerryTunnel *self, unsigned status, int64_t deadline_us, GError **error)
{
    g_autoptr(GString) body = g_string_new(NULL);
    json_t *problem = NULL;

    while (body->len < ANSWER_MAX_BYTES) {
        char bytes[1024];
        size_t n = 0;
        CURLcode code = curl_easy_recv(self->curl, bytes, sizeof(bytes), &n);

        if (code == CURLE_AGAIN && wait_for_remote(self, POLLIN, deadline_us))
            continue;
        if (code != CURLE_OK || n == 0)
            break;
        g_string_append_len(body, bytes, (gssize)n);
        if (ferry_json_parse(body->str, body->len, &problem, NULL))
            break;
    }
    ferry_problem_to_error(self->exchange.client, status, problem, error);
    json_decref(problem);
    return false;
}

static bool
switch_protocol(FerryTunnel *self,
                const char *path,
                const char *protocol,
                int64_t deadline_us,
                GError **error)
{
    g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\n"
                                               "Host: ferryd\r\n"
                                               "Connection: Upgrade\r\n"
                                               "Upgrade: %s\r\n\r\n",
                                               path, protocol);
    g_autoptr(GString) headers = g_string_new(NULL);
    unsigned status = 0;

    if (!send_request(self, request, deadline_us, error) ||
        !read_headers(self, headers, deadline_us, error))
        return false;
    if (sscanf(headers->str, "HTTP/1.1 %3u", &status) == 1 && status == 101)
        return true;
    return read_refusal(self, status, deadline_us, error);
}

static FerryTunnel *
tunnel_new(FerryClient *client, int64_t timeout_ms)
{
    FerryTunnel *self = g_new0(FerryTunnel, 1);

    self->curl = curl_easy_init();
    g_assert(self->curl != NULL); /* fails for want of memory only, where GLib aborts too */
    self->local = -1;
    ferry_exchange_start(&self->exchange, client, self->curl, "/", timeout_ms);
    curl_easy_setopt(self->curl, CURLOPT_CONNECT_ONLY, 1L);
    return self;
}

static bool
open_pair(FerryTunnel *self, int *ret_fd, GError **error)
{
    int pair[2] = { -1, -1 };

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return ferry_error_set_errno(error, errno, "open a socket pair for", "a tunnel");
    self->local = pair[0];
    *ret_fd = pair[1];
    return true;
}

static bool
start(FerryTunnel *self, GError **error)
{
    int code = pthread_create(&self->thread, NULL, run, self);

    if (code == 0)
        return true;
    return ferry_error_set_errno(error, code, "start a thread for", "a tunnel");
}

static bool
connect_and_start(FerryTunnel *self,
                  const char *path,
                  const char *protocol,
                  int64_t deadline_us,
                  int *ret_fd,
                  GError **error)
{
    FERRY_AUTOFD int fd = -1;
    CURLcode code = curl_easy_perform(self->curl);

    if (code == CURLE_OK)
        code = curl_easy_getinfo(self->curl, CURLINFO_ACTIVESOCKET, &self->remote);
    if (code != CURLE_OK)
        return ferry_exchange_failed(&self->exchange, code, error);
    if (!switch_protocol(self, path, protocol, deadline_us, error) ||
        !open_pair(self, &fd, error) || !start(self, error))
        return false;
    *ret_fd = ferry_fd_steal(&fd);
    return true;
}

bool
ferry_client_tunnel(FerryClient *self,
                    const char *path,
                    const char *protocol,
                    int64_t timeout_ms,
                    int *ret_fd,
                    GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + timeout_ms * 1000;
    FerryTunnel *tunnel = tunnel_new(self, timeout_ms);

    if (!connect_and_start(tunnel, path, protocol, deadline_us, ret_fd, error)) {
        discard(tunnel);
        return false;
    }
    g_ptr_array_add(self->tunnels, tunnel);
    return true;
}
