#include <errno.h>

#include "base/error.h"
#include "test-devices-fixture.h"

#define UUID  "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\"], \"policy\": \"pack\"}"

/* eth3 with 2 VFs in a pool, and an mtty with one port. */
static TestHost *
host_new(void)
{
    TestHost *host = test_host_new();

    host->tree->ports = 1;
    tree_pf(host->tree, "0000:03:00.0", "eth3", "igb", 7, 2);
    tree_parent(host->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    test_host_look(host);
    json_decref(test_host_call(host, "POST", "/v1/pools", NET_X, 201));
    return host;
}

static void
test_claim_vf(void)
{
    static const TestRow rows[] = {
        { "generation", "1" },   { "pool", "net-x" },        { "slot", "0000:03:00.0/vf0" },
        { "alias", "ua-net0" },  { "guest.name", "web" },    { "guest.uuid", "u-web" },
        { "state", "reserved" }, { "policy", "pack" },       { "device", NULL },
        { "job", NULL },         { "saved_settings", NULL },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *claim = test_host_call(host, "POST", "/v1/claims",
                                   "{\"pool\": \"net-x\", \"alias\": \"ua-net0\","
                                   "\"guest\": {\"uuid\": \"u-web\", \"name\": \"web\"}}",
                                   201);
    json_t *listed = test_host_call(host, "GET", "/v1/claims?guest=u-web", NULL, 200);
    json_t *none = test_host_call(host, "GET", "/v1/claims?guest=u-db", NULL, 200);

    test_rows(claim, rows, G_N_ELEMENTS(rows));
    g_assert_cmpstr(test_text(listed, "claims.0.slot"), ==, "0000:03:00.0/vf0");
    g_assert_cmpuint(json_array_size(json_object_get(none, "claims")), ==, 0);
    json_decref(claim);
    json_decref(listed);
    json_decref(none);
}

/* C4: by what rule it was chosen is in the answer. */
static void
test_policy_is_told(void)
{
    static const struct {
        const char *body, *policy;
    } rows[] = {
        { "{\"alias\": \"a\", \"pool\": \"net-x\"}", "pack" },
        { "{\"alias\": \"a\", \"pool\": \"net-x\", \"policy\": \"spread\"}", "spread" },
        { "{\"alias\": \"a\", \"pool\": \"net-x\", \"slot\": \"0000:03:00.0/vf1\"}", "slot" },
        { "{\"alias\": \"a\", \"parent\": \"mtty\", \"type\": \"mtty-1\"}", "parent" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(TestHost) host = host_new();
        json_t *claim = test_host_call(host, "POST", "/v1/claims", rows[i].body, 201);

        g_assert_cmpstr(test_text(claim, "policy"), ==, rows[i].policy);
        json_decref(claim);
    }
}

static bool
is_there(const TestHost *host)
{
    g_autofree char *path = g_build_filename(host->tree->path, "sys/bus/mdev/devices/" UUID, NULL);

    return g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

static void
test_prepare_and_release(void)
{
    static const TestRow rows[] = {
        { "slot", "mtty/mtty-1" }, { "device", UUID }, { "guest", NULL }, { "pool", NULL }
    };
    g_autoptr(TestHost) host = host_new();
    json_t *claim = test_host_call(host, "POST", "/v1/claims",
                                   "{\"parent\": \"mtty\", \"type\": \"mtty-1\", \"alias\": \"a\","
                                   "\"uuid\": \"" UUID "\", \"prepare\": true, \"attrs\": []}",
                                   201);

    test_rows(claim, rows, G_N_ELEMENTS(rows));
    g_assert_true(is_there(host));
    g_assert_null(test_host_call(host, "DELETE", "/v1/claims/1", NULL, 204));
    g_assert_false(is_there(host));
    g_assert_null(test_host_call(host, "DELETE", "/v1/claims/1", NULL, 204));
    json_decref(claim);
}

static void
test_refused(void)
{
    static const TestRow rows[] = {
        { "type", "refused" },
        { "reasons.0.code", "no-free-slot" },
        { "reasons.0.message", "pool net-x: 2 of 2 VFs used (eth3 2/2)" },
        { "reasons.0.last_claim.alias", "b" },
        { "reasons.0.members.0.used", "2" },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    json_decref(
        test_host_call(host, "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\"}", 201));
    json_decref(
        test_host_call(host, "POST", "/v1/claims", "{\"alias\": \"b\", \"pool\": \"net-x\"}", 201));
    body =
        test_host_call(host, "POST", "/v1/claims", "{\"alias\": \"c\", \"pool\": \"net-x\"}", 409);
    test_rows(body, rows, G_N_ELEMENTS(rows));
    json_decref(body);
}

/* What could be claimed but not made leaves no claim to release. */
static void
test_cannot_be_made(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *claims = NULL;

    host->tree->write_errno = EIO;
    test_host_error(host, "POST", "/v1/claims",
                    "{\"parent\": \"mtty\", \"type\": \"mtty-1\", \"alias\": \"a\","
                    "\"uuid\": \"" UUID "\", \"prepare\": true}",
                    FERRY_ERROR_IO,
                    "cannot create mdev " UUID " of type mtty-1 on mtty: Input/output error. The "
                    "driver's own messages are in the kernel's log (dmesg).");
    claims = test_host_call(host, "GET", "/v1/claims", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(claims, "claims")), ==, 0);
    json_decref(claims);
}

static void
test_errors(void)
{
    static const struct {
        const char *method, *path, *body, *message;
    } rows[] = {
        { "POST", "/v1/claims", "{}", "field \"alias\" is missing" },
        { "POST", "/v1/claims", "{\"alias\": \"a\"}", "a: name a pool or a parent, exactly one" },
        { "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\", \"size\": 1}",
          "field \"size\" is unknown here" },
        { "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\", \"policy\": \"best\"}",
          "field \"policy\" is none of \"first\", \"pack\" and \"spread\"" },
        { "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\", \"guest\": \"web\"}",
          "field \"guest\" is not an object" },
        { "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\", \"guest\": {}}",
          "field \"uuid\" is missing" },
        { "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\", \"attrs\": {}}",
          "field \"attrs\" is not an array" },
        { "POST", "/v1/claims", "{\"alias\": \"a\", \"pool\": \"net-x\", \"attrs\": [7]}",
          "field \"name\" is missing" },
        { "POST", "/v1/claims",
          "{\"alias\": \"a\", \"pool\": \"net-x\", \"attrs\": [{\"name\": \"n\", \"value\": \"v\","
          "\"x\": 1}]}",
          "field \"x\" is unknown here" },
        { "DELETE", "/v1/claims/all", NULL, "\"all\" is not the generation of a claim" },
        { "DELETE", "/v1/claims/0", NULL, "\"0\" is not the generation of a claim" },
    };
    g_autoptr(TestHost) host = host_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        test_host_error(host, rows[i].method, rows[i].path, rows[i].body, FERRY_ERROR_INVALID,
                        rows[i].message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/claims/claim-vf", test_claim_vf);
    g_test_add_func("/claims/policy-is-told", test_policy_is_told);
    g_test_add_func("/claims/prepare-and-release", test_prepare_and_release);
    g_test_add_func("/claims/refused", test_refused);
    g_test_add_func("/claims/cannot-be-made", test_cannot_be_made);
    g_test_add_func("/claims/errors", test_errors);
    return g_test_run();
}
