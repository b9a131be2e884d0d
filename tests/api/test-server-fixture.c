#include "test-server-fixture.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

static bool
look(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)error;
    ferry_response_json(response, 200,
                        json_pack("{s:s, s:s, s:s?}", "caller", request->caller->name, "role",
                                  ferry_role_name(request->caller->role), "q",
                                  ferry_request_query(request, "q")));
    return true;
}

static bool
echo(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)error;
    ferry_response_json(
        response, 200,
        json_pack("{s:s, s:O?}", "segment", request->segments[0], "body", (json_t *)request->body));
    return true;
}

static bool
fail(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)request;
    ferry_response_json(response, 200, json_object()); /* must not go out */
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY, "job 7 moves web");
    return false;
}

static bool
say_no(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)request;
    (void)error;
    ferry_response_refused(response, "web cannot move", json_pack("[{s:s}]", "code", "cpu"));
    return true;
}

static FerryNext
next_count(void *data, int64_t timeout_ms, FerryEvent *ret)
{
    int *count = data;

    (void)timeout_ms;
    if (*count == 3)
        return FERRY_NEXT_END;
    *ret = (FerryEvent){ "n", json_integer(++*count) };
    return FERRY_NEXT_EVENT;
}

static bool
count(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)request;
    (void)error;
    ferry_response_events(response, next_count, g_new0(int, 1), g_free);
    return true;
}

static FerryNext
next_never(void *data, int64_t timeout_ms, FerryEvent *ret)
{
    (void)data;
    (void)ret;
    g_usleep((gulong)MIN(timeout_ms, 20) * 1000); /* what waiting for an event is */
    return FERRY_NEXT_NOTHING;
}

static bool
forever(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)request;
    (void)error;
    ferry_response_events(response, next_never, g_new0(int, 1), g_free);
    return true;
}

static bool
block(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    TestServer *self = data;

    (void)error;
    g_atomic_int_inc(&self->blocked);
    while (!ferry_request_is_over(request))
        g_usleep(5000);
    ferry_response_json(response, 200, NULL);
    return true;
}

static void
echo_bytes(int fd, void *data)
{
    char bytes[4096];
    ssize_t n = 0;

    (void)data;
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        for (ssize_t sent = 0, step = 0; sent < n; sent += step) {
            step = send(fd, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);
            if (step <= 0)
                return;
        }
    }
}

static bool
tunnel(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)request;
    (void)error;
    ferry_response_upgrade(response, "echo", echo_bytes, g_new0(int, 1), g_free);
    return true;
}

static const FerryRoute routes[] = {
    { "GET", "/v1/look", FERRY_ROLE_VIEW, look },
    { "POST", "/v1/echo/{}", FERRY_ROLE_OPERATE, echo },
    { "GET", "/v1/fail", FERRY_ROLE_OPERATE, fail },
    { "POST", "/v1/no", FERRY_ROLE_OPERATE, say_no },
    { "GET", "/v1/count", FERRY_ROLE_VIEW, count },
    { "GET", "/v1/forever", FERRY_ROLE_VIEW, forever },
    { "GET", "/v1/block", FERRY_ROLE_VIEW, block },
    { "GET", "/v1/peer/tunnel", FERRY_ROLE_PEER, tunnel },
    { "GET", "/v1/tunnel", FERRY_ROLE_OPERATE, tunnel },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};

TestServer *
test_server_new(void (*change)(FerryServerConfig *config))
{
    TestServer *self = g_new0(TestServer, 1);
    g_autoptr(GError) error = NULL;

    self->authority = test_authority_new();
    self->identity = test_authority_identity(self->authority, "beta", "peer");
    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    self->socket_path = g_build_filename(self->folder, "run", "ferryd.sock", NULL);
    self->config = ferry_server_defaults;
    self->config.socket_path = self->socket_path;
    self->config.listen = "127.0.0.1:0";
    self->config.identity = self->identity;
    if (change != NULL)
        change(&self->config);
    self->server = ferry_server_new(&self->config);
    ferry_server_add(self->server, routes, self);
    if (!ferry_server_start(self->server, &error))
        g_error("%s", error->message);
    self->address = g_strdup_printf("127.0.0.1:%u", ferry_server_port(self->server));
    return self;
}

void
test_server_free(TestServer *self)
{
    g_autofree char *run = g_build_filename(self->folder, "run", NULL);

    ferry_server_free(self->server);
    (void)g_rmdir(run);
    (void)g_rmdir(self->folder);
    ferry_identity_free(self->identity);
    test_authority_free(self->authority);
    g_free(self->folder);
    g_free(self->socket_path);
    g_free(self->address);
    g_free(self);
}

int
test_server_connect(const TestServer *self)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, self->socket_path, sizeof(address.sun_path));
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    return fd;
}

int
test_server_connect_tcp(const TestServer *self)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(ferry_server_port(self->server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    return fd;
}

char *
test_server_say(int fd, const char *text)
{
    g_autoptr(GString) answer = g_string_new(NULL);
    char bytes[4096];
    ssize_t n = 0;

    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        g_string_append_len(answer, bytes, n);
    return g_string_free(g_steal_pointer(&answer), FALSE);
}
