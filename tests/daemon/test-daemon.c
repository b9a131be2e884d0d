#include "daemon/daemon.h"

#include <string.h>

#include "base/error.h"
#include "certificates.h"
#include "client/client.h"
#include "temp-folder.h"

#define ENOUGH_MS 20000

/* A folder with all that a ferryd needs, and its configuration. */
typedef struct {
    TestAuthority *authority;
    char *folder;
    FerryConfig *config;
} Place;

static FerryConfig *
config_of(const TestAuthority *authority, const char *folder, const char *more)
{
    g_autofree char *ca = test_authority_path(authority, "ca.crt");
    g_autofree char *cert = test_authority_path(authority, "alpha.crt");
    g_autofree char *key = test_authority_path(authority, "alpha.key");
    g_autofree char *text = g_strdup_printf("[tls]\nca = %s\ncert = %s\nkey = %s\n"
                                            "[libvirt]\nuri = test:///default\n"
                                            "[daemon]\nsocket = %s/sock\nstate_dir = %s/state\n%s",
                                            ca, cert, key, folder, folder, more);
    FerryConfig *config = NULL;

    g_assert_true(ferry_config_parse("test", text, &config, NULL));
    return config;
}

/* @role: of its certificate; NULL: it has none */
static Place *
place_new(const char *role, const char *more)
{
    Place *self = g_new0(Place, 1);
    const TestCertificate what = { .name = "alpha", .units = { role } };

    self->authority = test_authority_new();
    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    if (role != NULL)
        test_authority_issue(self->authority, "alpha", &what);
    self->config = config_of(self->authority, self->folder, more);
    return self;
}

static void
place_free(Place *self)
{
    temp_folder_remove(self->folder);
    test_authority_free(self->authority);
    ferry_config_free(self->config);
    g_free(self->folder);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_free)

static char *
name_of(const FerryConfig *config)
{
    g_autoptr(FerryClient) client = ferry_client_new_unix(config->socket);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    (void)ferry_client_call(client, "GET", "/v1/version", NULL, ENOUGH_MS, &reply, &error);
    g_assert_no_error(error);
    return g_strdup(json_string_value(json_object_get(reply.body, "name")));
}

typedef struct {
    const char *name;
    const char *role, *more;
    bool listens;
    const char *host;    /* the name it has; NULL: the machine's */
    const char *message; /* has this in it, where it does not start; NULL: it does */
} StartRow;

static const StartRow start_rows[] = {
    { "without-certificate", NULL, "", false, NULL, NULL },
    { "named-without-certificate", NULL, "name = gamma\n", false, "gamma", NULL },
    { "with-certificate", "peer", "listen = 127.0.0.1:0\n", true, "alpha", NULL },
    { "certificate-but-no-listening", "peer", "listen =\n", false, NULL, NULL },
    { "named-as-certified", "peer", "listen = 127.0.0.1:0\nname = alpha\n", true, "alpha", NULL },
    { "named-otherwise", "peer", "listen = 127.0.0.1:0\nname = gamma\n", false, NULL,
      "[daemon] name is gamma, but the certificate " },
    { "wrong-role", "operate", "listen = 127.0.0.1:0\n", false, NULL,
      " has the role operate, but a host's has peer" },
    { "listening-without-certificate", NULL, "listen = 127.0.0.1:0\n", false, NULL,
      "No such file or directory" },
    { "bad-address", "peer", "listen = nowhere\n", false, NULL,
      "cannot listen on \"nowhere\": expected HOST:PORT or *:PORT" },
};

static void
test_start(gconstpointer data)
{
    const StartRow *row = data;
    g_autoptr(Place) place = place_new(row->role, row->more);
    FerryDaemon *daemon = NULL;
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    bool ok = ferry_daemon_start(place->config, &daemon, &error);

    if (row->message != NULL) {
        g_assert_false(ok);
        g_assert_nonnull(strstr(error->message, row->message));
        return;
    }
    g_assert_no_error(error);
    g_assert_cmpint(ferry_daemon_port(daemon) != 0, ==, row->listens);
    name = name_of(place->config);
    g_assert_cmpstr(name, ==, row->host != NULL ? row->host : g_get_host_name());
    g_assert_true(ferry_daemon_stop(daemon, ENOUGH_MS));
    g_assert_false(g_file_test(place->config->socket, G_FILE_TEST_EXISTS));
}

static void
test_only_one(void)
{
    g_autoptr(Place) place = place_new(NULL, "");
    g_autofree char *message = NULL;
    FerryDaemon *daemon = NULL, *second = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_daemon_start(place->config, &daemon, NULL));
    g_assert_false(ferry_daemon_start(place->config, &second, &error));
    message = g_strdup_printf("another ferryd uses %s/state: stop it, or give this one another "
                              "state_dir",
                              place->folder);
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_true(ferry_daemon_stop(daemon, ENOUGH_MS));
    g_assert_true(ferry_daemon_start(place->config, &second, NULL)); /* the lock is free again */
    g_assert_true(ferry_daemon_stop(second, ENOUGH_MS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(start_rows); i++) {
        g_autofree char *path = g_strconcat("/daemon/start/", start_rows[i].name, NULL);
        g_test_add_data_func(path, &start_rows[i], test_start);
    }
    g_test_add_func("/daemon/only-one", test_only_one);
    return g_test_run();
}
