#include "api/resources.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "api/migrations.h"
#include "api/server.h"
#include "base/error.h"
#include "certificates.h"
#include "client/client.h"

#define ENOUGH_MS 20000

/*
 * A host as far as these resources go, with libvirt's test driver for its guests.  It listens on a
 * Unix socket and, with a certificate, on TLS.
 */
typedef struct {
    char *folder, *socket_path, *address;
    FerryIdentity *identity;
    FerryStore *store;
    FerryGuests *guests;
    FerryMigrator *migrator;
    int root_fd; /* with an empty sys/ in it: a host without devices */
    FerryWatch *watch;
    FerryApi api;
    FerryServer *server;
    FerryClient *client;
} Host;

static const char node_xml[] =
    "<node>"
    "  <domain type='test'><name>web</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
    "    <memory>1048576</memory><os><type>hvm</type></os>"
    "    <metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>"
    "      <ferry:ephemeral alias='ua-nic1'/></ferry:guest></metadata>"
    "    <devices>"
    "      <interface type='user'><mac address='52:54:00:00:00:01'/><alias name='ua-nic1'/>"
    "        <model type='e1000e'/></interface>"
    "    </devices></domain>"
    "  <domain type='test'><name>gpu</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e1940</uuid>"
    "    <memory>524288</memory><os><type>hvm</type></os><devices>"
    "      <hostdev mode='subsystem' type='pci'><source>"
    "        <address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/></source>"
    "        <alias name='ua-vf'/></hostdev>"
    "    </devices></domain>"
    "</node>";

static void
start_server(Host *host)
{
    FerryServerConfig config = ferry_server_defaults;

    config.socket_path = host->socket_path;
    config.identity = host->identity;
    config.listen = host->identity != NULL ? "127.0.0.1:0" : NULL;
    host->server = ferry_server_new(&config);
    ferry_server_add(host->server, ferry_version_routes, &host->api);
    ferry_server_add(host->server, ferry_host_routes, &host->api);
    ferry_server_add(host->server, ferry_guest_routes, &host->api);
    ferry_server_add(host->server, ferry_migration_routes, host->migrator);
    ferry_server_add(host->server, ferry_reservation_routes, host->migrator);
    g_assert_true(ferry_server_start(host->server, NULL));
    host->address = g_strdup_printf("127.0.0.1:%u", ferry_server_port(host->server));
    host->client = ferry_client_new_unix(host->socket_path);
}

/* @identity: (transfer full) (nullable); @uri: (nullable): of libvirt */
static Host *
host_new(const char *name, FerryIdentity *identity, const char *uri)
{
    Host *self = g_new0(Host, 1);
    g_autofree char *db = NULL, *xml = NULL, *own_uri = NULL, *sys = NULL;
    FerryMigratorConfig config = { .clock = ferry_clock_system(), .name = name };

    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    self->socket_path = g_build_filename(self->folder, "socket", NULL);
    db = g_build_filename(self->folder, "ferry.db", NULL);
    xml = g_build_filename(self->folder, "node.xml", NULL);
    own_uri = g_strconcat("test://", xml, NULL);
    g_assert_true(g_file_set_contents(xml, node_xml, -1, NULL));
    g_assert_true(ferry_store_open(db, &self->store, NULL));
    self->identity = identity;
    self->guests = ferry_guests_new(uri != NULL ? uri : own_uri);
    config.store = self->store;
    config.guests = self->guests;
    config.identity = identity;
    config.marker_dir = config.run_dir = config.memory_tls_dir = self->folder;
    config.libvirt_socket = "/nonexistent";
    self->migrator = ferry_migrator_new(&config);
    sys = g_build_filename(self->folder, "sys", NULL);
    g_assert_cmpint(g_mkdir(sys, 0755), ==, 0);
    self->root_fd = open(self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    self->watch = ferry_watch_new(self->root_fd, NULL, NULL, 1000, NULL);
    g_assert_nonnull(self->watch);
    self->api = (FerryApi){ .name = name,
                            .identity = identity,
                            .clock = ferry_clock_system(),
                            .store = self->store,
                            .guests = self->guests,
                            .memory_tls_dir = self->folder,
                            .migrator = self->migrator,
                            .watch = self->watch };
    start_server(self);
    return self;
}

static void
host_free(Host *self)
{
    g_autoptr(GDir) dir = NULL;
    const char *file = NULL;

    ferry_client_free(self->client);
    ferry_server_free(self->server);
    g_assert_true(ferry_migrator_stop(self->migrator, 0));
    ferry_migrator_free(self->migrator);
    ferry_guests_free(self->guests);
    ferry_watch_free(self->watch);
    g_assert_cmpint(close(self->root_fd), ==, 0);
    ferry_store_close(self->store);
    ferry_identity_free(self->identity);
    dir = g_dir_open(self->folder, 0, NULL);
    while ((file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(self->folder, file, NULL);

        (void)g_remove(path);
    }
    (void)g_rmdir(self->folder);
    g_free(self->folder);
    g_free(self->socket_path);
    g_free(self->address);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

/* Returns: (transfer full): the answer's body */
static json_t *
call(const Host *host, const char *method, const char *path, const char *body, GError **error)
{
    json_t *sent = body != NULL ? json_loads(body, 0, NULL) : NULL;
    FerryReply reply = { 0 };

    (void)ferry_client_call(host->client, method, path, sent, ENOUGH_MS, &reply, error);
    json_decref(sent);
    return reply.body;
}

static void
assert_error(const Host *host,
             const char *method,
             const char *path,
             const char *body,
             FerryErrorCode code,
             const char *message)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(call(host, method, path, body, &error));
    g_assert_error(error, FERRY_ERROR, (int)code);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_version(void)
{
    g_autoptr(Host) host = host_new("alpha", NULL, NULL);
    json_t *version = call(host, "GET", "/v1/version", NULL, NULL);
    const json_t *libvirt = json_object_get(version, "libvirt");

    g_assert_cmpstr(json_string_value(json_object_get(version, "name")), ==, "alpha");
    g_assert_cmpstr(json_string_value(json_object_get(version, "ferry")), ==, FERRY_VERSION);
    g_assert_cmpint(json_integer_value(json_object_get(version, "protocol")), ==, 1);
    g_assert_true(json_is_true(json_object_get(libvirt, "connected")));
    g_assert_true(json_is_false(json_object_get(version, "memory_tls")));
    json_decref(version);
}

/* libvirt being away is an answer of the version, and an error of the guests. */
static void
test_no_libvirt(void)
{
    g_autoptr(Host) host = host_new("alpha", NULL, "test:///nonexistent/node.xml");
    json_t *version = call(host, "GET", "/v1/version", NULL, NULL);
    const json_t *libvirt = json_object_get(version, "libvirt");
    g_autoptr(GError) error = NULL;

    g_assert_true(json_is_false(json_object_get(libvirt, "connected")));
    g_assert_nonnull(json_string_value(json_object_get(libvirt, "error")));
    json_decref(version);
    g_assert_null(call(host, "GET", "/v1/guests", NULL, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_true(g_str_has_prefix(error->message,
                                   "libvirt at test:///nonexistent/node.xml does not answer"));
}

static void
test_hosts(void)
{
    g_autoptr(Host) host = host_new("alpha", NULL, NULL);
    json_t *added = call(host, "POST", "/v1/hosts",
                         "{\"name\": \"beta\", \"address\": \"10.0.0.2:8442\"}", NULL);
    json_t *shown = call(host, "GET", "/v1/hosts/beta", NULL, NULL);
    json_t *listed = call(host, "GET", "/v1/hosts", NULL, NULL);

    g_assert_cmpstr(json_string_value(json_object_get(added, "name")), ==, "beta");
    g_assert_true(json_equal(added, shown));
    g_assert_true(json_equal(json_array_get(json_object_get(listed, "hosts"), 0), shown));
    json_decref(added);
    json_decref(shown);
    json_decref(listed);
    assert_error(
        host, "POST", "/v1/hosts/beta/check", NULL, FERRY_ERROR_UNSUPPORTED,
        "cannot talk to beta: this host has no certificate. Run \"ferry pki install FILE\" "
        "and restart ferryd");
    g_assert_null(call(host, "DELETE", "/v1/hosts/beta", NULL, NULL));
    listed = call(host, "GET", "/v1/hosts", NULL, NULL);
    g_assert_cmpuint(json_array_size(json_object_get(listed, "hosts")), ==, 0);
    json_decref(listed);
}

typedef struct {
    const char *name;
    const char *method, *path, *body;
    FerryErrorCode code;
    const char *message;
} BadRow;

#define NO_CERTIFICATE                                                                             \
    "this host has no certificate, so no other host would talk to it: run \"ferry pki install "    \
    "FILE\" and restart ferryd"

static const BadRow bad_rows[] = {
    { "no-body", "POST", "/v1/hosts", NULL, FERRY_ERROR_INVALID, "field \"name\" is missing" },
    { "no-address", "POST", "/v1/hosts", "{\"name\": \"beta\"}", FERRY_ERROR_INVALID,
      "field \"address\" is missing" },
    { "unknown-key", "POST", "/v1/hosts",
      "{\"name\": \"beta\", \"address\": \"a:1\", \"adress\": 1}", FERRY_ERROR_INVALID,
      "field \"adress\" is unknown here" },
    { "bad-name", "POST", "/v1/hosts", "{\"name\": \"b/c\", \"address\": \"a:1\"}",
      FERRY_ERROR_INVALID,
      "\"b/c\" is not a host name: at most 64 letters, digits, dots and hyphens" },
    { "itself", "POST", "/v1/hosts", "{\"name\": \"alpha\", \"address\": \"a:1\"}",
      FERRY_ERROR_INVALID,
      "alpha is this host: add the others, by the names in their certificates" },
    { "bad-address", "POST", "/v1/hosts", "{\"name\": \"beta\", \"address\": \"a\"}",
      FERRY_ERROR_INVALID,
      "\"a\" is not an address: expected HOST:PORT, an IPv6 address in brackets" },
    { "unknown-host", "GET", "/v1/hosts/beta", NULL, FERRY_ERROR_NOT_FOUND,
      "there is no host beta: see \"ferry host list\", or add it with \"ferry host add\"" },
    { "check-unknown-host", "POST", "/v1/hosts/beta/check", NULL, FERRY_ERROR_NOT_FOUND,
      "there is no host beta: see \"ferry host list\", or add it with \"ferry host add\"" },
    { "reserve-nobody", "POST", "/v1/reservations", "{\"to\": \"beta\"}", FERRY_ERROR_INVALID,
      "field \"guest\" is missing" },
    { "reserve-nowhere", "POST", "/v1/reservations", "{\"guest\": \"web\", \"to\": \"beta\"}",
      FERRY_ERROR_UNSUPPORTED, NO_CERTIFICATE },
    { "check-nowhere", "POST", "/v1/checks", "{\"guest\": \"web\", \"to\": \"beta\"}",
      FERRY_ERROR_UNSUPPORTED, NO_CERTIFICATE },
    { "check-nowhere-of-all", "POST", "/v1/checks", "{\"guest\": \"web\"}", FERRY_ERROR_UNSUPPORTED,
      NO_CERTIFICATE },
    { "migrate-nowhere", "POST", "/v1/migrations", "{\"guest\": \"web\", \"to\": \"beta\"}",
      FERRY_ERROR_UNSUPPORTED, NO_CERTIFICATE },
    { "unknown-reservation", "GET", "/v1/reservations/R9", NULL, FERRY_ERROR_NOT_FOUND,
      "reservation R9 is not known here: see \"ferry reservation list\"" },
    { "cancel-unknown-reservation", "DELETE", "/v1/reservations/R9", NULL, FERRY_ERROR_NOT_FOUND,
      "reservation R9 is not known here: see \"ferry reservation list\"" },
    { "unknown-guest", "GET", "/v1/guests/mail", NULL, FERRY_ERROR_NOT_FOUND,
      "there is no guest mail on alpha: see \"ferry guest list\"" },
};

static void
test_bad(gconstpointer data)
{
    const BadRow *row = data;
    g_autoptr(Host) host = host_new("alpha", NULL, NULL);

    assert_error(host, row->method, row->path, row->body, row->code, row->message);
}

static void
test_guests(void)
{
    g_autoptr(Host) host = host_new("alpha", NULL, NULL);
    json_t *listed = call(host, "GET", "/v1/guests", NULL, NULL);
    const json_t *guests = json_object_get(listed, "guests");
    json_t *web = call(host, "GET", "/v1/guests/web", NULL, NULL);
    const json_t *device = json_array_get(json_object_get(web, "devices"), 0);

    g_assert_cmpuint(json_array_size(guests), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(guests, 1), "name")), ==,
                    "web");
    g_assert_cmpint(json_integer_value(json_object_get(web, "memory_bytes")), ==, 1 << 30);
    g_assert_cmpstr(json_string_value(json_object_get(web, "state")), ==, "running");
    g_assert_true(json_is_null(json_object_get(web, "job")));
    g_assert_true(json_is_true(json_object_get(web, "movable")));
    g_assert_cmpstr(json_string_value(json_object_get(device, "alias")), ==, "ua-nic1");
    g_assert_true(json_is_true(json_object_get(device, "ephemeral")));
    json_decref(listed);
    json_decref(web);
}

static void
test_guest_that_cannot_move(void)
{
    g_autoptr(Host) host = host_new("alpha", NULL, NULL);
    json_t *gpu = call(host, "GET", "/v1/guests/gpu", NULL, NULL);
    const json_t *device = json_array_get(json_object_get(gpu, "devices"), 0);
    const json_t *reason = json_array_get(json_object_get(gpu, "reasons"), 0);

    g_assert_true(json_is_false(json_object_get(gpu, "movable")));
    g_assert_cmpstr(json_string_value(json_object_get(reason, "code")), ==, "device-cannot-travel");
    g_assert_true(json_is_false(json_object_get(device, "movable")));
    g_assert_cmpstr(json_string_value(json_object_get(device, "reason")), ==,
                    "device ua-vf (0000:3b:00.1) is this host's own and cannot travel: its driver "
                    "cannot migrate it. Mark it ephemeral, or take it off");
    json_decref(gpu);
}

/* Two hosts; what alpha's check of beta says. */
static char *
check_of_beta(const Host *alpha, const char *name, const char *address)
{
    g_autofree char *body =
        g_strdup_printf("{\"name\": \"%s\", \"address\": \"%s\"}", name, address);
    g_autofree char *path = g_strdup_printf("/v1/hosts/%s/check", name);
    g_autoptr(GString) text = g_string_new(NULL);
    json_t *answer = NULL, *check = NULL;
    size_t i = 0;

    json_decref(call(alpha, "POST", "/v1/hosts", body, NULL));
    answer = call(alpha, "POST", path, NULL, NULL);
    json_array_foreach(json_object_get(answer, "checks"), i, check)
    {
        bool ok = json_is_true(json_object_get(check, "ok"));

        g_assert_nonnull(json_string_value(json_object_get(check, "detail")));
        g_string_append_printf(text, "%s=%s ", json_string_value(json_object_get(check, "check")),
                               ok ? "yes" : "no");
    }
    json_decref(answer);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
install_memory_tls(const Host *host)
{
    static const char *const files[] = { "ca-cert.pem", "server-cert.pem", "server-key.pem",
                                         "client-cert.pem", "client-key.pem" };

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(host->folder, files[i], NULL);

        g_assert_true(g_file_set_contents(path, "", 0, NULL));
    }
}

typedef struct {
    const char *name;
    const char *beta_name;   /* in its certificate */
    bool is_foreign;         /* its certificate is of another authority */
    bool has_memory_tls;     /* on both */
    const char *libvirt_uri; /* NULL: there */
    const char *checks;
} CheckRow;

static const CheckRow check_rows[] = {
    { "all-right", "beta", false, true, NULL,
      "reachable=yes certificate=yes protocol=yes libvirt=yes memory_tls=yes " },
    { "no-credentials", "beta", false, false, NULL,
      "reachable=yes certificate=yes protocol=yes libvirt=yes memory_tls=no " },
    { "no-libvirt", "beta", false, true, "test:///nonexistent",
      "reachable=yes certificate=yes protocol=yes libvirt=no memory_tls=yes " },
    { "other-name", "gamma", false, true, NULL,
      "reachable=yes certificate=no protocol=no libvirt=no memory_tls=no " },
    { "other-authority", "beta", true, true, NULL,
      "reachable=yes certificate=no protocol=no libvirt=no memory_tls=no " },
};

static void
test_check(gconstpointer data)
{
    const CheckRow *row = data;
    g_autoptr(TestAuthority) ours = test_authority_new();
    g_autoptr(TestAuthority) theirs = test_authority_new();
    g_autoptr(Host) alpha = host_new("alpha", test_authority_identity(ours, "alpha", "peer"), NULL);
    g_autoptr(Host) beta = host_new(
        "beta", test_authority_identity(row->is_foreign ? theirs : ours, row->beta_name, "peer"),
        row->libvirt_uri);
    g_autofree char *checks = NULL;

    if (row->has_memory_tls) {
        install_memory_tls(alpha);
        install_memory_tls(beta);
    }
    checks = check_of_beta(alpha, "beta", beta->address);
    g_assert_cmpstr(checks, ==, row->checks);
}

static void
test_check_nobody_there(void)
{
    g_autoptr(TestAuthority) ours = test_authority_new();
    g_autoptr(Host) alpha = host_new("alpha", test_authority_identity(ours, "alpha", "peer"), NULL);
    g_autofree char *checks = check_of_beta(alpha, "beta", "127.0.0.1:1");

    g_assert_cmpstr(checks, ==,
                    "reachable=no certificate=no protocol=no libvirt=no memory_tls=no ");
}

static size_t
n_reservations(const Host *host)
{
    json_t *listed = call(host, "GET", "/v1/reservations", NULL, NULL);
    size_t n = json_array_size(json_object_get(listed, "reservations"));

    json_decref(listed);
    return n;
}

/* What the other host says against it comes through, and nothing is kept on either. */
static void
test_reserve_refused(void)
{
    g_autoptr(TestAuthority) ours = test_authority_new();
    g_autoptr(Host) alpha = host_new("alpha", test_authority_identity(ours, "alpha", "peer"), NULL);
    g_autoptr(Host) beta = host_new("beta", test_authority_identity(ours, "beta", "peer"), NULL);
    g_autofree char *body =
        g_strdup_printf("{\"name\": \"beta\", \"address\": \"%s\"}", beta->address);
    json_t *answer = NULL, *reason = NULL;
    bool found = false;
    size_t i = 0;

    json_decref(call(alpha, "POST", "/v1/hosts", body, NULL));
    answer =
        call(alpha, "POST", "/v1/reservations", "{\"guest\": \"web\", \"to\": \"beta\"}", NULL);
    json_array_foreach(json_object_get(answer, "reasons"), i, reason) found =
        found || strcmp(json_string_value(json_object_get(reason, "code")), "guest-exists") == 0;
    g_assert_true(found);
    g_assert_cmpuint(n_reservations(alpha), ==, 0);
    g_assert_cmpuint(n_reservations(beta), ==, 0);
    json_decref(answer);
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/resources/" prefix "/", (rows)[i].name, NULL);       \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("bad", bad_rows, test_bad);
    ADD_ROWS("check", check_rows, test_check);
    g_test_add_func("/resources/version", test_version);
    g_test_add_func("/resources/no-libvirt", test_no_libvirt);
    g_test_add_func("/resources/hosts", test_hosts);
    g_test_add_func("/resources/guests", test_guests);
    g_test_add_func("/resources/guest-that-cannot-move", test_guest_that_cannot_move);
    g_test_add_func("/resources/check-nobody-there", test_check_nobody_there);
    g_test_add_func("/resources/reserve-refused", test_reserve_refused);
    return g_test_run();
}
