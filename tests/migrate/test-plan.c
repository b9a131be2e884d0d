#include "migrate/plan.h"

#include "base/error.h"

#define JOB   "11111111-1111-4111-8111-111111111111"
#define GUEST "22222222-2222-4222-8222-222222222222"

static const char good[] =
    "{\"job\": \"" JOB "\", \"guest_name\": \"web\", \"guest_uuid\": \"" GUEST
    "\", \"source\": \"alpha\", \"target\": \"beta\", \"live_xml\": \"<domain/>\", "
    "\"inactive_xml\": \"<domain/>\", \"user_paused\": false, \"autostart\": true, "
    "\"tls\": true, \"memory_bytes\": 1048576, \"max_downtime_ms\": 300, "
    "\"timeout_ms\": 0, \"bandwidth_bps\": 9223372036854775807, \"parallel\": 4, "
    "\"ephemerals\": [{\"alias\": \"ua-nic7\", \"xml\": \"<interface/>\"}], "
    "\"accept_unknown\": true, \"allow_degraded\": true, \"roms\": [{\"alias\": \"ua-net0\"}], "
    "\"warnings\": [{\"code\": "
    "\"network-gap\"}], \"auto_converge\": true, \"predicted_ms\": 250, \"needs\": "
    "[{\"way\": \"ephemeral\", \"alias\": \"ua-nic7\", "
    "\"pool\": \"fast\", \"attrs\": [], \"may_degrade\": false, "
    "\"source_print\": \"s\", \"target_print\": \"t\", \"state_basis\": \"probed\", "
    "\"state_bytes\": 60}], \"of_a_newer_ferry\": 1}";

static json_t *
read_json(const char *text)
{
    json_error_t where;
    json_t *json = json_loads(text, 0, &where);

    g_assert_nonnull(json);
    return json;
}

/* What is written is read back, all of it; what a newer peer adds is passed over. */
static void
test_round_trip(void)
{
    json_t *json = read_json(good);
    json_t *again = NULL;
    g_autoptr(FerryPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    const FerryPlanDevice *device = NULL;

    g_assert_true(ferry_plan_parse(json, &plan, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(plan->guest_name, ==, "web");
    g_assert_true(plan->autostart);
    g_assert_false(plan->user_paused);
    g_assert_cmpuint(plan->bandwidth_bps, ==, INT64_MAX);
    g_assert_cmpuint(plan->parallel, ==, 4);
    g_assert_cmpuint(plan->ephemerals->len, ==, 1);
    device = g_ptr_array_index(plan->ephemerals, 0);
    g_assert_cmpstr(device->alias, ==, "ua-nic7");
    g_assert_nonnull(ferry_needs_of(plan->needs, "ua-nic7"));
    g_assert_true(plan->accept_unknown);
    g_assert_true(plan->allow_degraded);
    again = ferry_plan_format(plan);
    g_assert_cmpint(json_object_del(json, "of_a_newer_ferry"), ==, 0);
    g_assert_true(json_equal(json, again));
    json_decref(json);
    json_decref(again);
}

/* A plan of before: a ferry that knew no needs. */
static void
test_without_needs(void)
{
    json_t *json = read_json(good);
    g_autoptr(FerryPlan) plan = NULL;

    json_object_del(json, "needs");
    json_object_del(json, "accept_unknown");
    json_object_del(json, "allow_degraded");
    json_object_del(json, "warnings");
    json_object_del(json, "roms");
    g_assert_true(ferry_plan_parse(json, &plan, NULL));
    g_assert_cmpuint(plan->needs->len, ==, 0);
    g_assert_false(plan->accept_unknown);
    g_assert_false(plan->allow_degraded);
    g_assert_cmpuint(json_array_size(plan->warnings), ==, 0);
    json_decref(json);
}

static void
test_transient_guest(void)
{
    json_t *json = read_json(good);
    g_autoptr(FerryPlan) plan = NULL;
    json_t *again = NULL;

    json_object_set_new(json, "inactive_xml", json_null());
    g_assert_true(ferry_plan_parse(json, &plan, NULL));
    g_assert_null(plan->inactive_xml);
    again = ferry_plan_format(plan);
    g_assert_null(json_object_get(again, "inactive_xml"));
    json_decref(json);
    json_decref(again);
}

typedef struct {
    const char *name;
    const char *key;
    const char *value; /* JSON; NULL removes the member */
    const char *message;
} RefuseRow;

static const RefuseRow refuse_rows[] = {
    { "no-job", "job", NULL, "plan: \"job\" is not a string" },
    { "job-no-uuid", "job", "\"7\"", "plan: \"job\" is not a UUID" },
    { "guest-path", "guest_uuid", "\"../../etc/passwd\"", "plan: \"guest_uuid\" is not a UUID" },
    { "name-number", "guest_name", "5", "plan: \"guest_name\" is not a string" },
    { "xml-null", "live_xml", "null", "plan: \"live_xml\" is not a string" },
    { "inactive-number", "inactive_xml", "1", "plan: \"inactive_xml\" is not a string" },
    { "flag-text", "tls", "\"yes\"", "plan: \"tls\" is not a boolean" },
    { "flag-missing", "user_paused", NULL, "plan: \"user_paused\" is not a boolean" },
    { "number-negative", "memory_bytes", "-1", "plan: \"memory_bytes\" is not a number from 0" },
    { "number-real", "timeout_ms", "1.5", "plan: \"timeout_ms\" is not a number from 0" },
    { "ephemerals-object", "ephemerals", "{}", "plan: \"ephemerals\" is not an array" },
    { "ephemeral-no-xml", "ephemerals", "[{\"alias\": \"a\"}]",
      "plan: \"ephemerals\" is not an array of {alias, xml}" },
    { "need-no-way", "needs", "[{}]",
      "plan: need 0: \"way\" is not one of state, ephemeral, hybrid" },
};

static void
test_refuses(gconstpointer data)
{
    const RefuseRow *row = data;
    json_t *json = read_json(good);
    FerryPlan *plan = NULL;
    g_autoptr(GError) error = NULL;

    if (row->value == NULL)
        json_object_del(json, row->key);
    else
        json_object_set_new(json, row->key, json_loads(row->value, JSON_DECODE_ANY, NULL));
    g_assert_false(ferry_plan_parse(json, &plan, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(plan);
    json_decref(json);
}

static void
test_refuses_what_is_no_object(void)
{
    json_t *json = json_array();
    FerryPlan *plan = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_plan_parse(json, &plan, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    json_decref(json);
    g_clear_error(&error);
    g_assert_false(ferry_plan_parse(NULL, &plan, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/round-trip", test_round_trip);
    g_test_add_func("/plan/without-needs", test_without_needs);
    g_test_add_func("/plan/transient-guest", test_transient_guest);
    g_test_add_func("/plan/refuses-what-is-no-object", test_refuses_what_is_no_object);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/plan/refuses/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refuses);
    }
    return g_test_run();
}
