#include "api/guest-life.h"

#include <glib/gstdio.h>
#include <string.h>

#include "api/server.h"
#include "client/client.h"
#include "fake-life.h"

#define ENOUGH_MS 20000
#define GPU       FAKE_XML(FAKE_GPU0)

/* A ferryd with these routes and nothing else, for one guest. */
typedef struct {
    char *folder, *socket_path;
    FakeLife *fake;
    FerryServer *server;
    FerryClient *client;
} Host;

static Host *
host_new(void)
{
    Host *self = g_new0(Host, 1);
    FerryServerConfig config = ferry_server_defaults;

    self->folder = g_dir_make_tmp("ferry-life-XXXXXX", NULL);
    self->socket_path = g_build_filename(self->folder, "sock", NULL);
    self->fake = fake_life_new(GPU);
    config.socket_path = self->socket_path;
    self->server = ferry_server_new(&config);
    ferry_server_add(self->server, ferry_guest_start_routes, &self->fake->life);
    ferry_server_add(self->server, ferry_hook_routes, &self->fake->life);
    g_assert_true(ferry_server_start(self->server, NULL));
    self->client = ferry_client_new_unix(self->socket_path);
    return self;
}

static void
host_free(Host *self)
{
    ferry_client_free(self->client);
    g_assert_true(ferry_server_stop(self->server, ENOUGH_MS));
    ferry_server_free(self->server);
    fake_life_free(self->fake);
    (void)g_unlink(self->socket_path);
    g_assert_cmpint(g_rmdir(self->folder), ==, 0);
    g_free(self->socket_path);
    g_free(self->folder);
    g_free(self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

typedef struct {
    const char *name;
    const char *method, *path, *body; /* body: JSON, nullable */
    int state;                        /* of the guest */
    FakeTrouble trouble;              /* with its device's claim */
    unsigned status;                  /* 0: an error */
    const char *answer;               /* what the body, or the error's message, has in it */
    const char *log;
} Row;

#define HOOK(operation)                                                                            \
    "{\"operation\": \"" operation "\", \"guest\": \"web\", \"reason\": \"-\", \"xml\": \"@\"}"
#define START "/v1/guests/web/start"
#define STOP  "/v1/guests/web/stop"
#define OK                                                                                         \
    {                                                                                              \
        0                                                                                          \
    }
#define NO                                                                                         \
    {                                                                                              \
        -1, -1, false, "no slot"                                                                   \
    }

/* clang-format off */
static const Row rows[] = {
    { "start", "POST", START, NULL, 5, OK, 200, "\"state\": \"running\"", "xml inactive, claim ua-gpu0, prepare 1, hybrids web, start, keep 1" },
    { "start-degraded", "POST", START, "{\"allow_degraded\": true, \"timeout_s\": 0}", 5, OK, 200, "\"alias\": \"ua-net0\"", "xml inactive, claim ua-gpu0, prepare 1, some-hybrids web, start, keep 1" },
    { "start-refused", "POST", START, NULL, 5, NO, 409, "\"message\": \"no slot\"", "xml inactive, claim ua-gpu0" },
    { "start-fails", "POST", START, NULL, 5, { -1, FERRY_ERROR_NOT_FOUND, false, "no pool" }, 0, "no pool", "xml inactive, claim ua-gpu0" },
    { "start-nobody", "POST", "/v1/guests/wep/start", NULL, 5, OK, 0, "there is no guest wep here", "" },
    { "start-unknown-key", "POST", START, "{\"force\": true}", 5, OK, 0, "force", "" },
    { "start-bad-timeout", "POST", START, "{\"timeout_s\": -1}", 5, OK, 0, "timeout_s", "" },
    { "stop", "POST", STOP, "{\"force\": true}", 1, OK, 200, "\"state\": \"shut off\"", "destroy" },
    { "stop-asks", "POST", STOP, "{\"timeout_s\": 1}", 1, OK, 409, "\"code\": \"still-running\"", "shutdown" },
    { "stop-down", "POST", STOP, NULL, 5, OK, 200, "\"already\": true", "" },
    { "stop-unknown-key", "POST", STOP, "{\"allow_degraded\": true}", 1, OK, 0, "allow_degraded", "" },
    { "waits", "GET", START, NULL, 5, OK, 200, "\"starting\": false, \"waiting_for\": null", "" },
    { "waits-nobody", "GET", "/v1/guests/wep/start", NULL, 5, OK, 0, "there is no guest wep here", "" },
    { "hook", "POST", "/v1/hook", HOOK("prepare"), 5, OK, 200, "{}", "admit web, claim ua-gpu0, prepare 1" },
    { "hook-refuses", "POST", "/v1/hook", HOOK("prepare"), 5, NO, 409, "\"detail\": \"no slot\"", "admit web, claim ua-gpu0" },
    { "hook-other", "POST", "/v1/hook", HOOK("stopped"), 5, NO, 200, "{}", "" },
    { "hook-no-xml", "POST", "/v1/hook", "{\"operation\": \"prepare\", \"guest\": \"web\", \"reason\": \"-\"}", 5, OK, 0, "xml", "" },
    { "hook-no-body", "POST", "/v1/hook", NULL, 5, OK, 0, "operation", "" },
    { "hook-unknown-key", "POST", "/v1/hook", "{\"operation\": \"prepare\", \"guest\": \"web\", \"reason\": \"-\", \"xml\": \"<a/>\", \"x\": 1}", 5, OK, 0, "\"x\"", "" },
    { "hook-bad-xml", "POST", "/v1/hook", "{\"operation\": \"prepare\", \"guest\": \"web\", \"reason\": \"-\", \"xml\": \"<a\"}", 5, OK, 0, "", "" },
};
/* clang-format on */

/* "@" as the XML stands for the fake guest's. */
static json_t *
body_of(const char *text)
{
    json_t *body = text != NULL ? json_loads(text, 0, NULL) : NULL;

    g_assert_true(text == NULL || body != NULL);
    if (g_strcmp0(json_string_value(json_object_get(body, "xml")), "@") == 0)
        json_object_set_new(body, "xml", json_string(GPU));
    return body;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(Host) host = host_new();
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *body = body_of(row->body);
    g_autofree char *answer = NULL;
    char *dump = NULL;

    host->fake->state = row->state;
    host->fake->claim = row->trouble;
    if (ferry_client_call(host->client, row->method, row->path, body, ENOUGH_MS, &reply, &error)) {
        dump = json_dumps(reply.body, 0);
        answer = g_strdup(dump);
        free(dump);
    } else {
        answer = g_strdup(error->message);
    }
    json_decref(body);
    g_assert_nonnull(strstr(answer, row->answer));
    g_assert_cmpuint(reply.status, ==, row->status);
    fake_life_assert_log(host->fake, row->log);
}

/* While a start goes on, another one may ask what it waits for. */
static void
test_waiting_for(void)
{
    g_autoptr(Host) host = host_new();
    g_auto(FerryReply) reply = { 0 };

    g_assert_true(ferry_guest_turns_begin_start(host->fake->life.turns, FAKE_UUID));
    (void)ferry_guest_turns_say(host->fake->life.turns, FAKE_UUID, "the driver cleans up");
    g_assert_true(ferry_client_call(host->client, "GET", START, NULL, ENOUGH_MS, &reply, NULL));
    g_assert_true(json_is_true(json_object_get(reply.body, "starting")));
    g_assert_cmpstr(json_string_value(json_object_get(reply.body, "waiting_for")), ==,
                    "the driver cleans up");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/guest-life/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/guest-life/waiting-for", test_waiting_for);
    return g_test_run();
}
