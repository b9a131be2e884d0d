#include "pool/pool.h"

#include <string.h>

#include "base/error.h"

static void
test_policies_are_inverses(void)
{
    FerryPolicy policy = FERRY_POLICY_SPREAD;

    for (FerryPolicy one = FERRY_POLICY_FIRST; one < FERRY_N_POLICIES; one++) {
        g_assert_true(ferry_policy_parse(ferry_policy_name(one), &policy));
        g_assert_cmpint(policy, ==, one);
    }
    g_assert_false(ferry_policy_parse("pool", &policy));
    g_assert_false(ferry_policy_parse("Pack", &policy));
    g_assert_cmpint(policy, ==, FERRY_POLICY_SPREAD);
}

/* ---- every network there is an example of ---- */

static FerryNetwork *
read_network(const char *name)
{
    g_autofree char *file = g_strconcat(FERRY_XML_EXAMPLES "/", name, ".xml", NULL);
    g_autofree char *xml = NULL;
    FerryNetwork *network = NULL;
    g_autoptr(GError) error = NULL;

    g_file_get_contents(file, &xml, NULL, &error);
    g_assert_no_error(error);
    ferry_network_parse(xml, &network, &error);
    g_assert_no_error(error);
    return network;
}

static void
test_networks_become_pools(void)
{
    static const struct {
        const char *file, *json;
    } rows[] = {
        { "network-hostdev-one-pf", "{\"name\":\"net-one\",\"kind\":\"vf\",\"policy\":\"first\","
                                    "\"pfs\":[\"eth3\"],\"port_profile\":\"ex-profile-7\"}" },
        { "network-hostdev-ephemeral-two-pfs", "{\"name\":\"net-x-vfs\",\"kind\":\"vf\",\"policy\":"
                                               "\"first\",\"pfs\":[\"eth3\",\"eth4\"],"
                                               "\"vlan\":42,\"ephemeral\":true}" },
        { "network-hostdev-addresses-two-pfs",
          "{\"name\":\"net-x-list\",\"kind\":\"vf\",\"policy\":\"first\",\"addresses\":["
          "\"0000:03:10.0\",\"0000:03:10.1\",\"0000:03:10.2\",\"0000:03:10.3\"]}" },
        { "network-hybrid-two-pfs", "{\"name\":\"net-x\",\"kind\":\"vf\",\"policy\":\"first\","
                                    "\"pfs\":[\"eth3\",\"eth4\"],\"hybrid\":true}" },
        { "network-hybrid-vlan-two-pfs",
          "{\"name\":\"net-x-42\",\"kind\":\"vf\",\"policy\":\"first\",\"pfs\":[\"eth3\",\"eth4\"],"
          "\"vlan\":42,\"hybrid\":true}" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FerryNetwork) network = read_network(rows[i].file);
        g_autoptr(FerryPool) pool = NULL;
        g_autoptr(FerryPool) copy = NULL;
        json_t *json = NULL;
        char *text = NULL;
        g_autoptr(GError) error = NULL;

        ferry_pool_from_network(network, &pool, &error);
        g_assert_no_error(error);
        copy = ferry_pool_copy(pool);
        json = ferry_pool_to_json(copy);
        text = json_dumps(json, JSON_COMPACT);
        g_assert_cmpstr(text, ==, rows[i].json);
        free(text);
        json_decref(json);
    }
}

/* A network that runs in libvirt shows the VFs of its PF as well: the PF counts. */
static void
test_live_network(void)
{
    g_autoptr(FerryNetwork) network = read_network("network-hostdev-live");
    g_autoptr(FerryPool) pool = NULL;

    g_assert_true(ferry_pool_from_network(network, &pool, NULL));
    g_assert_cmpuint(pool->pfs->len, ==, 1);
    g_assert_cmpuint(pool->addresses->len, ==, 0);
}

static void
test_networks_without_vfs(void)
{
    static const char *const files[] = { "network-hybrid-companion",
                                         "network-hybrid-vlan-companion" };

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(FerryNetwork) network = read_network(files[i]);
        FerryPool *pool = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(ferry_pool_from_network(network, &pool, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, "the network has no VFs: its forward mode is "
                                                "neither hostdev nor hostdev-hybrid"));
        g_assert_null(pool);
    }
}

/* Those to refuse never become a network; the message has line and element. */
static void
test_refused_networks(void)
{
    static const struct {
        const char *file, *message;
    } rows[] = {
        { "network-duplicate-pf", "line 6, <pf>: eth3 stands here twice: take one out" },
        { "network-duplicate-address",
          "line 6, <address>: 0000:03:10.2 stands here twice: take one out" },
        { "network-hybrid-qbh", "<virtualport>: a hybrid takes no port profile" },
        { "network-octal", "<address>" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file =
            g_strconcat(FERRY_XML_EXAMPLES "/refused/", rows[i].file, ".xml", NULL);
        g_autofree char *xml = NULL;
        FerryNetwork *network = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(g_file_get_contents(file, &xml, NULL, NULL));
        g_assert_false(ferry_network_parse(xml, &network, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, rows[i].message));
        g_assert_true(g_str_has_prefix(error->message, "line "));
    }
}

/* ---- what makes no sense, whatever the host has ---- */

static void
test_check(void)
{
    static const struct {
        const char *json, *message;
    } rows[] = {
        { "{\"name\":\"a/b\",\"pfs\":[\"eth3\"]}",
          "pool a/b: a name has no \"/\" and no control characters" },
        { "{\"name\":\"-x\",\"pfs\":[\"eth3\"]}",
          "pool -x: a name has 1 to 64 bytes, and does not begin with \"-\" or \".\"" },
        { "{\"name\":\"x\",\"pfs\":[\"eth3\",\"eth3\"]}",
          "pool x: \"eth3\" stands twice in \"pfs\": take one out" },
        { "{\"name\":\"x\",\"pfs\":[\"../eth3\"]}",
          "pool x: \"../eth3\" in \"pfs\" is no name of a device or type" },
        { "{\"name\":\"x\",\"parents\":[\"mtty\"],\"types\":[\"a/b\"]}",
          "pool x: \"a/b\" in \"types\" is no name of a device or type" },
        { "{\"name\":\"x\"}", "pool x: no members: name PFs, or parents and types" },
        { "{\"name\":\"x\",\"pfs\":[\"eth3\"],\"addresses\":[\"0000:03:10.0\"]}",
          "pool x: name PFs or the addresses of VFs, not both" },
        { "{\"name\":\"x\",\"addresses\":[\"0000:03:10.0\"],\"hybrid\":true}",
          "pool x: a hybrid's virtio half needs its VF's PF: name PFs, not addresses" },
        { "{\"name\":\"x\",\"pfs\":[\"eth3\"],\"vlan\":7,\"port_profile\":\"p\"}",
          "pool x: a port profile goes neither with a hybrid nor with a VLAN" },
        { "{\"name\":\"x\",\"pfs\":[\"eth3\"],\"types\":[\"t\"]}",
          "pool x: it has VFs or mediated devices, not both" },
        { "{\"name\":\"x\",\"pfs\":[\"eth3\"],\"parents\":[\"mtty\"],\"types\":[\"t\"]}",
          "pool x: it has VFs or mediated devices, not both" },
        { "{\"name\":\"x\",\"parents\":[\"mtty\"]}",
          "pool x: mediated devices need at least one parent and one type" },
        { "{\"name\":\"x\",\"parents\":[\"mtty\"],\"types\":[\"t\"],\"vlan\":7}",
          "pool x: \"hybrid\", \"vlan\", \"driver_model\" and \"port_profile\" are for VFs" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        FerryPool *pool = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_nonnull(json);
        g_assert_false(ferry_pool_from_json(json, &pool, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_cmpstr(error->message, ==, rows[i].message);
        g_assert_null(pool);
        json_decref(json);
    }
}

/* The limits themselves are fine, one more is not. */
static void
test_limits(void)
{
    g_autofree char *longest = g_strnfill(FERRY_POOL_MAX_NAME, 'n');
    g_autoptr(FerryPool) pool = ferry_pool_new(longest, FERRY_POOL_VF);
    g_autofree char *too_long = g_strconcat(longest, "n", NULL);
    g_autoptr(FerryPool) other = ferry_pool_new(too_long, FERRY_POOL_VF);
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < FERRY_POOL_MAX_MEMBERS; i++)
        g_ptr_array_add(pool->pfs, g_strdup_printf("eth%u", i));
    pool->vlan = 4094;
    g_assert_true(ferry_pool_check(pool, NULL));
    pool->vlan = 4095;
    g_assert_false(ferry_pool_check(pool, NULL));
    pool->vlan = 0;
    g_ptr_array_add(pool->pfs, g_strdup("more"));
    g_assert_false(ferry_pool_check(pool, &error));
    g_assert_nonnull(strstr(error->message, "more than 4096 in \"pfs\""));
    g_ptr_array_add(other->pfs, g_strdup("eth3"));
    g_assert_false(ferry_pool_check(other, NULL));
    ferry_pool_free(NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/policies-are-inverses", test_policies_are_inverses);
    g_test_add_func("/pool/networks-become-pools", test_networks_become_pools);
    g_test_add_func("/pool/live-network", test_live_network);
    g_test_add_func("/pool/networks-without-vfs", test_networks_without_vfs);
    g_test_add_func("/pool/refused-networks", test_refused_networks);
    g_test_add_func("/pool/check", test_check);
    g_test_add_func("/pool/limits", test_limits);
    return g_test_run();
}
