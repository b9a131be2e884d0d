/* Scenario D6: whether a device can migrate is asked, not declared. */
#include <errno.h>
#include <string.h>

#include "api/probe.h"
#include "base/error.h"
#include "test-devices-fixture.h"
#include "vfio/mig-state.h"
#include "vfio/uapi.h"

#define PF    "0000:03:00.0"
#define VF0   "0000:03:10.0"
#define VF1   "0000:03:10.2"
#define MTTY  "virtual/mtty/mtty"
#define UUID  "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define OTHER "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"

/* A driver: what it answers; its transport and its data at once. */
typedef struct {
    TestHost *host;
    uint64_t flags; /* 0: no migration */
    int64_t size;   /* -1: no figure */
    bool logs;
    FerryErrorCode fails; /* opening does; FERRY_ERROR_N_CODES: it does not */
    unsigned n_opened;
    unsigned n_claims; /* there were, while it was open */
} Driver;

static bool
feature(void *data, FerryFeatureCall *call, GError **error)
{
    const Driver *self = data;
    const uint32_t index = call->flags & 0xffff;
    const uint32_t running = FERRY_MIG_STATE_RUNNING;

    (void)error;
    call->code = self->flags == 0 ? ENOTTY : 0;
    if (call->code == 0 && index == FERRY_FEATURE_MIGRATION)
        (void)memcpy(call->payload, &self->flags, sizeof(self->flags));
    if (call->code == 0 && index == FERRY_FEATURE_MIG_DEVICE_STATE)
        (void)memcpy(call->payload, &running, sizeof(running));
    if (index == FERRY_FEATURE_MIG_DATA_SIZE) {
        call->code = self->size < 0 ? ENOTTY : 0;
        if (call->code == 0)
            (void)memcpy(call->payload, &self->size, sizeof(self->size));
    }
    if (index == FERRY_FEATURE_DMA_LOGGING_START)
        call->code = self->logs ? 0 : ENOTTY;
    return true;
}

static void
close_device(void *data)
{
    (void)data;
}

static const FerryTransportOps transport_ops = { .feature = feature, .free = close_device };

static FerryTransport *
open_device(void *data, const char *name, GError **error)
{
    Driver *self = data;
    g_autoptr(GPtrArray) claims = NULL;
    FerryTransport *transport = NULL;

    self->n_opened++;
    g_assert_true(ferry_store_claim_list(self->host->store, "", &claims, NULL));
    self->n_claims = claims->len;
    if (self->fails != FERRY_ERROR_N_CODES) {
        g_set_error(error, FERRY_ERROR, (int)self->fails, "%s is open elsewhere", name);
        return NULL;
    }
    transport = g_new0(FerryTransport, 1);
    transport->ops = &transport_ops;
    transport->data = self;
    transport->name = g_strdup(name);
    return transport;
}

static const FerryVfioOps vfio_ops = { open_device };

static TestHost *
host_of(Driver *driver)
{
    TestHost *host = test_host_new();

    tree_pf(host->tree, PF, "eth3", "mlx5_core", 4, 4);
    tree_bind(host->tree, VF0, "vfio-pci");
    tree_bind(host->tree, VF1, "mlx5_vfio_pci");
    tree_parent(host->tree, MTTY, NULL, "mtty", 2);
    g_assert_cmpint(tree_mdev(host->tree, MTTY, "mtty-1", UUID), ==, 0);
    g_assert_cmpint(tree_mdev(host->tree, MTTY, "mtty-1", OTHER), ==, 0);
    test_host_look(host);
    driver->host = host;
    host->api.vfio = &vfio_ops;
    host->api.vfio_data = driver;
    return host;
}

static unsigned
n_claims(TestHost *host)
{
    g_autoptr(GPtrArray) claims = NULL;

    g_assert_true(ferry_store_claim_list(host->store, NULL, &claims, NULL));
    return claims->len;
}

typedef struct {
    const char *name, *device;
    uint64_t flags;
    int64_t size;
    bool logs;
    const char *message;
} AnswerRow;

static const AnswerRow answer_rows[] = {
    { "plain", VF0, 0, -1, false,
      "not migratable: driver vfio-pci has no migration support; ephemeral possible" },
    { "variant", VF1, FERRY_MIG_STOP_COPY | FERRY_MIG_P2P, -1, true,
      "migratable: stop-copy, P2P, log of dirty pages; state: no figure yet" },
    { "mdev", UUID, FERRY_MIG_STOP_COPY | FERRY_MIG_P2P | FERRY_MIG_PRE_COPY, 60, false,
      "migratable: stop-copy, P2P, pre-copy, no log of dirty pages; state: 60 bytes" },
    { "mdev-without", UUID, 0, -1, false,
      "not migratable: driver mtty has no migration support; ephemeral possible" },
};

static void
test_answer(gconstpointer data)
{
    const AnswerRow *row = data;
    Driver driver = {
        .flags = row->flags, .size = row->size, .logs = row->logs, .fails = FERRY_ERROR_N_CODES
    };
    g_autoptr(TestHost) host = host_of(&driver);
    g_autofree char *path = g_strconcat("/v1/devices/", row->device, NULL);
    g_autofree char *probe = g_strconcat(path, "/probe", NULL);
    json_t *before = test_host_call(host, "GET", path, NULL, 200);
    json_t *body = test_host_call(host, "POST", probe, NULL, 200);
    json_t *after = test_host_call(host, "GET", path, NULL, 200);

    g_assert_true(g_str_has_prefix(test_text(before, "migration.message"), "not known: "));
    g_assert_null(json_object_get(json_object_get(before, "migration"), "migratable"));
    g_assert_cmpstr(test_text(body, "migration.message"), ==, row->message);
    g_assert_cmpstr(test_text(body, "migration.migratable"), ==,
                    row->flags != 0 ? "true" : "false");
    g_assert_nonnull(test_text(body, "migration.probed"));
    g_assert_true(json_equal(body, after));
    g_assert_cmpuint(driver.n_opened, ==, 1);
    g_assert_cmpuint(driver.n_claims, ==, 1);
    g_assert_cmpuint(n_claims(host), ==, 0);
    json_decref(before);
    json_decref(body);
    json_decref(after);
}

/* It holds for all of the kind, until the driver or its version is another one. */
static void
test_remembered(void)
{
    Driver driver = { .flags = 1, .size = 60, .fails = FERRY_ERROR_N_CODES };
    g_autoptr(TestHost) host = host_of(&driver);
    json_t *other = NULL;
    json_t *later = NULL;

    json_decref(test_host_call(host, "POST", "/v1/devices/" UUID "/probe", NULL, 200));
    other = test_host_call(host, "GET", "/v1/devices/" OTHER, NULL, 200);
    g_assert_cmpstr(test_text(other, "migration.stop_copy_bytes"), ==, "60");
    tree_file(host->tree, "sys/module/mtty/version", "0.2");
    later = test_host_call(host, "GET", "/v1/devices/" UUID, NULL, 200);
    g_assert_null(json_object_get(json_object_get(later, "migration"), "migratable"));
    json_decref(other);
    json_decref(later);
}

typedef struct {
    const char *name, *device;
    const char *claim; /* (nullable): slot */
    const char *uuid;
    bool is_open;
    FerryErrorCode fails;
    unsigned n_opened;
    const char *code, *message;
} RefuseRow;

static const RefuseRow refuse_rows[] = {
    { "claimed-vf", VF0, PF "/vf0", "", false, FERRY_ERROR_N_CODES, 0, "in-use",
      VF0 " is used by guest g1 (ua-gpu0)" },
    { "claimed-mdev", UUID, "mtty/mtty-1", UUID, false, FERRY_ERROR_N_CODES, 0, "in-use",
      UUID " is used by guest g1 (ua-gpu0)" },
    { "open", UUID, NULL, NULL, true, FERRY_ERROR_N_CODES, 0, "in-use",
      UUID " is used by process 4711 (qemu-system-x86, guest g1)" },
    { "opened-meanwhile", UUID, NULL, NULL, false, FERRY_ERROR_BUSY, 1, "in-use",
      UUID " is open elsewhere" },
    { "no-driver", "0000:03:10.4", NULL, NULL, false, FERRY_ERROR_N_CODES, 0, "no-vfio-driver",
      "0000:03:10.4 has no driver, and only a VFIO driver knows" },
};

static void
test_refused(gconstpointer data)
{
    const RefuseRow *row = data;
    Driver driver = { .flags = 1, .fails = row->fails };
    g_autoptr(TestHost) host = host_of(&driver);
    g_autofree char *probe = g_strconcat("/v1/devices/", row->device, "/probe", NULL);
    json_t *body = NULL;

    if (row->claim != NULL)
        test_host_claim(host, row->claim, row->uuid);
    if (row->is_open)
        test_host_open(host, row->device, "g1");
    body = test_host_call(host, "POST", probe, NULL, 409);
    g_assert_cmpstr(test_text(body, "reasons.0.code"), ==, row->code);
    g_assert_cmpstr(test_text(body, "reasons.0.message"), ==, row->message);
    g_assert_nonnull(test_text(body, "reasons.0.remedy"));
    g_assert_cmpuint(driver.n_opened, ==, row->n_opened);
    g_assert_cmpuint(n_claims(host), ==, row->claim != NULL);
    json_decref(body);
}

static void
test_errors(void)
{
    Driver driver = { .fails = FERRY_ERROR_IO };
    g_autoptr(TestHost) host = host_of(&driver);

    test_host_error(host, "POST", "/v1/devices/" UUID "/probe", NULL, FERRY_ERROR_IO,
                    UUID " is open elsewhere");
    g_assert_cmpuint(n_claims(host), ==, 0);
    test_host_error(host, "POST", "/v1/devices/eth3/probe", NULL, FERRY_ERROR_INVALID,
                    "cannot probe " PF ": only VFs and mediated devices are given to guests");
}

/* What a crash left is dropped, and nobody else's claim. */
static void
test_clean_up(void)
{
    Driver driver = { .fails = FERRY_ERROR_N_CODES };
    g_autoptr(TestHost) host = host_of(&driver);
    char nothing[] = "";
    char slot[] = PF "/vf0";
    char other[] = PF "/vf1";
    char alias[] = "probe:" VF0;
    char by_hand[] = "by-hand";
    FerryClaimRow row = { .pool = nothing,
                          .slot = slot,
                          .device = nothing,
                          .guest_uuid = nothing,
                          .guest_name = nothing,
                          .alias = alias,
                          .job = nothing,
                          .saved_settings = nothing,
                          .attrs = nothing,
                          .made_in = nothing };
    FerryClaimRow *holder = NULL;
    int64_t generation = 0;

    g_assert_true(ferry_store_claim_add(host->store, &row, &generation, &holder, NULL));
    row.slot = other;
    row.alias = by_hand;
    g_assert_true(ferry_store_claim_add(host->store, &row, &generation, &holder, NULL));
    test_host_claim(host, "mtty/mtty-1", UUID);
    g_assert_true(ferry_probe_clean_up(host->store, NULL));
    g_assert_cmpuint(n_claims(host), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(answer_rows); i++) {
        g_autofree char *path = g_strconcat("/probe/answer/", answer_rows[i].name, NULL);
        g_test_add_data_func(path, &answer_rows[i], test_answer);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/probe/refused/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refused);
    }
    g_test_add_func("/probe/remembered", test_remembered);
    g_test_add_func("/probe/errors", test_errors);
    g_test_add_func("/probe/clean-up", test_clean_up);
    return g_test_run();
}
