#include <string.h>

#include "base/error.h"
#include "pool/pool.h"
#include "world.h"

static void
test_definitions_are_inverses(void)
{
    static const char *const rows[] = {
        "{\"name\":\"a\",\"kind\":\"vf\",\"policy\":\"pack\",\"pfs\":[\"eth3\",\"0000:03:00.1\"],"
        "\"vlan\":4094,\"hybrid\":true}",
        "{\"name\":\"b\",\"kind\":\"vf\",\"policy\":\"first\",\"addresses\":[\"0000:03:10.0\"],"
        "\"ephemeral\":true,\"driver_model\":\"mlx5_vfio_pci\"}",
        "{\"name\":\"c\",\"kind\":\"mdev\",\"policy\":\"spread\",\"parents\":[\"mtty\",\"matrix\"],"
        "\"types\":[\"t-1\",\"t-2\"]}",
        "{\"name\":\"d\",\"kind\":\"vf\",\"policy\":\"first\",\"pfs\":[\"eth3\"],"
        "\"port_profile\":\"p\"}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = json_loads(rows[i], 0, NULL);
        g_autoptr(FerryPool) pool = NULL;
        json_t *again = NULL;
        char *text = NULL;
        g_autoptr(GError) error = NULL;

        ferry_pool_from_json(json, &pool, &error);
        g_assert_no_error(error);
        again = ferry_pool_to_json(pool);
        text = json_dumps(again, JSON_COMPACT);
        g_assert_cmpstr(text, ==, rows[i]);
        free(text);
        json_decref(again);
        json_decref(json);
    }
}

static void
test_refused_definitions(void)
{
    static const struct {
        const char *json, *message;
    } rows[] = {
        { "[]", "field \"(all of it)\" is not an object" },
        { "{}", "field \"name\" is missing" },
        { "{\"name\":7}", "field \"name\" is not a text, or is empty" },
        { "{\"name\":\"\"}", "field \"name\" is not a text, or is empty" },
        { "{\"name\":\"a\",\"pfs\":\"eth3\"}", "field \"pfs\" is not an array, or too long" },
        { "{\"name\":\"a\",\"pfs\":[7]}", "field \"pfs\" is not a text, or is empty" },
        { "{\"name\":\"a\",\"kind\":\"gpu\"}", "field \"kind\" is neither \"vf\" nor \"mdev\"" },
        { "{\"name\":\"a\",\"policy\":\"pool\"}",
          "field \"policy\" is none of \"first\", \"pack\" and \"spread\"" },
        { "{\"name\":\"a\",\"policy\":[]}",
          "field \"policy\" is none of \"first\", \"pack\" and \"spread\"" },
        { "{\"name\":\"a\",\"vlan\":0}", "field \"vlan\" is not a VLAN from 1 to 4094" },
        { "{\"name\":\"a\",\"vlan\":4095}", "field \"vlan\" is not a VLAN from 1 to 4094" },
        { "{\"name\":\"a\",\"vlan\":\"7\"}", "field \"vlan\" is not a VLAN from 1 to 4094" },
        { "{\"name\":\"a\",\"hybrid\":1}", "field \"hybrid\" is neither true nor false" },
        { "{\"name\":\"a\",\"driver_model\":[]}",
          "field \"driver_model\" is not a text, or is empty" },
        { "{\"name\":\"a\",\"size\":1}", "field \"size\" is unknown here" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        FerryPool *pool = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(ferry_pool_from_json(json, &pool, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_cmpstr(error->message, ==, rows[i].message);
        g_assert_null(pool);
        json_decref(json);
    }
}

/* "null" is as if it were not there. */
static void
test_null_is_absent(void)
{
    json_t *json = json_loads("{\"name\":\"a\",\"pfs\":[\"eth3\"],\"vlan\":null}", 0, NULL);
    g_autoptr(FerryPool) pool = NULL;

    g_assert_true(ferry_pool_from_json(json, &pool, NULL));
    g_assert_cmpuint(pool->vlan, ==, 0);
    json_decref(json);
}

static json_t *
view_of(World *world, const char *pool)
{
    g_autoptr(FerryPoolView) view = NULL;

    g_assert_true(ferry_pools_view(world->pools, pool, &view, NULL));
    return ferry_pool_view_to_json(view);
}

static void
test_vf_view(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;
    json_t *json = NULL;
    const char *name = NULL;
    const char *degraded = NULL;
    const char *guest = NULL;
    const char *state = NULL;
    int used = 0;
    int total = 0;
    int left = 0;

    world_define(world, "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"0000:03:00.1\"]}");
    world_set_link(world, "0000:03:00.1", "eth4", "down");
    claim = world_claim(world, &need);
    json = view_of(world, "net-x");
    g_assert_cmpint(json_unpack(json, "{s:i, s:i, s:i, s:s}", "used", &used, "total", &total,
                                "free", &left, "degraded", &degraded),
                    ==, 0);
    g_assert_cmpint(used * 10000 + total * 100 + left, ==, 11413);
    g_assert_cmpstr(degraded, ==, "degraded: 7 of 14 on a PF without link");
    g_assert_cmpint(json_unpack(json_array_get(json_object_get(json, "members"), 0),
                                "{s:s, s:[{s:s, s:{s:{s:s}}}]}", "netdev", &name, "slots", "state",
                                &state, "claim", "guest", "name", &guest),
                    ==, 0);
    g_assert_cmpstr(name, ==, "eth3");
    g_assert_cmpstr(state, ==, "claimed");
    g_assert_cmpstr(guest, ==, "web");
    json_decref(json);
}

/* Types are alternatives: there is neither a total nor a sum. */
static void
test_mdev_view(void)
{
    g_autoptr(World) world = world_new();
    json_t *json = NULL;
    const json_t *member = NULL;
    char *types = NULL;

    tree_parent(world->tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    world_define(world, "{\"name\": \"ports\", \"parents\": [\"mtty\"], \"types\": [\"mtty-1\"]}");
    json = view_of(world, "ports");
    member = json_array_get(json_object_get(json, "members"), 0);
    g_assert_null(json_object_get(json, "total"));
    g_assert_null(json_object_get(json, "free"));
    g_assert_null(json_object_get(member, "total"));
    g_assert_cmpstr(json_string_value(json_object_get(member, "capacity")), ==, "one_of");
    types = json_dumps(json_object_get(member, "types"), JSON_COMPACT);
    g_assert_cmpstr(types, ==,
                    "[{\"type\":\"mtty-1\",\"available\":24},{\"type\":\"mtty-2\",\"available\":"
                    "12}]");
    free(types);
    json_decref(json);
}

static void
test_claim(void)
{
    FerryClaimRow row = { 7,
                          (char *)"",
                          (char *)"mtty/mtty-1",
                          (char *)"4b20d080-1b54-4048-85b3-a6a62d165c01",
                          (char *)"",
                          (char *)"",
                          (char *)"by-hand",
                          (char *)"J1",
                          FERRY_CLAIM_RELEASING,
                          (char *)"{\"trust\":1}",
                          (char *)"[]",
                          (char *)"boot",
                          1234567890123456 };
    json_t *json = ferry_claim_to_json(&row);
    char *text = json_dumps(json, JSON_COMPACT);

    g_assert_cmpstr(text, ==,
                    "{\"generation\":7,\"slot\":\"mtty/mtty-1\",\"alias\":\"by-hand\",\"state\":"
                    "\"releasing\",\"device\":\"4b20d080-1b54-4048-85b3-a6a62d165c01\",\"job\":"
                    "\"J1\",\"saved_settings\":{\"trust\":1},\"since\":"
                    "\"2009-02-13T23:31:30.123Z\"}");
    free(text);
    json_decref(json);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/definitions-are-inverses", test_definitions_are_inverses);
    g_test_add_func("/json/refused-definitions", test_refused_definitions);
    g_test_add_func("/json/null-is-absent", test_null_is_absent);
    g_test_add_func("/json/vf-view", test_vf_view);
    g_test_add_func("/json/mdev-view", test_mdev_view);
    g_test_add_func("/json/claim", test_claim);
    return g_test_run();
}
