#include "base/error.h"
#include "test-devices-fixture.h"

#define PF  "0000:03:00.0"
#define VF0 "0000:03:10.0"

static TestHost *
host_of(unsigned n_vfs)
{
    TestHost *host = test_host_new();

    tree_pf(host->tree, PF, "eth3", "igb", 7, n_vfs);
    tree_parent(host->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    test_host_look(host);
    return host;
}

static void
test_list(void)
{
    g_autoptr(TestHost) host = host_of(3);
    json_t *body = test_host_call(host, "GET", "/v1/pfs", NULL, 200);

    g_assert_cmpuint(json_array_size(json_object_get(body, "pfs")), ==, 1);
    g_assert_cmpstr(test_text(body, "pfs.0.name"), ==, PF);
    g_assert_cmpstr(test_text(body, "pfs.0.free_vfs"), ==, "3");
    json_decref(body);
}

typedef struct {
    const char *name, *path, *body;
    unsigned before, after; /* VFs */
    const char *kept;
} SetRow;

static const SetRow set_rows[] = {
    { "by-netdev", "/v1/pfs/eth3", "{\"vfs\": 7}", 0, 7, NULL },
    { "by-address", "/v1/pfs/" PF, "{\"vfs\": 7, \"keep\": false}", 0, 7, NULL },
    { "fewer", "/v1/pfs/eth3", "{\"vfs\": 2}", 7, 2, NULL },
    { "none", "/v1/pfs/eth3", "{\"vfs\": 0}", 7, 0, NULL },
    { "same", "/v1/pfs/eth3", "{\"vfs\": 7}", 7, 7, NULL },
    { "keep-as-typed", "/v1/pfs/eth3", "{\"vfs\": 7, \"keep\": true}", 0, 7, "eth3=7" },
    { "keep-by-address", "/v1/pfs/" PF, "{\"vfs\": 7, \"keep\": true}", 0, 7, PF "=7" },
    { "keep-by-libvirts-name", "/v1/pfs/pci_0000_03_00_0", "{\"vfs\": 0, \"keep\": true}", 7, 0,
      PF "=0" },
    { "keep-the-same", "/v1/pfs/eth3", "{\"vfs\": 7, \"keep\": true}", 7, 7, "eth3=7" },
};

static void
test_set(gconstpointer data)
{
    const SetRow *row = data;
    g_autoptr(TestHost) host = host_of(row->before);
    json_t *body = test_host_call(host, "POST", row->path, row->body, 200);
    json_t *shown = test_host_call(host, "GET", "/v1/pfs/eth3", NULL, 200);

    g_assert_cmpint(json_integer_value(json_object_get(body, "n_vfs")), ==, row->after);
    g_assert_cmpint(json_integer_value(json_object_get(body, "free_vfs")), ==, row->after);
    g_assert_true(json_equal(body, shown));
    g_assert_cmpstr(host->kept, ==, row->kept);
    json_decref(body);
    json_decref(shown);
}

typedef struct {
    const char *name, *path, *body;
    FerryErrorCode code;
    const char *message;
} BadRow;

static const BadRow bad_rows[] = {
    { "too-many", "/v1/pfs/eth3", "{\"vfs\": 8}", FERRY_ERROR_INVALID,
      "cannot set 8 VFs on " PF ": it can have 7 at most" },
    { "no-number", "/v1/pfs/eth3", "{}", FERRY_ERROR_INVALID, "field \"vfs\" is missing" },
    { "negative", "/v1/pfs/eth3", "{\"vfs\": -1}", FERRY_ERROR_INVALID,
      "field \"vfs\" is not a whole number from 0 to 65535" },
    { "unknown-field", "/v1/pfs/eth3", "{\"vfs\": 1, \"save\": true}", FERRY_ERROR_INVALID,
      "field \"save\" is unknown here" },
    { "no-pf", "/v1/pfs/mtty", "{\"vfs\": 1}", FERRY_ERROR_NOT_FOUND,
      "mtty is no device that can have VFs: \"ferry pf list\" lists those" },
    { "nothing", "/v1/pfs/eth9", "{\"vfs\": 1}", FERRY_ERROR_NOT_FOUND,
      "eth9 is no device that can have VFs: \"ferry pf list\" lists those" },
};

static void
test_bad(gconstpointer data)
{
    const BadRow *row = data;
    g_autoptr(TestHost) host = host_of(0);

    test_host_error(host, "POST", row->path, row->body, row->code, row->message);
    g_assert_cmpuint(host->tree->n_writes, ==, 0);
    g_assert_null(host->kept);
}

/* Scenario C3: a PF with a device in use is left alone, and who has it is named. */
static void
test_in_use(void)
{
    g_autoptr(TestHost) host = host_of(7);
    json_t *body = NULL;

    test_host_claim(host, PF "/vf3", "");
    test_host_open(host, VF0, "else");
    body = test_host_call(host, "POST", "/v1/pfs/eth3", "{\"vfs\": 0, \"keep\": true}", 409);
    g_assert_cmpstr(test_text(body, "type"), ==, "refused");
    g_assert_cmpuint(json_array_size(json_object_get(body, "reasons")), ==, 2);
    g_assert_cmpstr(test_text(body, "reasons.0.code"), ==, "vf-in-use");
    g_assert_cmpstr(test_text(body, "reasons.0.message"), ==,
                    "VF 0 (" VF0 ") of eth3 is used by process 4711 (qemu-system-x86, guest else)");
    g_assert_cmpstr(test_text(body, "reasons.1.used_by"), ==, "guest g1 (ua-gpu0)");
    g_assert_nonnull(test_text(body, "reasons.1.remedy"));
    g_assert_cmpuint(host->tree->n_writes, ==, 0);
    g_assert_null(host->kept);
    json_decref(body);
    /* the number that there is needs no change */
    json_decref(test_host_call(host, "POST", "/v1/pfs/eth3", "{\"vfs\": 7}", 200));
}

static void
test_not_kept(void)
{
    g_autoptr(TestHost) host = host_of(0);
    json_t *body = NULL;

    host->keeps = FERRY_ERROR_DENIED;
    test_host_error(host, "POST", "/v1/pfs/eth3", "{\"vfs\": 7, \"keep\": true}",
                    FERRY_ERROR_DENIED,
                    "eth3 has 7 VFs now, but not after the next boot: no such luck");
    test_host_look(host);
    body = test_host_call(host, "GET", "/v1/pfs/eth3", NULL, 200);
    g_assert_cmpstr(test_text(body, "n_vfs"), ==, "7");
    json_decref(body);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pfs/list", test_list);
    for (size_t i = 0; i < G_N_ELEMENTS(set_rows); i++) {
        g_autofree char *path = g_strconcat("/pfs/set/", set_rows[i].name, NULL);
        g_test_add_data_func(path, &set_rows[i], test_set);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
        g_autofree char *path = g_strconcat("/pfs/bad/", bad_rows[i].name, NULL);
        g_test_add_data_func(path, &bad_rows[i], test_bad);
    }
    g_test_add_func("/pfs/in-use", test_in_use);
    g_test_add_func("/pfs/not-kept", test_not_kept);
    return g_test_run();
}
