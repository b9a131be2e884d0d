#include "api/server.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "test-server-fixture.h"

#define ENOUGH_MS 20000
#define SHORT_MS  1000 /* yet enough for who means well, beside other tests */

/* Callers who mean no good, or do not know better: each ends, and the next one is served. */

static void
short_times(FerryServerConfig *config)
{
    config->arrive_ms = SHORT_MS;
    config->send_ms = SHORT_MS;
    config->idle_ms = SHORT_MS;
}

static void
assert_alive(const TestServer *server)
{
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    (void)ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(reply.status, ==, 200);
}

static void
wait_for_connections(const TestServer *server, unsigned n)
{
    int64_t until = g_get_monotonic_time() + ENOUGH_MS * G_TIME_SPAN_MILLISECOND;
    unsigned seen = ferry_server_connections(server->server);

    while (seen != n && g_get_monotonic_time() < until) {
        g_thread_yield();
        seen = ferry_server_connections(server->server);
    }
    g_assert_cmpuint(seen, ==, n); /* not asked again: one more may be accepted meanwhile */
}

/* Requests that come a byte at a time, and would take an hour. */
typedef struct {
    const char *name;
    const char *start, *drip;
} DripRow;

static const DripRow drip_rows[] = {
    { "nothing", "", "" },
    { "request-line", "G", "E" },
    { "headers", "GET /v1/look HTTP/1.1\r\nX: ", "x" },
    { "body",
      "POST /v1/echo/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
      "100000\r\n\r\n",
      " " },
    { "chunks",
      "POST /v1/echo/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n",
      "1\r\n \r\n" },
};

/* It sends whenever the server has been silent for a moment: that never ends the wait for the
 * request's end. */
static void
test_drip(gconstpointer data)
{
    const DripRow *row = data;
    g_autoptr(TestServer) server = test_server_new(short_times);
    int64_t begun = g_get_monotonic_time();
    struct timeval moment = { .tv_usec = 20 * 1000 };
    int fd = test_server_connect(server);
    char byte = 0;

    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment)), ==, 0);
    (void)send(fd, row->start, strlen(row->start), MSG_NOSIGNAL);
    while (recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN) {
        (void)send(fd, row->drip, strlen(row->drip), MSG_NOSIGNAL);
        g_assert_cmpint(g_get_monotonic_time() - begun, <, ENOUGH_MS * G_TIME_SPAN_MILLISECOND);
    }
    g_assert_cmpint(g_get_monotonic_time() - begun, >=, (SHORT_MS - 10) * G_TIME_SPAN_MILLISECOND);
    close(fd);
    assert_alive(server);
}

/* The same on the TLS port, where the handshake does not come to an end. */
static void
test_slow_handshake(void)
{
    g_autoptr(TestServer) server = test_server_new(short_times);
    int fd = test_server_connect_tcp(server);
    g_autofree char *answer = test_server_say(fd, "\x16\x03\x01");

    g_assert_cmpstr(answer, ==, "");
    close(fd);
    assert_alive(server);
}

/* Two requests on one connection, then silence. */
static void
test_idle_after_request(void)
{
    g_autoptr(TestServer) server = test_server_new(short_times);
    int fd = test_server_connect(server);
    g_autofree char *answer = test_server_say(fd, "GET /v1/look HTTP/1.1\r\nHost: x\r\n\r\n"
                                                  "GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n");

    g_assert_nonnull(strstr(answer, "HTTP/1.1 200 OK"));
    g_assert_nonnull(strstr(answer, "HTTP/1.1 404 Not Found"));
    close(fd);
    wait_for_connections(server, 0);
}

static void
short_send(FerryServerConfig *config)
{
    short_times(config);
    config->arrive_ms = ENOUGH_MS;
}

/* It asks for much and takes nothing: the answers fill what lies between, and the send's time
 * limit ends it. */
static void
test_never_reads(void)
{
    g_autoptr(TestServer) server = test_server_new(short_send);
    g_autoptr(GString) request = g_string_new("POST /v1/echo/a HTTP/1.1\r\nHost: x\r\n"
                                              "Content-Type: application/json\r\n"
                                              "Content-Length: 900000\r\n\r\n{\"a\": \"");
    int fd = test_server_connect(server);
    size_t body = request->len - strlen("{\"a\": \"");

    while (request->len < body + 900000 - 2)
        g_string_append_c(request, 'x');
    g_string_append(request, "\"}");
    wait_for_connections(server, 1);
    g_assert_cmpint(send(fd, request->str, request->len, MSG_NOSIGNAL), ==, request->len);
    wait_for_connections(server, 0);
    close(fd);
    assert_alive(server);
}

/* Hanging up at any point of a conversation. */
static const char *const partings[] = {
    "",
    "GET",
    "GET /v1/look HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /v1/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
    "GET /v1/block HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/forever HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/count HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    "GET /v1/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly bytes",
};

static void
test_goes_away(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(partings); i++) {
        int fd = test_server_connect(server);

        (void)send(fd, partings[i], strlen(partings[i]), MSG_NOSIGNAL);
        close(fd);
    }
    assert_alive(server);
    wait_for_connections(server, 0);
}

/* Garbage on the TLS port; the length that a TLS record claims is in it. */
static void
test_garbage_on_tls_port(void)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\xff\xff\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
        "\x15\x03\x03\x01\x02\x02\x28", /* an alert */
        "\x80\x2e\x01\x03\x01",         /* SSL 2 */
        "SSH-2.0-OpenSSH_9.2\r\n",
    };
    g_autoptr(TestServer) server = test_server_new(short_times);

    for (size_t i = 0; i < G_N_ELEMENTS(garbage); i++) {
        int fd = test_server_connect_tcp(server);
        g_autofree char *answer = test_server_say(fd, garbage[i]);

        g_assert_false(g_str_has_prefix(answer, "HTTP/"));
        close(fd);
    }
    assert_alive(server);
    wait_for_connections(server, 0);
}

/* Random bytes, as a request and as a handshake; the seed is the test's own, and printed. */
static void
test_random_bytes(void)
{
    g_autoptr(TestServer) server = test_server_new(short_times);

    for (unsigned i = 0; i < 50; i++) {
        int fd = i % 2 == 0 ? test_server_connect(server) : test_server_connect_tcp(server);
        char bytes[512];

        for (size_t n = 0; n < sizeof(bytes); n++)
            bytes[n] = (char)g_test_rand_int_range(-128, 128);
        (void)send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        close(fd);
    }
    assert_alive(server);
    wait_for_connections(server, 0);
}

#define N_IDLE 1000

static void
test_thousand_idle(void)
{
    struct rlimit files = { 0 };
    g_autoptr(TestServer) server = NULL;
    g_autofree int *fds = g_new0(int, N_IDLE);
    char byte = 0;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &files), ==, 0);
    files.rlim_cur = MAX(files.rlim_cur, MIN(files.rlim_max, 4 * N_IDLE)); /* both ends are ours */
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &files), ==, 0);
    server = test_server_new(NULL);
    for (size_t i = 0; i < N_IDLE; i++)
        fds[i] = test_server_connect(server);
    wait_for_connections(server, N_IDLE);
    assert_alive(server);
    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    for (size_t i = 0; i < N_IDLE; i++) {
        g_assert_cmpint(recv(fds[i], &byte, 1, 0), <=, 0);
        close(fds[i]);
    }
}

static void
few_strangers(FerryServerConfig *config)
{
    config->max_strangers_one = 3;
}

/* A stranger's address gets so many unfinished handshakes; who is known is none, and Unix sockets
 * are nobody's. */
static void
test_strangers_are_bounded(void)
{
    g_autoptr(TestServer) server = test_server_new(few_strangers);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", "view");
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    char byte = 0;
    int fds[4] = { 0 };

    g_assert_true(ferry_client_new_peer(me, "beta", server->address, &client, NULL));
    g_assert_true(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, NULL));
    for (size_t i = 0; i < 3; i++)
        fds[i] = test_server_connect_tcp(server);
    wait_for_connections(server, 4);
    fds[3] = test_server_connect_tcp(server);
    g_assert_cmpint(recv(fds[3], &byte, 1, 0), <=, 0); /* one too many */
    assert_alive(server);
    ferry_reply_clear(&reply);
    g_assert_true(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
}

static void
few_connections(FerryServerConfig *config)
{
    config->max_connections = 4;
}

static void
test_connections_are_bounded(void)
{
    g_autoptr(TestServer) server = test_server_new(few_connections);
    int fds[5] = { 0 };
    char byte = 0;

    for (size_t i = 0; i < 4; i++)
        fds[i] = test_server_connect(server);
    wait_for_connections(server, 4);
    fds[4] = test_server_connect(server);
    g_assert_cmpint(recv(fds[4], &byte, 1, 0), <=, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    wait_for_connections(server, 0);
    assert_alive(server);
}

/* A handler that waits is not cut off, however short the times for everything else are. */
static void
test_handler_may_wait(void)
{
    g_autoptr(TestServer) server = test_server_new(short_times);
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_client_call(client, "GET", "/v1/block", NULL, 1000, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT); /* our own time limit ended it */
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/server-abuse/" prefix "/", (rows)[i].name, NULL);    \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("drip", drip_rows, test_drip);
    g_test_add_func("/server-abuse/slow-handshake", test_slow_handshake);
    g_test_add_func("/server-abuse/idle-after-request", test_idle_after_request);
    g_test_add_func("/server-abuse/never-reads", test_never_reads);
    g_test_add_func("/server-abuse/goes-away", test_goes_away);
    g_test_add_func("/server-abuse/garbage-on-tls-port", test_garbage_on_tls_port);
    g_test_add_func("/server-abuse/random-bytes", test_random_bytes);
    g_test_add_func("/server-abuse/thousand-idle", test_thousand_idle);
    g_test_add_func("/server-abuse/strangers-are-bounded", test_strangers_are_bounded);
    g_test_add_func("/server-abuse/connections-are-bounded", test_connections_are_bounded);
    g_test_add_func("/server-abuse/handler-may-wait", test_handler_may_wait);
    return g_test_run();
}
