#include "test-devices-fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/claims.h"

#define ENOUGH_MS 20000
#define GUEST     "6695eb01-f6a4-8304-79aa-97f2502e193f"

static const FerryKernelOps kernel_ops = { tree_write };

static FerryInventory *
newest(void *data)
{
    return ferry_watch_inventory(data, NULL);
}

static bool
keep(void *data, const char *const *names, unsigned n_vfs, GError **error)
{
    TestHost *self = data;

    if (self->keeps != FERRY_ERROR_N_CODES) {
        g_set_error(error, FERRY_ERROR, (int)self->keeps, "no such luck");
        return false;
    }
    g_free(self->kept);
    self->kept = g_strdup_printf("%s=%u", names[0], n_vfs);
    return true;
}

static const FerryKeepOps keep_ops = { keep };

static void
start_server(TestHost *self)
{
    FerryServerConfig config = ferry_server_defaults;

    config.socket_path = self->socket_path;
    self->server = ferry_server_new(&config);
    ferry_server_add(self->server, ferry_device_routes, &self->api);
    ferry_server_add(self->server, ferry_mdev_routes, &self->api);
    ferry_server_add(self->server, ferry_pf_routes, &self->api);
    ferry_server_add(self->server, ferry_pool_routes, &self->api);
    ferry_server_add(self->server, ferry_claim_routes, &self->api);
    g_assert_true(ferry_server_start(self->server, NULL));
    self->client = ferry_client_new_unix(self->socket_path);
}

TestHost *
test_host_new(void)
{
    TestHost *self = g_new0(TestHost, 1);
    g_autofree char *db = NULL;
    FerryPoolsConfig pools = { .inventory = newest, .clock = ferry_clock_system() };

    self->keeps = FERRY_ERROR_N_CODES;
    self->tree = tree_new();
    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    self->socket_path = g_build_filename(self->folder, "socket", NULL);
    db = g_build_filename(self->folder, "ferry.db", NULL);
    g_assert_true(ferry_store_open(db, &self->store, NULL));
    self->kernel = (FerryKernel){ self->tree->root, &kernel_ops, self->tree };
    self->watch = ferry_watch_new(self->tree->root, NULL, NULL, 60000, NULL);
    pools.store = self->store;
    pools.inventory_data = self->watch;
    pools.kernel = &self->kernel;
    self->pools = ferry_pools_new(&pools);
    self->api = (FerryApi){ .name = "alpha",
                            .clock = ferry_clock_system(),
                            .store = self->store,
                            .watch = self->watch,
                            .kernel = &self->kernel,
                            .pools = self->pools,
                            .keep = &keep_ops,
                            .keep_data = self };
    start_server(self);
    return self;
}

static void
remove_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *file = NULL;

    while ((file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *full = g_build_filename(path, file, NULL);

        (void)g_remove(full);
    }
    (void)g_rmdir(path);
}

void
test_host_free(TestHost *self)
{
    ferry_client_free(self->client);
    ferry_server_free(self->server);
    ferry_pools_free(self->pools);
    ferry_watch_free(self->watch);
    ferry_store_close(self->store);
    remove_folder(self->folder);
    tree_free(self->tree);
    g_free(self->folder);
    g_free(self->socket_path);
    g_free(self->kept);
    g_free(self);
}

void
test_host_look(TestHost *self)
{
    ferry_inventory_unref(ferry_watch_look(self->watch));
}

void
test_host_open(TestHost *self, const char *device, const char *guest)
{
    g_autoptr(FerryInventory) inventory = ferry_watch_look(self->watch);
    const FerryHostDevice *found = ferry_inventory_find(inventory, device);
    g_autofree char *node = g_strdup_printf("/dev/vfio/%d", found->iommu_group);
    g_autofree char *path = g_build_filename(self->tree->path, "proc/4711/cmdline", NULL);
    g_autofree char *words = g_strdup_printf("qemu -name guest=%s", guest != NULL ? guest : "");

    tree_file(self->tree, "proc/4711/comm", "qemu-system-x86");
    tree_link(self->tree, "proc/4711/fd/7", node);
    for (char *c = words; guest != NULL && *c != '\0'; c++)
        if (*c == ' ')
            *c = '\0';
    g_assert_true(g_file_set_contents(
        path, words, guest != NULL ? (gssize)(strlen("qemu -name guest=") + strlen(guest)) : 4,
        NULL));
}

void
test_host_claim(TestHost *self, const char *slot, const char *uuid)
{
    const FerryClaimRow row = { .pool = (char *)"",
                                .slot = (char *)slot,
                                .device = (char *)uuid,
                                .guest_uuid = (char *)GUEST,
                                .guest_name = (char *)"g1",
                                .alias = (char *)"ua-gpu0",
                                .job = (char *)"",
                                .state = FERRY_CLAIM_RESERVED,
                                .saved_settings = (char *)"",
                                .attrs = (char *)"[]",
                                .made_in = (char *)"" };
    g_autoptr(FerryClaimRow) holder = NULL;
    int64_t generation = 0;

    g_assert_true(ferry_store_claim_add(self->store, &row, &generation, &holder, NULL));
    g_assert_cmpint(generation, !=, 0);
}

json_t *
test_host_call(TestHost *self,
               const char *method,
               const char *path,
               const char *body,
               unsigned status)
{
    json_t *sent = body != NULL ? json_loads(body, 0, NULL) : NULL;
    FerryReply reply = { 0 };
    g_autoptr(GError) error = NULL;

    (void)ferry_client_call(self->client, method, path, sent, ENOUGH_MS, &reply, &error);
    json_decref(sent);
    g_assert_no_error(error);
    g_assert_cmpuint(reply.status, ==, status);
    return reply.body;
}

void
test_host_error(TestHost *self,
                const char *method,
                const char *path,
                const char *body,
                FerryErrorCode code,
                const char *message)
{
    json_t *sent = body != NULL ? json_loads(body, 0, NULL) : NULL;
    FerryReply reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_client_call(self->client, method, path, sent, ENOUGH_MS, &reply, &error));
    json_decref(sent);
    g_assert_error(error, FERRY_ERROR, (int)code);
    g_assert_cmpstr(error->message, ==, message);
}

const char *
test_text(const json_t *json, const char *path)
{
    static _Thread_local char number[32];
    g_auto(GStrv) parts = g_strsplit(path, ".", -1);

    for (guint i = 0; parts[i] != NULL; i++)
        json = json_is_array(json)
                   ? json_array_get(json, (size_t)g_ascii_strtoull(parts[i], NULL, 10))
                   : json_object_get(json, parts[i]);
    if (json_is_boolean(json))
        return json_is_true(json) ? "true" : "false";
    if (!json_is_integer(json))
        return json_string_value(json);
    (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    return number;
}

void
test_rows(const json_t *json, const TestRow *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++) {
        g_test_message("%s", rows[i].path);
        g_assert_cmpstr(test_text(json, rows[i].path), ==, rows[i].value);
    }
}
