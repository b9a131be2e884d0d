#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "test-devices-fixture.h"

#define MTTY "virtual/mtty/mtty"
#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define VF0  "0000:03:10.0"

/* Two ports are one device of mtty-2 or two of mtty-1. */
static TestHost *
host_new(void)
{
    TestHost *host = test_host_new();

    host->tree->ports = 2;
    tree_parent(host->tree, MTTY, NULL, "mtty", 2);
    test_host_look(host);
    return host;
}

static void
define_pool(TestHost *host, const char *const *parents, const char *const *types)
{
    g_autoptr(FerryPool) pool = ferry_pool_new("serial", FERRY_POOL_MDEV);
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; parents[i] != NULL; i++)
        g_ptr_array_add(pool->parents, g_strdup(parents[i]));
    for (size_t i = 0; types[i] != NULL; i++)
        g_ptr_array_add(pool->types, g_strdup(types[i]));
    pool->policy = FERRY_POLICY_FIRST;
    (void)ferry_pools_define(host->pools, pool, &reasons, &error);
    g_assert_no_error(error);
    g_assert_null(reasons);
}

typedef struct {
    const char *name, *body;
    const char *uuid;  /* (nullable): a new one */
    const char *write; /* the last one */
} GoodRow;

#define XML(parent, more)                                                                          \
    "{\"xml\": \"<device><name>mdev_x</name><path>/x</path><driver><name>y</name></driver>"        \
    "<parent>" parent "</parent><capability type='mdev'><type id='mtty-1'/>" more                  \
    "<iommuGroup number='99'/></capability></device>\"}"

static const GoodRow good_rows[] = {
    { "new-uuid", "{\"parent\": \"mtty\", \"type\": \"mtty-1\"}", NULL, NULL },
    { "given-uuid",
      "{\"parent\": \"mtty\", \"type\": \"mtty-2\", \"uuid\": "
      "\"0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001\"}",
      UUID, "sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/create=" UUID },
    { "libvirts-name", "{\"parent\": \"mtty_mtty\", \"type\": \"mtty-1\", \"attrs\": []}", NULL,
      NULL },
    { "attrs-in-order",
      "{\"parent\": \"mtty\", \"type\": \"mtty-1\", \"uuid\": \"" UUID "\","
      " \"attrs\": [{\"name\": \"a\", \"value\": \"1\"}, {\"name\": \"a\", \"value\": \"2\"}]}",
      UUID, "sys/bus/mdev/devices/" UUID "/a=2" },
    { "xml-without-uuid", XML("mtty_mtty", ""), NULL, NULL },
    { "xml-with-uuid", XML("mtty", "<uuid>" UUID "</uuid>"), UUID,
      "sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create=" UUID },
    { "xml-with-attrs",
      XML("mtty", "<uuid>" UUID "</uuid><attr name='a' value='1'/><attr name='a' value='3'/>"),
      UUID, "sys/bus/mdev/devices/" UUID "/a=3" },
    { "pool-of-one-type", "{\"pool\": \"serial\", \"uuid\": \"" UUID "\"}", UUID,
      "sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create=" UUID },
};

/* Every attribute may be written. */
static int
write_any(void *data, const char *path, const char *text)
{
    Tree *tree = data;

    if (!g_str_has_suffix(path, "/a"))
        return tree_write(data, path, text);
    g_free(tree->last_write);
    tree->last_write = g_strdup_printf("%s=%s", path, text);
    return 0;
}

static void
test_good(gconstpointer data)
{
    static const FerryKernelOps ops = { write_any };
    const GoodRow *row = data;
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    host->kernel.ops = &ops;
    define_pool(host, (const char *const[]){ "mtty", NULL },
                (const char *const[]){ "mtty-1", NULL });
    body = test_host_call(host, "POST", "/v1/mdevs", row->body, 201);
    g_assert_true(g_uuid_string_is_valid(test_text(body, "uuid")));
    if (row->uuid != NULL)
        g_assert_cmpstr(test_text(body, "uuid"), ==, row->uuid);
    if (row->write != NULL)
        g_assert_cmpstr(host->tree->last_write, ==, row->write);
    g_assert_cmpstr(test_text(body, "parent"), ==, "mtty");
    g_assert_cmpstr(test_text(body, "state"), ==, "free");
    json_decref(body);
}

typedef struct {
    const char *name, *body;
    FerryErrorCode code;
    const char *message;
} BadRow;

#define ATTRS(text) "{\"parent\": \"mtty\", \"type\": \"mtty-1\", \"attrs\": " text "}"
#define BAD_ATTRS                                                                                  \
    "field \"attrs\" is not an array of at most 256 objects of name and value, both strings"

static const BadRow bad_rows[] = {
    { "nothing", "{}", FERRY_ERROR_INVALID, "field \"type\" is missing" },
    { "no-type", "{\"parent\": \"mtty\"}", FERRY_ERROR_INVALID, "field \"type\" is missing" },
    { "no-parent", "{\"type\": \"mtty-1\"}", FERRY_ERROR_INVALID,
      "exactly one of the fields \"parent\" and \"pool\" is needed" },
    { "both", "{\"parent\": \"mtty\", \"pool\": \"serial\", \"type\": \"mtty-1\"}",
      FERRY_ERROR_INVALID, "exactly one of the fields \"parent\" and \"pool\" is needed" },
    { "unknown-parent", "{\"parent\": \"0000:41:00.0\", \"type\": \"mtty-1\"}",
      FERRY_ERROR_NOT_FOUND,
      "no device \"0000:41:00.0\" offers mediated devices here: \"ferry mdev types\" lists those "
      "that do" },
    { "unknown-pool", "{\"pool\": \"gpus\"}", FERRY_ERROR_NOT_FOUND,
      "there is no pool gpus: \"ferry pool list\" shows those there are" },
    { "pool-of-two-types", "{\"pool\": \"serial\"}", FERRY_ERROR_INVALID,
      "pool serial has several types: name the one that is wanted" },
    { "malformed-uuid", "{\"parent\": \"mtty\", \"type\": \"mtty-1\", \"uuid\": \"1\"}",
      FERRY_ERROR_INVALID, "\"1\" is not a UUID" },
    { "attrs-object", ATTRS("{}"), FERRY_ERROR_INVALID, "field \"attrs\" is not an array" },
    { "attr-without-value", ATTRS("[{\"name\": \"a\"}]"), FERRY_ERROR_INVALID, BAD_ATTRS },
    { "attr-number", ATTRS("[{\"name\": \"a\", \"value\": 1}]"), FERRY_ERROR_INVALID, BAD_ATTRS },
    { "attr-more", ATTRS("[{\"name\": \"a\", \"value\": \"1\", \"b\": \"2\"}]"),
      FERRY_ERROR_INVALID, BAD_ATTRS },
    { "xml-and-more", "{\"xml\": \"<device/>\", \"type\": \"mtty-1\"}", FERRY_ERROR_INVALID,
      "field \"type\" is unknown here" },
    { "vgpu-with-attrs",
      "{\"parent\": \"" VF0 "\", \"type\": \"1145\", \"attrs\": [{\"name\": \"a\", \"value\": "
      "\"1\"}]}",
      FERRY_ERROR_UNSUPPORTED,
      "cannot make a vGPU of VF " VF0 " with attributes: its driver takes a type only" },
};

static void
add_vgpu(TestHost *host)
{
    tree_pf(host->tree, "0000:03:00.0", NULL, "nvidia", 1, 1);
    tree_bind(host->tree, VF0, "nvidia");
    tree_file(host->tree, "sys/bus/pci/devices/" VF0 "/nvidia/creatable_vgpu_types",
              "ID : vGPU Name\n1145 : NVIDIA H100-4C");
    tree_file(host->tree, "sys/bus/pci/devices/" VF0 "/nvidia/current_vgpu_type", "0");
    test_host_look(host);
}

static void
test_bad(gconstpointer data)
{
    const BadRow *row = data;
    g_autoptr(TestHost) host = host_new();

    add_vgpu(host);
    define_pool(host, (const char *const[]){ "mtty", NULL },
                (const char *const[]){ "mtty-1", "mtty-2", NULL });
    test_host_error(host, "POST", "/v1/mdevs", row->body, row->code, row->message);
    g_assert_cmpuint(host->tree->n_writes, ==, 0);
}

static void
test_vgpu(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    add_vgpu(host);
    body = test_host_call(host, "POST", "/v1/mdevs",
                          "{\"parent\": \"" VF0 "\", \"type\": \"1145\"}", 201);
    g_assert_cmpstr(test_text(body, "name"), ==, VF0);
    g_assert_cmpstr(host->tree->last_write, ==,
                    "sys/bus/pci/devices/" VF0 "/nvidia/current_vgpu_type=1145");
    json_decref(body);
}

static void
test_uuid_taken(void)
{
    static const char body[] =
        "{\"parent\": \"mtty\", \"type\": \"mtty-1\", \"uuid\": \"" UUID "\"}";
    g_autoptr(TestHost) host = host_new();

    json_decref(test_host_call(host, "POST", "/v1/mdevs", body, 201));
    test_host_error(host, "POST", "/v1/mdevs", body, FERRY_ERROR_EXISTS,
                    "cannot create mdev " UUID " of type mtty-1 on mtty: File exists. The UUID is "
                    "taken on this host: leave it out to get a new one, or remove that device.");
}

/* Scenario C4: what occupies it, who has that, which others would do. */
static void
test_full(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    g_assert_cmpint(tree_mdev(host->tree, MTTY, "mtty-1", UUID), ==, 0);
    test_host_open(host, UUID, "g1");
    tree_parent(host->tree, "virtual/mtty/mtty9", NULL, "mtty", 2);
    test_host_look(host);
    body = test_host_call(host, "POST", "/v1/mdevs", "{\"parent\": \"mtty\", \"type\": \"mtty-2\"}",
                          409);
    g_assert_cmpstr(test_text(body, "reasons.0.code"), ==, "no-free-slot");
    g_assert_true(g_str_has_prefix(test_text(body, "reasons.0.message"),
                                   "mtty has no mtty-2 left: it carries mtty-1 "));
    g_assert_nonnull(strstr(test_text(body, "reasons.0.message"), "guest g1"));
    g_assert_cmpstr(test_text(body, "reasons.0.remedy"), ==, "These would do: mtty9.");
    json_decref(body);
}

/* What a parent says to have left is a hint: one that is named is asked all the same. */
static void
test_hint(void)
{
    g_autoptr(TestHost) host = host_new();

    tree_file(host->tree, "sys/devices/" MTTY "/mdev_supported_types/mtty-1/available_instances",
              "0");
    json_decref(test_host_call(host, "POST", "/v1/mdevs",
                               "{\"parent\": \"mtty\", \"type\": \"mtty-1\"}", 201));
}

/* In a pool the next parent is tried when one turns out to have nothing left. */
static void
test_pool_goes_on(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    tree_parent(host->tree, "virtual/mtty/mtty9", NULL, "mtty", 2);
    test_host_look(host);
    define_pool(host, (const char *const[]){ "mtty", "mtty9", NULL },
                (const char *const[]){ "mtty-1", NULL });
    host->tree->write_errno = ENOSPC;
    body = test_host_call(host, "POST", "/v1/mdevs", "{\"pool\": \"serial\"}", 201);
    g_assert_cmpstr(test_text(body, "parent"), ==, "mtty9");
    json_decref(body);
}

/* Scenario C5: of two at once for the last instance one has it, and the other is told who. */
typedef struct {
    TestHost *host;
    FerryClient *client;
    unsigned status;
    json_t *body;
} Racer;

static void *
race(void *data)
{
    Racer *self = data;
    json_t *body = json_pack("{s:s, s:s}", "parent", "mtty", "type", "mtty-2");
    FerryReply reply = { 0 };

    if (ferry_client_call(self->client, "POST", "/v1/mdevs", body, 20000, &reply, NULL))
        self->status = reply.status;
    self->body = reply.body;
    json_decref(body);
    return NULL;
}

/* The synthetic kernel, unlike a real one, is not for two at a time. */
static int
write_alone(void *data, const char *path, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int code = 0;

    (void)pthread_mutex_lock(&lock);
    code = tree_write(data, path, text);
    (void)pthread_mutex_unlock(&lock);
    return code;
}

static void
test_race(void)
{
    static const FerryKernelOps ops = { write_alone };
    g_autoptr(TestHost) host = host_new();

    host->kernel.ops = &ops;
    for (unsigned round = 0; round < 20; round++) {
        Racer racers[2] = { { .host = host }, { .host = host } };
        pthread_t threads[2];
        const Racer *winner = NULL;
        const Racer *loser = NULL;
        g_autofree char *path = NULL;

        for (unsigned i = 0; i < 2; i++) {
            racers[i].client = ferry_client_new_unix(host->socket_path);
            g_assert_cmpint(pthread_create(&threads[i], NULL, race, &racers[i]), ==, 0);
        }
        for (unsigned i = 0; i < 2; i++) {
            g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
            ferry_client_free(racers[i].client);
        }
        winner = &racers[racers[0].status == 201 ? 0 : 1];
        loser = &racers[racers[0].status == 201 ? 1 : 0];
        g_assert_cmpuint(winner->status, ==, 201);
        g_assert_cmpuint(loser->status, ==, 409);
        g_assert_cmpstr(test_text(loser->body, "reasons.0.occupied.0.device"), ==,
                        test_text(winner->body, "uuid"));
        path = g_strconcat("/v1/mdevs/", test_text(winner->body, "uuid"), NULL);
        g_assert_null(test_host_call(host, "DELETE", path, NULL, 204));
        json_decref(racers[0].body);
        json_decref(racers[1].body);
    }
}

/* Scenario D3: types that come while somebody waits for them. */
static void *
publish(void *data)
{
    TestHost *host = data;

    g_usleep(20000);
    tree_parent(host->tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 1);
    test_host_look(host);
    return NULL;
}

static void
test_types_come(void)
{
    g_autoptr(TestHost) host = host_new();
    pthread_t thread;
    json_t *body = NULL;

    tree_parent(host->tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 0);
    test_host_look(host);
    g_assert_cmpint(pthread_create(&thread, NULL, publish, host), ==, 0);
    body = test_host_call(host, "POST", "/v1/mdevs",
                          "{\"parent\": \"0000:41:00.0\", \"type\": \"nvidia-1\"}", 201);
    g_assert_cmpstr(test_text(body, "parent"), ==, "0000:41:00.0");
    json_decref(body);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

/* A clock on which each look takes a second. */
static int64_t
hasty_ms(const FerryClock *self)
{
    static int64_t now_ms;

    (void)self;
    return now_ms += 1000;
}

static char *
new_uuid(const FerryClock *self)
{
    (void)self;
    return g_strdup(UUID);
}

static void
test_types_do_not_come(void)
{
    static const FerryClock clock = { .now_ms = hasty_ms, .uuid = new_uuid };
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    host->api.clock = &clock;
    tree_parent(host->tree, "pci0000:40/0000:41:00.0", "pci", "nvidia", 0);
    test_host_look(host);
    body = test_host_call(host, "POST", "/v1/mdevs",
                          "{\"parent\": \"0000:41:00.0\", \"type\": \"nvidia-1\"}", 409);
    g_assert_cmpstr(test_text(body, "reasons.0.message"), ==,
                    "0000:41:00.0 is there, but publishes no types yet: does its vendor's service "
                    "run?");
    json_decref(body);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(good_rows); i++) {
        g_autofree char *path = g_strconcat("/mdev-create/good/", good_rows[i].name, NULL);
        g_test_add_data_func(path, &good_rows[i], test_good);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
        g_autofree char *path = g_strconcat("/mdev-create/bad/", bad_rows[i].name, NULL);
        g_test_add_data_func(path, &bad_rows[i], test_bad);
    }
    g_test_add_func("/mdev-create/vgpu", test_vgpu);
    g_test_add_func("/mdev-create/uuid-taken", test_uuid_taken);
    g_test_add_func("/mdev-create/full", test_full);
    g_test_add_func("/mdev-create/hint", test_hint);
    g_test_add_func("/mdev-create/pool-goes-on", test_pool_goes_on);
    g_test_add_func("/mdev-create/race", test_race);
    g_test_add_func("/mdev-create/types-come", test_types_come);
    g_test_add_func("/mdev-create/types-do-not-come", test_types_do_not_come);
    return g_test_run();
}
