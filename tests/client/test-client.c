#include "client/client.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "canned-server.h"
#include "certificates.h"

#define ENOUGH_MS 20000

/* An answer's head: the body goes on until the connection ends. */
#define HEAD(status, type) "HTTP/1.1 " status "\r\nContent-Type: " type "\r\n\r\n"
#define PROBLEM(status, type, detail)                                                              \
    HEAD(status, "application/problem+json")                                                       \
    "{\"type\": \"" type "\", \"status\": 0, \"detail\": \"" detail "\"}"

typedef struct {
    const char *name;
    const char *answer;
    unsigned status;     /* of an answer; 0: an error */
    const char *body;    /* of an answer; NULL: none */
    FerryErrorCode code; /* of an error */
    const char *message; /* "@": the server's label */
} ReplyRow;

static const ReplyRow reply_rows[] = {
    { "ok", HEAD("200 OK", "application/json") "{\"a\":1}", 200, "{\"a\":1}", 0, NULL },
    { "accepted", HEAD("202 Accepted", "application/json") "{}", 202, "{}", 0, NULL },
    { "no-content", "HTTP/1.1 204 No Content\r\n\r\n", 204, NULL, 0, NULL },
    { "refused-is-an-answer",
      HEAD("409 Conflict", "application/problem+json") "{\"type\":\"refused\",\"reasons\":[]}", 409,
      "{\"type\":\"refused\",\"reasons\":[]}", 0, NULL },
    { "not-found", PROBLEM("404 Not Found", "not-found", "there is no guest web"), 0, NULL,
      FERRY_ERROR_NOT_FOUND, "there is no guest web" },
    { "busy", PROBLEM("409 Conflict", "busy", "job 7 moves web"), 0, NULL, FERRY_ERROR_BUSY,
      "job 7 moves web" },
    { "corrupt", PROBLEM("500 Oops", "corrupt", "ferry.db"), 0, NULL, FERRY_ERROR_CORRUPT,
      "ferry.db" },
    { "problem-of-unknown-type", PROBLEM("418 Teapot", "teapot", "short and stout"), 0, NULL,
      FERRY_ERROR_PEER, "@ answered with HTTP status 418: short and stout" },
    { "problem-without-detail", HEAD("500 Oops", "application/problem+json") "{\"type\": \"io\"}",
      0, NULL, FERRY_ERROR_PEER, "@ answered with HTTP status 500, and no reason" },
    { "refused-of-another-status",
      HEAD("400 Bad Request", "application/problem+json") "{\"type\": \"refused\"}", 0, NULL,
      FERRY_ERROR_PEER, "@ answered with HTTP status 400, and no reason" },
    { "html-error", HEAD("431 Too Large", "text/html") "<html>", 0, NULL, FERRY_ERROR_PEER,
      "@ answered with HTTP status 431, and no reason" },
    { "redirect", "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", 0, NULL,
      FERRY_ERROR_PEER, "@ answered with HTTP status 302, and no reason" },
    { "not-json", HEAD("200 OK", "application/json") "hello", 0, NULL, FERRY_ERROR_PEER,
      "@ answered nonsense: this is not JSON, line 1, column 5: invalid token near 'hello'" },
    { "hangs-up", "", 0, NULL, FERRY_ERROR_PEER,
      "cannot talk to @: Empty reply from server. Is ferryd running? \"systemctl start ferryd\" "
      "starts it" },
    { "hangs-up-within", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", 0, NULL, FERRY_ERROR_PEER,
      "cannot talk to @: transfer closed with 8 bytes remaining to read. Is ferryd running? "
      "\"systemctl start ferryd\" starts it" },
    { "not-http", "SSH-2.0-OpenSSH_9.2\r\n", 0, NULL, FERRY_ERROR_PEER,
      "cannot talk to @: Received HTTP/0.9 when not allowed. Is ferryd running? \"systemctl start "
      "ferryd\" starts it" },
};

static char *
expand(const char *message, const char *path)
{
    g_autofree char *label = g_strdup_printf("ferryd at %s", path);
    g_auto(GStrv) parts = g_strsplit(message, "@", -1);

    return g_strjoinv(label, parts);
}

static void
check_error(const ReplyRow *row, const char *path, const GError *error)
{
    g_autofree char *message = expand(row->message, path);

    g_assert_error(error, FERRY_ERROR, (int)row->code);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_reply(gconstpointer data)
{
    const ReplyRow *row = data;
    CannedServer *server = canned_server_new(row->answer);
    g_autoptr(FerryClient) client = ferry_client_new_unix(canned_server_path(server));
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    bool ok = ferry_client_call(client, "GET", "/v1/x", NULL, ENOUGH_MS, &reply, &error);

    g_assert_cmpint(ok, ==, row->status != 0);
    g_assert_cmpuint(reply.status, ==, row->status);
    if (ok && row->body != NULL) {
        char *body = json_dumps(reply.body, JSON_COMPACT);

        g_assert_cmpstr(body, ==, row->body);
        free(body);
    } else {
        g_assert_null(reply.body);
    }
    if (!ok)
        check_error(row, canned_server_path(server), error);
    g_free(canned_server_end(server));
}

static void
test_request(void)
{
    CannedServer *server = canned_server_new("HTTP/1.1 204 No Content\r\n\r\n");
    FerryClient *client = ferry_client_new_unix(canned_server_path(server));
    json_t *body = json_pack("{s:s}", "guest", "web");
    g_auto(FerryReply) reply = { 0 };
    g_autofree char *heard = NULL;

    g_assert_true(ferry_client_call(client, "POST", "/v1/m?a=b", body, ENOUGH_MS, &reply, NULL));
    json_decref(body);
    ferry_client_free(client);
    heard = canned_server_end(server);
    g_assert_true(g_str_has_prefix(heard, "POST /v1/m?a=b HTTP/1.1\r\n"));
    g_assert_nonnull(strstr(heard, "\r\nContent-Type: application/json\r\n"));
    g_assert_nonnull(strstr(heard, "\r\nAccept: application/json\r\n"));
    g_assert_null(strstr(heard, "Expect:"));
    g_assert_true(g_str_has_suffix(heard, "\r\n\r\n{\"guest\":\"web\"}"));
}

static void
test_nobody_there(void)
{
    g_autoptr(FerryClient) client = ferry_client_new_unix("/nonexistent/ferryd.sock");
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_client_call(client, "GET", "/", NULL, ENOUGH_MS, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==,
                    "cannot talk to ferryd at /nonexistent/ferryd.sock: No such file or "
                    "directory. Is ferryd running? \"systemctl start ferryd\" starts it");
}

static void
test_silence(void)
{
    CannedServer *server = canned_server_new(NULL);
    FerryClient *client = ferry_client_new_unix(canned_server_path(server));
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_client_call(client, "GET", "/", NULL, 50, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_true(g_str_has_prefix(error->message, "no answer in time from ferryd at "));
    ferry_client_free(client);
    g_free(canned_server_end(server));
}

/* What a listener was told, and when it says stop. */
typedef struct {
    GString *seen;
    unsigned stop_at;
    bool stop_when_nothing_comes;
} Listener;

static bool
on_event(void *user_data, const char *event, json_t *data)
{
    Listener *self = user_data;

    if (event == NULL)
        return !self->stop_when_nothing_comes;
    g_string_append_printf(self->seen, "%s=%" JSON_INTEGER_FORMAT ";", event,
                           json_integer_value(data));
    return self->stop_at == 0 || --self->stop_at > 0;
}

#define STREAM HEAD("200 OK", "text/event-stream")

typedef struct {
    const char *name;
    const char *answer;
    unsigned stop_at;
    const char *seen;
    FerryErrorCode code;
    const char *message; /* NULL: fine */
} EventRow;

static const EventRow event_rows[] = {
    { "until-the-end", STREAM "event: job\ndata: 1\n\n: x\n\nevent: job\ndata: 2\n\n", 0,
      "job=1;job=2;", 0, NULL },
    { "until-told", STREAM "event: job\ndata: 1\n\nevent: job\ndata: 2\n\n", 1, "job=1;", 0, NULL },
    { "problem", PROBLEM("404 Not Found", "not-found", "there is no job 7"), 0, "",
      FERRY_ERROR_NOT_FOUND, "there is no job 7" },
    { "not-json", STREAM "event: job\ndata: {\n\n", 0, "", FERRY_ERROR_PEER,
      "@: event job: this is not JSON, line 1, column 1: string or '}' expected near end of "
      "file" },
    { "hangs-up-within", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n: \r\n", 0, "",
      FERRY_ERROR_PEER,
      "cannot talk to @: transfer closed with outstanding read data remaining. Is ferryd "
      "running? \"systemctl start ferryd\" starts it" },
};

static void
test_events(gconstpointer data)
{
    const EventRow *row = data;
    CannedServer *server = canned_server_new(row->answer);
    g_autoptr(FerryClient) client = ferry_client_new_unix(canned_server_path(server));
    Listener listener = { .seen = g_string_new(NULL), .stop_at = row->stop_at };
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(ferry_client_events(client, "/v1/jobs/7/events", on_event, &listener, &error),
                    ==, row->message == NULL);
    g_assert_cmpstr(listener.seen->str, ==, row->seen);
    if (row->message != NULL) {
        g_autofree char *message = expand(row->message, canned_server_path(server));

        g_assert_error(error, FERRY_ERROR, (int)row->code);
        g_assert_cmpstr(error->message, ==, message);
    }
    g_string_free(listener.seen, TRUE);
    g_free(canned_server_end(server));
}

/* Whoever has been told to stop by a signal hears of it without an event. */
static void
test_events_stop_in_silence(void)
{
    CannedServer *server = canned_server_new(NULL);
    FerryClient *client = ferry_client_new_unix(canned_server_path(server));
    Listener listener = { .seen = g_string_new(NULL), .stop_when_nothing_comes = true };

    g_assert_true(ferry_client_events(client, "/", on_event, &listener, NULL));
    g_assert_cmpstr(listener.seen->str, ==, "");
    g_string_free(listener.seen, TRUE);
    ferry_client_free(client);
    g_free(canned_server_end(server));
}

static void
test_tunnel(void)
{
    CannedServer *server =
        canned_server_new("HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\n\r\nhello");
    FerryClient *client = ferry_client_new_unix(canned_server_path(server));
    g_autofree char *heard = NULL;
    g_autoptr(GError) error = NULL;
    char bytes[16] = "";
    int fd = -1;

    g_assert_true(ferry_client_tunnel(client, "/t", "test", ENOUGH_MS, &fd, &error));
    g_assert_no_error(error);
    g_assert_cmpint(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), ==, 5); /* then EOF */
    g_assert_cmpstr(bytes, ==, "hello");
    close(fd);
    ferry_client_free(client);
    heard = canned_server_end(server);
    g_assert_cmpstr(heard, ==,
                    "GET /t HTTP/1.1\r\nHost: ferryd\r\nConnection: Upgrade\r\nUpgrade: test\r\n"
                    "\r\n");
}

typedef struct {
    const char *name;
    const char *answer; /* NULL: none */
    FerryErrorCode code;
    const char *message;
} TunnelRow;

static const TunnelRow tunnel_rows[] = {
    { "denied", PROBLEM("403 Forbidden", "denied", "no"), FERRY_ERROR_DENIED, "no" },
    { "no-switch", HEAD("200 OK", "application/json") "{}", FERRY_ERROR_PEER,
      "@ answered with HTTP status 200, and no reason" },
    { "not-http", "hello\r\n\r\n", FERRY_ERROR_PEER,
      "@ answered with HTTP status 0, and no reason" },
    { "hangs-up", "", FERRY_ERROR_PEER,
      "cannot talk to @: Server returned nothing (no headers, no data). Is ferryd running? "
      "\"systemctl start ferryd\" starts it" },
    { "silence", NULL, FERRY_ERROR_TIMEOUT, "no answer in time from @: the request for a tunnel" },
};

static void
test_no_tunnel(gconstpointer data)
{
    const TunnelRow *row = data;
    CannedServer *server = canned_server_new(row->answer);
    FerryClient *client = ferry_client_new_unix(canned_server_path(server));
    g_autofree char *message = expand(row->message, canned_server_path(server));
    g_autoptr(GError) error = NULL;
    int fd = -1;

    g_assert_false(ferry_client_tunnel(client, "/t", "test", row->answer == NULL ? 50 : ENOUGH_MS,
                                       &fd, &error));
    g_assert_error(error, FERRY_ERROR, (int)row->code);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_cmpint(fd, ==, -1);
    ferry_client_free(client);
    g_free(canned_server_end(server));
}

typedef struct {
    const char *name;
    const char *peer;
    const char *address;
    const char *message; /* NULL: fine */
} PeerRow;

#define NOT_ADDRESS "is not an address: expected HOST:PORT, an IPv6 address in brackets"

#define A16  "aaaaaaaaaaaaaaaa"
#define A64  A16 A16 A16 A16
#define LONG A64 A64 A64 A64 /* one more than may be */

static const PeerRow peer_rows[] = {
    { "ipv4", "beta", "10.0.0.2:8440", NULL },
    { "ipv6", "beta", "[fd00::2]:8440", NULL },
    { "name", "beta", "beta.example:8440", NULL },
    { "no-port", "beta", "10.0.0.2", "\"10.0.0.2\" " NOT_ADDRESS },
    { "no-host", "beta", ":8440", "\":8440\" " NOT_ADDRESS },
    { "port-0", "beta", "a:0", "\"a:0\" " NOT_ADDRESS },
    { "port-too-large", "beta", "a:65536", "\"a:65536\" " NOT_ADDRESS },
    { "ipv6-bare", "beta", "fd00::2:8440", "\"fd00::2:8440\" " NOT_ADDRESS },
    { "name-too-long", "beta", LONG ":1", "\"" LONG ":1\" " NOT_ADDRESS },
    { "path", "beta", "a/b:1", "\"a/b:1\" " NOT_ADDRESS },
    { "bad-name", "be ta", "a:1",
      "\"be ta\" is not a host name: at most 64 letters, digits, dots and hyphens" },
};

static void
test_peer(gconstpointer data)
{
    const PeerRow *row = data;
    g_autoptr(FerryClient) client = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(ferry_client_new_peer(NULL, row->peer, row->address, &client, &error), ==,
                    row->message == NULL);
    if (row->message == NULL) {
        g_assert_nonnull(client);
        return;
    }
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(client);
}

static void
test_path_escape(void)
{
    g_autofree char *plain = ferry_path_escape("web-1.example_~");
    g_autofree char *odd = ferry_path_escape("a/b?c%d \xc3\xa4");

    g_assert_cmpstr(plain, ==, "web-1.example_~");
    g_assert_cmpstr(odd, ==, "a%2Fb%3Fc%25d%20%C3%A4");
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/client/" prefix "/", (rows)[i].name, NULL);          \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("reply", reply_rows, test_reply);
    ADD_ROWS("events", event_rows, test_events);
    ADD_ROWS("no-tunnel", tunnel_rows, test_no_tunnel);
    ADD_ROWS("peer", peer_rows, test_peer);
    g_test_add_func("/client/request", test_request);
    g_test_add_func("/client/nobody-there", test_nobody_there);
    g_test_add_func("/client/silence", test_silence);
    g_test_add_func("/client/events-stop-in-silence", test_events_stop_in_silence);
    g_test_add_func("/client/tunnel", test_tunnel);
    g_test_add_func("/client/path-escape", test_path_escape);
    return g_test_run();
}
