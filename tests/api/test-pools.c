#include <string.h>

#include "base/error.h"
#include "test-devices-fixture.h"

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"

/* eth3 and eth4 with 7 VFs each, and an mtty. */
static TestHost *
host_new(void)
{
    TestHost *host = test_host_new();

    tree_pf(host->tree, "0000:03:00.0", "eth3", "igb", 7, 7);
    tree_pf(host->tree, "0000:03:00.1", "eth4", "igb", 7, 7);
    tree_parent(host->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    test_host_look(host);
    return host;
}

static void
test_define_and_show(void)
{
    static const TestRow rows[] = {
        { "name", "net-x" },
        { "kind", "vf" },
        { "policy", "spread" },
        { "used", "0" },
        { "free", "14" },
        { "total", "14" },
        { "degraded", NULL },
        { "members.0.name", "eth3" },
        { "members.0.device", "0000:03:00.0" },
        { "members.0.link", "up" },
        { "members.1.free", "7" },
        { "members.1.slots.6.slot", "0000:03:00.1/vf6" },
        { "members.1.slots.6.state", "free" },
        { "members.1.slots.6.device", "0000:03:11.5" },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *made = test_host_call(host, "POST", "/v1/pools",
                                  "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"],"
                                  "\"policy\": \"spread\"}",
                                  201);
    json_t *shown = test_host_call(host, "GET", "/v1/pools/net-x", NULL, 200);

    test_rows(made, rows, G_N_ELEMENTS(rows));
    g_assert_true(json_equal(made, shown));
    json_decref(made);
    json_decref(shown);
}

static void
test_define_network(void)
{
    static const TestRow rows[] = {
        { "name", "net-x" }, { "policy", "pack" },       { "ephemeral", "true" },
        { "pfs.1", "eth4" }, { "members.0.total", "7" }, { "hybrid", NULL },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *made = test_host_call(
        host, "POST", "/v1/pools",
        "{\"xml\": \"<network><name>net-x</name><forward mode='hostdev' ephemeral='yes'>"
        "<pf dev='eth3'/><pf dev='eth4'/></forward></network>\", \"policy\": \"pack\"}",
        201);

    test_rows(made, rows, G_N_ELEMENTS(rows));
    json_decref(made);
}

static void
test_define_errors(void)
{
    static const struct {
        const char *body;
        FerryErrorCode code;
        const char *message;
    } rows[] = {
        { "{}", FERRY_ERROR_INVALID, "field \"name\" is missing" },
        { "{\"name\": \"x\", \"pfs\": [\"eth9\"]}", FERRY_ERROR_NOT_FOUND,
          "pool x: there is no eth9 on this host: \"ferry pf list\" shows the PFs, \"ferry device "
          "list\" their VFs" },
        { "{\"xml\": \"<network/>\"}", FERRY_ERROR_INVALID,
          "line 1, <network>: the network's name is missing, or has a \"/\" in it" },
        { "{\"xml\": \"<network><name>n</name></network>\"}", FERRY_ERROR_INVALID,
          "pool n: the network has no VFs: its forward mode is neither hostdev nor "
          "hostdev-hybrid. libvirt runs it: \"virsh net-define\"" },
        { "{\"xml\": \"<network><name>n</name><forward mode='hostdev'><pf dev='eth3'/></forward>"
          "</network>\", \"policy\": \"best\"}",
          FERRY_ERROR_INVALID, "field \"policy\" is none of \"first\", \"pack\" and \"spread\"" },
        { "{\"xml\": \"<network/>\", \"vlan\": 7}", FERRY_ERROR_INVALID,
          "field \"vlan\" is unknown here" },
        { "{\"xml\": 7}", FERRY_ERROR_INVALID, "field \"xml\" is not a string" },
    };
    g_autoptr(TestHost) host = host_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        test_host_error(host, "POST", "/v1/pools", rows[i].body, rows[i].code, rows[i].message);
}

static void
test_define_refused(void)
{
    static const TestRow rows[] = {
        { "type", "refused" },
        { "reasons.0.code", "vf-in-two-pools" },
        { "reasons.0.pool", "net-x" },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    json_decref(test_host_call(host, "POST", "/v1/pools", NET_X, 201));
    body = test_host_call(host, "POST", "/v1/pools", "{\"name\": \"y\", \"pfs\": [\"eth4\"]}", 409);
    test_rows(body, rows, G_N_ELEMENTS(rows));
    json_decref(body);
}

/* A list has each pool's members, but not their slots. */
static void
test_list(void)
{
    static const TestRow rows[] = {
        { "pools.0.name", "net-x" },
        { "pools.0.members.1.used", "0" },
        { "pools.0.members.1.slots", NULL },
        { "pools.1.name", "ports" },
        { "pools.1.members.0.types.0.type", "mtty-1" },
        { "pools.1.members.0.types.0.available", "24" },
        { "pools.1.total", NULL },
        { "pools.2", NULL },
    };
    g_autoptr(TestHost) host = host_new();
    json_t *body = NULL;

    json_decref(test_host_call(
        host, "POST", "/v1/pools",
        "{\"name\": \"ports\", \"parents\": [\"mtty\"], \"types\": [\"mtty-1\"]}", 201));
    json_decref(test_host_call(host, "POST", "/v1/pools", NET_X, 201));
    body = test_host_call(host, "GET", "/v1/pools", NULL, 200);
    test_rows(body, rows, G_N_ELEMENTS(rows));
    json_decref(body);
}

static void
test_undefine(void)
{
    g_autoptr(TestHost) host = host_new();
    json_t *claim = NULL;
    json_t *body = NULL;
    g_autofree char *path = NULL;

    json_decref(test_host_call(host, "POST", "/v1/pools", NET_X, 201));
    claim =
        test_host_call(host, "POST", "/v1/claims", "{\"pool\": \"net-x\", \"alias\": \"a\"}", 201);
    body = test_host_call(host, "DELETE", "/v1/pools/net-x", NULL, 409);
    g_assert_cmpstr(test_text(body, "reasons.0.code"), ==, "pool-in-use");
    g_assert_cmpstr(test_text(body, "reasons.0.message"), ==, "pool net-x is used by claim 1 (a)");
    path = g_strdup_printf("/v1/claims/%s", test_text(claim, "generation"));
    g_assert_null(test_host_call(host, "DELETE", path, NULL, 204));
    g_assert_null(test_host_call(host, "DELETE", "/v1/pools/net-x", NULL, 204));
    test_host_error(host, "DELETE", "/v1/pools/net-x", NULL, FERRY_ERROR_NOT_FOUND,
                    "there is no pool net-x: \"ferry pool list\" shows those there are");
    test_host_error(host, "GET", "/v1/pools/net-x", NULL, FERRY_ERROR_NOT_FOUND,
                    "there is no pool net-x: \"ferry pool list\" shows those there are");
    json_decref(claim);
    json_decref(body);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pools/define-and-show", test_define_and_show);
    g_test_add_func("/pools/define-network", test_define_network);
    g_test_add_func("/pools/define-errors", test_define_errors);
    g_test_add_func("/pools/define-refused", test_define_refused);
    g_test_add_func("/pools/list", test_list);
    g_test_add_func("/pools/undefine", test_undefine);
    return g_test_run();
}
