#include "api/server.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "test-server-fixture.h"

#define ENOUGH_MS 20000

/* A caller with a good certificate, and what its role may do. */
typedef struct {
    const char *name;
    const char *role, *method, *path;
    FerryErrorCode code;
    const char *message; /* NULL: fine */
} RoleRow;

#define NEEDS(what, needed, has)                                                                   \
    what " needs the role " needed ", and the certificate of alpha has the role " has

static const RoleRow role_rows[] = {
    { "view-looks", "view", "GET", "/v1/look", 0, NULL },
    { "view-acts", "view", "POST", "/v1/echo/x", FERRY_ERROR_DENIED,
      NEEDS("POST /v1/echo/{}", "operate", "view") },
    { "view-as-peer", "view", "GET", "/v1/peer/tunnel", FERRY_ERROR_DENIED,
      NEEDS("GET /v1/peer/tunnel", "peer", "view") },
    { "operate-looks", "operate", "GET", "/v1/look", 0, NULL },
    { "operate-acts", "operate", "POST", "/v1/echo/x", 0, NULL },
    { "operate-as-peer", "operate", "GET", "/v1/peer/tunnel", FERRY_ERROR_DENIED,
      NEEDS("GET /v1/peer/tunnel", "peer", "operate") },
    { "peer-looks", "peer", "GET", "/v1/look", FERRY_ERROR_DENIED,
      NEEDS("GET /v1/look", "view", "peer") },
    { "peer-acts", "peer", "POST", "/v1/echo/x", FERRY_ERROR_DENIED,
      NEEDS("POST /v1/echo/{}", "operate", "peer") },
};

static FerryClient *
new_client(const TestServer *server, const FerryIdentity *me, const char *name)
{
    FerryClient *client = NULL;
    g_autoptr(GError) error = NULL;

    if (!ferry_client_new_peer(me, name, server->address, &client, &error))
        g_error("%s", error->message);
    return client;
}

static void
test_role(gconstpointer data)
{
    const RoleRow *row = data;
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", row->role);
    g_autoptr(FerryClient) client = new_client(server, me, "beta");
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    bool ok = ferry_client_call(client, row->method, row->path, NULL, ENOUGH_MS, &reply, &error);

    if (row->message == NULL) {
        g_assert_no_error(error);
        g_assert_cmpuint(reply.status, ==, 200);
        return;
    }
    g_assert_false(ok);
    g_assert_error(error, FERRY_ERROR, (int)row->code);
    g_assert_cmpstr(error->message, ==, row->message);
}

/* The caller is who its certificate says, on every request of the connection. */
static void
test_caller(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", "view");
    g_autoptr(FerryClient) client = new_client(server, me, "beta");

    for (unsigned i = 0; i < 3; i++) {
        g_auto(FerryReply) reply = { 0 };

        g_assert_true(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, NULL));
        g_assert_cmpstr(json_string_value(json_object_get(reply.body, "caller")), ==, "alpha");
        g_assert_cmpstr(json_string_value(json_object_get(reply.body, "role")), ==, "view");
    }
    g_assert_cmpuint(ferry_server_connections(server->server), ==, 1);
}

/* Callers that get no byte of HTTP. */
typedef struct {
    const char *name;
    TestCertificate what; /* of the server's authority, unless... */
    bool is_foreign;      /* ...of another */
} StrangerRow;

static const StrangerRow stranger_rows[] = {
    { "other-authority", { .name = "alpha", .units = { "peer" } }, true },
    { "expired", { .name = "alpha", .units = { "peer" }, .from_s = -7200, .to_s = -3600 }, false },
    { "no-role", { .name = "alpha" }, false },
    { "no-name", { .units = { "peer" } }, false },
    { "for-servers-only",
      { .name = "alpha", .units = { "peer" }, .purpose = GNUTLS_KP_TLS_WWW_SERVER },
      false },
};

static gnutls_certificate_credentials_t
credentials_of(const TestAuthority *authority, const char *label)
{
    gnutls_certificate_credentials_t credentials = NULL;
    g_autofree char *cert_file = g_strconcat(label, ".crt", NULL);
    g_autofree char *key_file = g_strconcat(label, ".key", NULL);
    g_autofree char *cert = test_authority_path(authority, cert_file);
    g_autofree char *key = test_authority_path(authority, key_file);

    g_assert_cmpint(gnutls_certificate_allocate_credentials(&credentials), ==, 0);
    g_assert_cmpint(
        gnutls_certificate_set_x509_key_file(credentials, cert, key, GNUTLS_X509_FMT_PEM), ==, 0);
    return credentials;
}

/* A TLS client that trusts anybody and asks for a page gets an alert or an end, and no HTTP. */
static void
knock(const TestServer *server, const char *priorities, gnutls_certificate_credentials_t mine)
{
    static const char request[] = "GET /v1/look HTTP/1.1\r\nHost: x\r\n\r\n";
    gnutls_session_t session = NULL;
    char answer[256] = "";
    int fd = test_server_connect_tcp(server), code = 0;

    g_assert_cmpint(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), ==, 0);
    g_assert_cmpint(gnutls_priority_set_direct(session, priorities, NULL), ==, 0);
    g_assert_cmpint(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, mine), ==, 0);
    gnutls_transport_set_int(session, fd);
    code = gnutls_handshake(session);
    if (code == 0)
        (void)gnutls_record_send(session, request, sizeof(request) - 1);
    while (code == 0 || code == GNUTLS_E_AGAIN)
        code = (int)gnutls_record_recv(session, answer, sizeof(answer) - 1);
    g_assert_cmpint(code, <, 0);
    g_assert_cmpstr(answer, ==, "");
    gnutls_deinit(session);
    close(fd);
}

static void
test_stranger(gconstpointer data)
{
    const StrangerRow *row = data;
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(TestAuthority) foreign = test_authority_new();
    TestAuthority *authority = row->is_foreign ? foreign : server->authority;
    gnutls_certificate_credentials_t mine = NULL;

    test_authority_issue(authority, "alpha", &row->what);
    mine = credentials_of(authority, "alpha");
    knock(server, "NORMAL", mine);
    gnutls_certificate_free_credentials(mine);
}

static void
test_no_certificate(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    gnutls_certificate_credentials_t none = NULL;

    g_assert_cmpint(gnutls_certificate_allocate_credentials(&none), ==, 0);
    knock(server, "NORMAL", none);
    gnutls_certificate_free_credentials(none);
}

static void
test_old_tls(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    gnutls_certificate_credentials_t mine = NULL;

    test_authority_issue(server->authority, "alpha",
                         &(TestCertificate){ .name = "alpha", .units = { "peer" } });
    mine = credentials_of(server->authority, "alpha");
    knock(server, "NORMAL:-VERS-ALL:+VERS-TLS1.2", mine);
    gnutls_certificate_free_credentials(mine);
}

/* What the client library says of it. */
static void
test_stranger_is_told(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(TestAuthority) foreign = test_authority_new();
    g_autoptr(FerryIdentity) theirs = test_authority_identity(foreign, "alpha", "peer");
    g_autofree char *ca = test_authority_path(server->authority, "ca.crt");
    g_autofree char *copy = test_authority_path(foreign, "ca.crt");
    g_autofree char *pem = NULL;
    g_autoptr(FerryClient) client = new_client(server, theirs, "beta");
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    /* It trusts the server, but the server does not trust it. */
    g_assert_true(g_file_get_contents(ca, &pem, NULL, NULL));
    g_assert_true(g_file_set_contents(copy, pem, -1, NULL));
    g_assert_false(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_DENIED);
    g_assert_true(g_str_has_prefix(error->message, "cannot talk to ferryd of beta (127.0.0.1:"));
    g_assert_true(g_str_has_suffix(
        error->message,
        ": it hung up when it saw our certificate. See \"ferry pki show\" on both hosts"));
}

/* Servers that a client does not take for the host it wants. */
typedef struct {
    const char *name;
    const char *wanted;   /* the host */
    TestCertificate what; /* the server's */
    bool is_foreign;
    const char *message; /* has this in it */
} PoseRow;

static const PoseRow pose_rows[] = {
    { "other-host", "gamma", { .name = "beta", .units = { "peer" } }, false, "does not match" },
    { "other-authority", "beta", { .name = "beta", .units = { "peer" } }, true, "CAfile" },
    { "operator",
      "beta",
      { .name = "beta", .units = { "operate" } },
      false,
      " is not to be trusted: its certificate has the role operate, not peer" },
};

static void
test_pose(gconstpointer data)
{
    const PoseRow *row = data;
    g_autoptr(TestServer) real = test_server_new(NULL);
    g_autoptr(TestAuthority) foreign = test_authority_new();
    TestAuthority *authority = row->is_foreign ? foreign : real->authority;
    g_autoptr(FerryIdentity) pose =
        test_authority_identity(authority, row->what.name, row->what.units[0]);
    g_autoptr(FerryIdentity) me = test_authority_identity(real->authority, "alpha", "peer");
    FerryServerConfig config = ferry_server_defaults;
    FerryServer *server = NULL;
    g_autofree char *address = NULL;
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    config.listen = "127.0.0.1:0";
    config.identity = pose;
    server = ferry_server_new(&config);
    g_assert_true(ferry_server_start(server, NULL));
    address = g_strdup_printf("localhost:%u", ferry_server_port(server));
    g_assert_true(ferry_client_new_peer(me, row->wanted, address, &client, NULL));
    g_assert_false(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_DENIED);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, row->message));
    ferry_server_free(server);
}

static void
test_nobody_there(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", "peer");
    g_autoptr(FerryClient) client = new_client(server, me, "beta");
    g_autofree char *message = g_strdup_printf(
        "cannot talk to ferryd of beta (%s): Connection refused. Is ferryd running there, and the "
        "address right?",
        server->address);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    g_assert_false(ferry_client_call(client, "GET", "/v1/look", NULL, ENOUGH_MS, &reply, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, message);
}

static void
exchange(int fd, const char *sent, size_t size, char *received)
{
    for (size_t done = 0; done < size;) {
        size_t step = MIN(size - done, 50000);

        g_assert_cmpint(send(fd, sent + done, step, MSG_NOSIGNAL), ==, step);
        g_assert_cmpint(recv(fd, received + done, step, MSG_WAITALL), ==, step);
        done += step;
    }
}

static void
test_tunnel(void)
{
    const size_t size = 1000000;
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", "peer");
    g_autoptr(FerryClient) client = new_client(server, me, "beta");
    g_autofree char *sent = g_malloc(size);
    g_autofree char *received = g_malloc0(size);
    g_autoptr(GError) error = NULL;
    char byte = 0;
    int fd = -1;

    for (size_t i = 0; i < size; i++)
        sent[i] = (char)(i % 251);
    (void)ferry_client_tunnel(client, "/v1/peer/tunnel", "echo", ENOUGH_MS, &fd, &error);
    g_assert_no_error(error);
    exchange(fd, sent, size, received);
    g_assert_true(memcmp(sent, received, size) == 0);
    g_assert_true(ferry_server_stop(server->server, ENOUGH_MS));
    g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0); /* the far end's end reaches us */
    close(fd);
}

/* An end of the client's is one at the server: nothing is left open there. */
static void
test_tunnel_closed_by_client(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", "peer");
    FerryClient *client = new_client(server, me, "beta");
    int fd = -1;

    g_assert_true(ferry_client_tunnel(client, "/v1/peer/tunnel", "echo", ENOUGH_MS, &fd, NULL));
    close(fd);
    while (ferry_server_connections(server->server) > 0)
        g_thread_yield();
    ferry_client_free(client);
}

static void
test_tunnel_denied(void)
{
    g_autoptr(TestServer) server = test_server_new(NULL);
    g_autoptr(FerryIdentity) me = test_authority_identity(server->authority, "alpha", "operate");
    g_autoptr(FerryClient) client = new_client(server, me, "beta");
    g_autoptr(GError) error = NULL;
    int fd = -1;

    g_assert_false(ferry_client_tunnel(client, "/v1/peer/tunnel", "echo", ENOUGH_MS, &fd, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_DENIED);
    g_assert_cmpstr(error->message, ==, NEEDS("GET /v1/peer/tunnel", "peer", "operate"));
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/server-tls/" prefix "/", (rows)[i].name, NULL);      \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("role", role_rows, test_role);
    ADD_ROWS("stranger", stranger_rows, test_stranger);
    ADD_ROWS("pose", pose_rows, test_pose);
    g_test_add_func("/server-tls/caller", test_caller);
    g_test_add_func("/server-tls/no-certificate", test_no_certificate);
    g_test_add_func("/server-tls/old-tls", test_old_tls);
    g_test_add_func("/server-tls/stranger-is-told", test_stranger_is_told);
    g_test_add_func("/server-tls/nobody-there", test_nobody_there);
    g_test_add_func("/server-tls/tunnel", test_tunnel);
    g_test_add_func("/server-tls/tunnel-closed-by-client", test_tunnel_closed_by_client);
    g_test_add_func("/server-tls/tunnel-denied", test_tunnel_denied);
    return g_test_run();
}
