#include "api/server.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "test-server-fixture.h"

#define ENOUGH_MS 20000

typedef struct {
    const char *name;
    const char *method, *path;
    const char *body; /* JSON; NULL: none */
    unsigned status;  /* 0: an error */
    const char *answer;
    FerryErrorCode code;
    const char *message;
} CallRow;

static const CallRow call_rows[] = {
    { "look", "GET", "/v1/look", NULL, 200,
      "{\"caller\":\"local\",\"role\":\"operate\",\"q\":null}", 0, NULL },
    { "query", "GET", "/v1/look?q=a%2Fb%20c&r=1", NULL, 200,
      "{\"caller\":\"local\",\"role\":\"operate\",\"q\":\"a/b c\"}", 0, NULL },
    { "body", "POST", "/v1/echo/x", "{\"a\":[1]}", 200, "{\"segment\":\"x\",\"body\":{\"a\":[1]}}",
      0, NULL },
    { "escaped-segment", "POST", "/v1/echo/a%2Fb%C3%A4", NULL, 200,
      "{\"segment\":\"a/b\u00e4\",\"body\":null}", 0, NULL },
    { "refused", "POST", "/v1/no", NULL, 409,
      "{\"type\":\"refused\",\"title\":\"Conflict\",\"status\":409,\"detail\":\"web cannot move\","
      "\"reasons\":[{\"code\":\"cpu\"}]}",
      0, NULL },
    { "error", "GET", "/v1/fail", NULL, 0, NULL, FERRY_ERROR_BUSY, "job 7 moves web" },
    { "unknown-route", "GET", "/v1/nothing", NULL, 0, NULL, FERRY_ERROR_NOT_FOUND,
      "there is no resource /v1/nothing" },
    { "empty-segment", "POST", "/v1/echo/", NULL, 0, NULL, FERRY_ERROR_NOT_FOUND,
      "there is no resource /v1/echo/" },
    { "bad-escape", "POST", "/v1/echo/%zz", NULL, 0, NULL, FERRY_ERROR_NOT_FOUND,
      "there is no resource /v1/echo/%zz" },
    { "zero-byte", "POST", "/v1/echo/a%00b", NULL, 0, NULL, FERRY_ERROR_NOT_FOUND,
      "there is no resource /v1/echo/a%00b" },
    { "wrong-method", "DELETE", "/v1/look", NULL, 0, NULL, FERRY_ERROR_INVALID,
      "/v1/look has no method DELETE: there is GET" },
    { "wrong-role", "GET", "/v1/peer/tunnel", NULL, 0, NULL, FERRY_ERROR_DENIED,
      "GET /v1/peer/tunnel needs the role peer, and the certificate of local has the role "
      "operate" },
    { "no-upgrade", "GET", "/v1/tunnel", NULL, 0, NULL, FERRY_ERROR_INVALID,
      "this resource is for \"Connection: Upgrade\" to echo" },
    { "not-an-object", "POST", "/v1/echo/x", "[1]", 0, NULL, FERRY_ERROR_INVALID,
      "the body is not a JSON object" },
};

static void
test_call(gconstpointer data)
{
    const CallRow *row = data;
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    g_auto(FerryReply) reply = { 0 };
    json_t *body = row->body != NULL ? json_loads(row->body, 0, NULL) : NULL;
    g_autoptr(GError) error = NULL;
    bool ok = ferry_client_call(client, row->method, row->path, body, ENOUGH_MS, &reply, &error);

    json_decref(body);
    if (row->status != 0) {
        char *answer = NULL;

        g_assert_no_error(error);
        answer = json_dumps(reply.body, JSON_COMPACT);
        g_assert_cmpuint(reply.status, ==, row->status);
        g_assert_cmpstr(answer, ==, row->answer);
        free(answer);
        return;
    }
    g_assert_false(ok);
    g_assert_error(error, FERRY_ERROR, (int)row->code);
    g_assert_cmpstr(error->message, ==, row->message);
}

/* What only bytes written by hand can ask for. */
typedef struct {
    const char *name;
    const char *request;
    const char *begins, *has; /* the answer; has: NULL: nothing more to look for */
} RawRow;

#define CLOSE "Host: x\r\nConnection: close\r\n"

static const RawRow raw_rows[] = {
    { "keys-of-a-problem", "GET /v1/x HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 Not Found\r\n",
      "{\"type\":\"not-found\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"there is no "
      "resource /v1/x\"}" },
    { "problem-type", "GET /v1/x HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404",
      "Content-Type: application/problem+json\r\n" },
    { "allow", "PUT /v1/echo/a HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 405 ", "Allow: POST\r\n" },
    { "wrong-content-type",
      "POST /v1/echo/a HTTP/1.1\r\n" CLOSE "Content-Type: text/xml\r\nContent-Length: 2\r\n\r\n{}",
      "HTTP/1.1 415 ", "the body's Content-Type is not application/json" },
    { "no-content-type", "POST /v1/echo/a HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\n{}",
      "HTTP/1.1 415 ", NULL },
    { "charset",
      "POST /v1/echo/a HTTP/1.1\r\n" CLOSE
      "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
      "HTTP/1.1 200 ", NULL },
    { "malformed-json",
      "POST /v1/echo/a HTTP/1.1\r\n" CLOSE
      "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"a}",
      "HTTP/1.1 400 ", "this is not JSON, line 1, column 4" },
    { "chunked-body",
      "POST /v1/echo/a HTTP/1.1\r\n" CLOSE
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0"
      "\r\n\r\n",
      "HTTP/1.1 200 ", "{\"segment\":\"a\",\"body\":{}}" },
    { "bad-chunk", "POST /v1/echo/a HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      "", NULL },
    { "too-large-says-it-first",
      "POST /v1/echo/a HTTP/1.1\r\n" CLOSE
      "Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n",
      "HTTP/1.1 413 ", "the request's body is longer than 1048576 bytes" },
    { "no-host", "GET /v1/look HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 ", NULL },
    { "not-http", "hello\r\n\r\n", "", NULL },
    { "tls-on-the-unix-socket", "\x16\x03\x01\x02\n\n\x01\n\x01\xfc\x03\x03\r\n\r\n", "", NULL },
    { "unknown-method", "BREW /v1/look HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 405 ", NULL },
    { "dot-dot", "GET /v1/../look HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", NULL },
};

static void
test_raw(gconstpointer data)
{
    const RawRow *row = data;
    g_autoptr(TestServer) server = test_server_new(NULL);
    int fd = test_server_connect(server);
    g_autofree char *answer = NULL;

    answer = test_server_say(fd, row->request);
    g_test_message("%s", answer);
    g_assert_true(g_str_has_prefix(answer, row->begins));
    if (row->has != NULL)
        g_assert_nonnull(strstr(answer, row->has));
    close(fd);
}

/* It is read to the end, so the answer arrives, whatever the caller sends with. */
static void
test_body_too_large(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    g_autofree char *text = g_strnfill(server->config.max_body_bytes, 'x');
    json_t *body = json_pack("{s:s}", "a", text);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(
        ferry_client_call(client, "POST", "/v1/echo/x", body, ENOUGH_MS, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "the request's body is longer than 1048576 bytes");
    g_clear_error(&error);
    text[server->config.max_body_bytes - 8] = '\0'; /* with {"a":""} exactly the limit */
    json_object_set_new(body, "a", json_string(text));
    g_assert_true(ferry_client_call(client, "POST", "/v1/echo/x", body, ENOUGH_MS, &reply, &error));
    g_assert_no_error(error);
    json_decref(body);
}

static void
test_header_too_large(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autofree char *name = g_strnfill(20000, 'x');
    g_autofree char *request =
        g_strdup_printf("GET /v1/look HTTP/1.1\r\nHost: x\r\nX-%s: 1\r\n\r\n", name);
    int fd = test_server_connect(server);
    g_autofree char *answer = test_server_say(fd, request);

    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 431 "));
    close(fd);
}

static bool
add_event(void *user_data, const char *event, json_t *data)
{
    if (event != NULL)
        g_string_append_printf(user_data, "%s=%" JSON_INTEGER_FORMAT ";", event,
                               json_integer_value(data));
    return true;
}

static void
test_events(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    g_autoptr(GString) seen = g_string_new(NULL);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    (void)ferry_client_events(client, "/v1/count", add_event, seen, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(seen->str, ==, "n=1;n=2;n=3;");
    /* The connection is good for more. */
    g_assert_true(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, NULL));
    g_assert_cmpuint(ferry_server_connections(server->server), ==, 1);
}

/* Sends much in one piece and sees all of it come back: both ends' buffers fill on the way. */
static void
check_echo(int fd, size_t size)
{
    g_autofree char *sent = g_malloc(size);
    g_autofree char *received = g_malloc(size);

    for (size_t i = 0; i < size; i++)
        sent[i] = (char)(i % 251);
    for (size_t done = 0; done < size; done += 100000) {
        size_t step = MIN(size - done, 100000);

        g_assert_cmpint(send(fd, sent + done, step, MSG_NOSIGNAL), ==, step);
        g_assert_cmpint(recv(fd, received + done, step, MSG_WAITALL), ==, step);
    }
    g_assert_true(memcmp(sent, received, size) == 0);
}

static void
test_tunnel(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    g_autoptr(GError) error = NULL;
    int fd = -1;

    g_assert_true(ferry_client_tunnel(client, "/v1/tunnel", "echo", ENOUGH_MS, &fd, &error));
    g_assert_no_error(error);
    check_echo(fd, 1000000);
    close(fd);
}

/* The far end hears that we hung up, and the near end that the server has stopped. */
static void
test_tunnel_ends_with_server(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryClient) client = ferry_client_new_unix(server->socket_path);
    char byte = 'x';
    int fd = -1;

    g_assert_true(ferry_client_tunnel(client, "/v1/tunnel", "echo", ENOUGH_MS, &fd, NULL));
    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
    close(fd);
}

static void
test_stop_wakes_handlers(gconstpointer data)
{
    const char *path = data;
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    int fd = test_server_connect(server), idle = test_server_connect(server);
    g_autofree char *answer = NULL;

    g_assert_cmpint(send(fd, request, strlen(request), 0), ==, strlen(request));
    while (strcmp(path, "/v1/block") == 0 && g_atomic_int_get(&server->blocked) == 0)
        g_thread_yield();
    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    answer = test_server_say(fd, "");
    close(fd);
    close(idle);
}

static void
test_stop_is_bounded(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    int fd = test_server_connect(server);

    while (ferry_server_connections(server->server) == 0)
        g_thread_yield();
    /* An idle connection is no reason to wait, a time of 0 is none to hang. */
    (void)ferry_server_stop(server->server, 0);
    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    close(fd);
}

static void
test_socket_file(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    FerryServer *second = ferry_server_new(&server->config);
    g_autofree char *message = g_strdup_printf(
        "cannot listen on %s: another ferryd answers there. Stop it first", server->socket_path);
    g_autoptr(GError) error = NULL;
    struct stat info;

    g_assert_cmpint(stat(server->socket_path, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0660);
    g_assert_false(ferry_server_start(second, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_cmpstr(error->message, ==, message);
    ferry_server_free(second);
    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    g_assert_cmpint(stat(server->socket_path, &info), <, 0);
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/server/" prefix "/", (rows)[i].name, NULL);          \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("call", call_rows, test_call);
    ADD_ROWS("raw", raw_rows, test_raw);
    g_test_add_func("/server/body-too-large", test_body_too_large);
    g_test_add_func("/server/header-too-large", test_header_too_large);
    g_test_add_func("/server/events", test_events);
    g_test_add_func("/server/tunnel", test_tunnel);
    g_test_add_func("/server/tunnel-ends-with-server", test_tunnel_ends_with_server);
    g_test_add_data_func("/server/stop-wakes-block", "/v1/block", test_stop_wakes_handlers);
    g_test_add_data_func("/server/stop-wakes-stream", "/v1/forever", test_stop_wakes_handlers);
    g_test_add_func("/server/stop-is-bounded", test_stop_is_bounded);
    g_test_add_func("/server/socket-file", test_socket_file);
    return g_test_run();
}
