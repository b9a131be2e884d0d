#include "migrate/need.h"

#include <string.h>

#include "base/error.h"

/* Each way once, with all that it can carry. */
static const char good[] =
    "[{\"way\": \"state\", \"alias\": \"ua-gpu0\", \"pool\": \"gpus\", \"type\": \"nvidia-474\", "
    "\"vendor_id\": \"0x10de\", \"product_id\": \"0x20b5\", \"may_degrade\": false, "
    "\"attrs\": [{\"name\": \"b\", \"value\": \"1\"}, {\"name\": \"a\", \"value\": \"2\"}], "
    "\"facts\": {\"format\": 1, \"class\": \"mdev\"}},"
    "{\"way\": \"state\", \"alias\": \"ua-gpu1\", \"parent\": \"0000:41:00.0\", \"device\": "
    "\"0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001\", \"attrs\": [], \"may_degrade\": false, "
    "\"facts\": {}},"
    "{\"way\": \"ephemeral\", \"alias\": \"ua-nic7\", \"pool\": \"fast\", \"attrs\": [], "
    "\"may_degrade\": false},"
    "{\"way\": \"hybrid\", \"alias\": \"ua-net0\", \"pool\": \"fast\", \"vf_alias\": "
    "\"ua-net0-vf\", \"vf_address\": \"0000:07:00.0\", \"mac\": \"52:54:00:00:00:01\", "
    "\"attrs\": [], \"may_degrade\": true}]";

static void
test_round_trip(void)
{
    json_t *json = json_loads(good, 0, NULL);
    json_t *again = NULL;
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);
    g_autoptr(GError) error = NULL;
    const FerryPlanNeed *need = NULL;

    g_assert_true(ferry_needs_parse(json, needs, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(needs->len, ==, 4);
    need = g_ptr_array_index(needs, 0);
    g_assert_cmpstr(((FerryNeedAttr *)g_ptr_array_index(need->attrs, 0))->name, ==, "b");
    again = ferry_needs_format(needs);
    g_assert_true(json_equal(json, again));
    json_decref(json);
    json_decref(again);
}

/* A hybrid is found by either half. */
static void
test_of(void)
{
    json_t *json = json_loads(good, 0, NULL);
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);

    g_assert_true(ferry_needs_parse(json, needs, NULL));
    g_assert_true(ferry_needs_of(needs, "ua-net0") == g_ptr_array_index(needs, 3));
    g_assert_true(ferry_needs_of(needs, "ua-net0-vf") == g_ptr_array_index(needs, 3));
    g_assert_true(ferry_needs_of(needs, "ua-gpu1") == g_ptr_array_index(needs, 1));
    g_assert_null(ferry_needs_of(needs, "ua-gpu2"));
    json_decref(json);
}

typedef struct {
    const char *name;
    const char *json;
    const char *message;
} RefuseRow;

/* clang-format off */
static const RefuseRow refuse_rows[] = {
    { "object", "{}", "plan: \"needs\" is not an array of at most 64" },
    { "no-object", "[1]", "plan: need 0: \"way\" is not one of state, ephemeral, hybrid" },
    { "other-way", "[{\"way\": \"carry\", \"alias\": \"a\"}]", "plan: need 0: \"way\" is not one of state, ephemeral, hybrid" },
    { "no-alias", "[{\"way\": \"state\"}]", "plan: need 0: \"alias\" is not a string of 1 to 256 bytes" },
    { "empty-alias", "[{\"way\": \"state\", \"alias\": \"\"}]", "plan: need 0: \"alias\" is not a string of 1 to 256 bytes" },
    { "no-facts", "[{\"way\": \"state\", \"alias\": \"a\"}]", "plan: need 0: a device whose state is carried needs \"facts\"" },
    { "facts-text", "[{\"way\": \"state\", \"alias\": \"a\", \"facts\": \"x\"}]", "plan: need 0: \"facts\" is not an object" },
    { "pool-number", "[{\"way\": \"state\", \"alias\": \"a\", \"facts\": {}, \"pool\": 1}]", "plan: need 0: \"pool\" is not a string of at most 256 bytes" },
    { "attrs-object", "[{\"way\": \"state\", \"alias\": \"a\", \"facts\": {}, \"attrs\": {}}]", "plan: need 0: \"attrs\" is not an array of at most 64" },
    { "attr-no-value", "[{\"way\": \"state\", \"alias\": \"a\", \"facts\": {}, \"attrs\": [{\"name\": \"x\"}]}]", "plan: need 0: \"attrs\" is not an array of {name, value}" },
    { "ephemeral-no-pool", "[{\"way\": \"ephemeral\", \"alias\": \"a\"}]", "plan: need 0: an ephemeral device needs \"pool\"" },
    { "hybrid-no-vf", "[{\"way\": \"hybrid\", \"alias\": \"a\", \"pool\": \"p\"}]", "plan: need 0: a hybrid needs \"pool\" and \"vf_alias\"" },
    { "twice", "[{\"way\": \"ephemeral\", \"alias\": \"a\", \"pool\": \"p\"}, {\"way\": \"ephemeral\", \"alias\": \"a\", \"pool\": \"p\"}]", "plan: need 1: its alias is another's, too" },
};
/* clang-format on */

static void
test_refuses(gconstpointer data)
{
    const RefuseRow *row = data;
    json_t *json = json_loads(row->json, 0, NULL);
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(json);
    g_assert_false(ferry_needs_parse(json, needs, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    json_decref(json);
}

static void
test_refuses_too_many(void)
{
    json_t *json = json_array();
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);

    for (unsigned i = 0; i <= FERRY_NEEDS_MAX; i++)
        json_array_append_new(json, json_object());
    g_assert_false(ferry_needs_parse(json, needs, NULL));
    json_decref(json);
}

static void
test_way_names(void)
{
    g_assert_cmpstr(ferry_way_name(FERRY_WAY_STATE), ==, "state");
    g_assert_cmpstr(ferry_way_name(FERRY_WAY_EPHEMERAL), ==, "ephemeral");
    g_assert_cmpstr(ferry_way_name(FERRY_WAY_HYBRID), ==, "hybrid");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/need/round-trip", test_round_trip);
    g_test_add_func("/need/of", test_of);
    g_test_add_func("/need/way-names", test_way_names);
    g_test_add_func("/need/refuses-too-many", test_refuses_too_many);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/need/refuses/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refuses);
    }
    return g_test_run();
}
