#include "migrate/plan.h"

#include "base/error.h"

/* The members that are plain: one row each way.  @optional: absent or null is NULL. */
typedef struct {
    const char *key;
    size_t offset;
    bool optional;
} TextRow;

/* clang-format off */
static const TextRow texts[] = {
    { "job",          G_STRUCT_OFFSET(FerryPlan, job),          false },
    { "guest_name",   G_STRUCT_OFFSET(FerryPlan, guest_name),   false },
    { "guest_uuid",   G_STRUCT_OFFSET(FerryPlan, guest_uuid),   false },
    { "source",       G_STRUCT_OFFSET(FerryPlan, source),       false },
    { "target",       G_STRUCT_OFFSET(FerryPlan, target),       false },
    { "host_uuid",    G_STRUCT_OFFSET(FerryPlan, host_uuid),    true  },
    { "live_xml",     G_STRUCT_OFFSET(FerryPlan, live_xml),     false },
    { "inactive_xml", G_STRUCT_OFFSET(FerryPlan, inactive_xml), true  },
    { "reservation",  G_STRUCT_OFFSET(FerryPlan, reservation),  true  },
    { "request_key",  G_STRUCT_OFFSET(FerryPlan, request_key),  true  },
    { "request_digest", G_STRUCT_OFFSET(FerryPlan, request_digest), true },
};

static const TextRow flags[] = {
    { "user_paused",    G_STRUCT_OFFSET(FerryPlan, user_paused),    false },
    { "autostart",      G_STRUCT_OFFSET(FerryPlan, autostart),      false },
    { "tls",            G_STRUCT_OFFSET(FerryPlan, tls),            false },
    { "accept_unknown", G_STRUCT_OFFSET(FerryPlan, accept_unknown), true  },
    { "allow_degraded", G_STRUCT_OFFSET(FerryPlan, allow_degraded), true  },
    { "auto_converge",  G_STRUCT_OFFSET(FerryPlan, auto_converge),  true  },
};

/* All are 64 bits wide and never above INT64_MAX. */
static const TextRow numbers[] = {
    { "memory_bytes",    G_STRUCT_OFFSET(FerryPlan, memory_bytes),    false },
    { "max_downtime_ms", G_STRUCT_OFFSET(FerryPlan, max_downtime_ms), false },
    { "timeout_ms",      G_STRUCT_OFFSET(FerryPlan, timeout_ms),      false },
    { "bandwidth_bps",   G_STRUCT_OFFSET(FerryPlan, bandwidth_bps),   false },
    { "parallel",        G_STRUCT_OFFSET(FerryPlan, parallel),        true  },
};
/* clang-format on */

void
ferry_plan_device_free(FerryPlanDevice *device)
{
    if (device == NULL)
        return;
    g_free(device->alias);
    g_free(device->xml);
    g_free(device);
}

FerryPlan *
ferry_plan_new(void)
{
    FerryPlan *plan = g_new0(FerryPlan, 1);

    plan->predicted_ms = -1;
    plan->ephemerals = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_device_free);
    plan->roms = json_array();
    plan->warnings = json_array();
    plan->needs = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);
    return plan;
}

void
ferry_plan_free(FerryPlan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(G_STRUCT_MEMBER(char *, plan, texts[i].offset));
    g_ptr_array_unref(plan->ephemerals);
    g_ptr_array_unref(plan->needs);
    json_decref(plan->roms);
    json_decref(plan->warnings);
    g_free(plan);
}

json_t *
ferry_plan_format(const FerryPlan *plan)
{
    json_t *json = json_object();
    json_t *ephemerals = json_array();

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *text = G_STRUCT_MEMBER(const char *, plan, texts[i].offset);

        if (text != NULL)
            json_object_set_new(json, texts[i].key, json_string(text));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        json_object_set_new(json, flags[i].key,
                            json_boolean(G_STRUCT_MEMBER(bool, plan, flags[i].offset)));
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        json_object_set_new(json, numbers[i].key,
                            json_integer(G_STRUCT_MEMBER(int64_t, plan, numbers[i].offset)));
    for (size_t i = 0; i < plan->ephemerals->len; i++) {
        const FerryPlanDevice *device = g_ptr_array_index(plan->ephemerals, i);

        json_array_append_new(ephemerals,
                              json_pack("{s:s, s:s}", "alias", device->alias, "xml", device->xml));
    }
    if (plan->predicted_ms >= 0)
        json_object_set_new(json, "predicted_ms", json_integer(plan->predicted_ms));
    json_object_set_new(json, "ephemerals", ephemerals);
    json_object_set(json, "roms", plan->roms);
    json_object_set(json, "warnings", plan->warnings);
    json_object_set_new(json, "needs", ferry_needs_format(plan->needs));
    return json;
}

static bool
refuse(const char *key, const char *expected, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "plan: \"%s\" is not %s", key, expected);
    return false;
}

static bool
parse_plain(const json_t *json, FerryPlan *plan, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const json_t *value = json_object_get(json, texts[i].key);

        if (texts[i].optional && (value == NULL || json_is_null(value)))
            continue;
        if (!json_is_string(value))
            return refuse(texts[i].key, "a string", error);
        G_STRUCT_MEMBER(char *, plan, texts[i].offset) = g_strdup(json_string_value(value));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        const json_t *value = json_object_get(json, flags[i].key);

        if (flags[i].optional && value == NULL)
            continue;
        if (!json_is_boolean(value))
            return refuse(flags[i].key, "a boolean", error);
        G_STRUCT_MEMBER(bool, plan, flags[i].offset) = json_is_true(value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const json_t *value = json_object_get(json, numbers[i].key);

        if (value == NULL && numbers[i].optional)
            continue;
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return refuse(numbers[i].key, "a number from 0", error);
        G_STRUCT_MEMBER(int64_t, plan, numbers[i].offset) = json_integer_value(value);
    }
    return true;
}

static bool
parse_ephemerals(const json_t *json, GPtrArray *ephemerals, GError **error)
{
    const json_t *list = json_object_get(json, "ephemerals");
    const json_t *entry = NULL;
    size_t i = 0;

    if (!json_is_array(list))
        return refuse("ephemerals", "an array", error);
    json_array_foreach(list, i, entry)
    {
        const char *alias = json_string_value(json_object_get(entry, "alias"));
        const char *xml = json_string_value(json_object_get(entry, "xml"));
        FerryPlanDevice *device = NULL;

        if (alias == NULL || xml == NULL)
            return refuse("ephemerals", "an array of {alias, xml}", error);
        device = g_new0(FerryPlanDevice, 1);
        device->alias = g_strdup(alias);
        device->xml = g_strdup(xml);
        g_ptr_array_add(ephemerals, device);
    }
    return true;
}

bool
ferry_plan_parse(const json_t *json, FerryPlan **ret, GError **error)
{
    g_autoptr(FerryPlan) plan = ferry_plan_new();
    const json_t *predicted = json_object_get(json, "predicted_ms");

    if (!json_is_object(json)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "the plan is not a JSON object");
        return false;
    }
    if (!parse_plain(json, plan, error) || !parse_ephemerals(json, plan->ephemerals, error) ||
        !ferry_needs_parse(json_object_get(json, "needs"), plan->needs, error))
        return false;
    json_array_extend(plan->roms, json_object_get(json, "roms")); /* an older ferry has neither */
    json_array_extend(plan->warnings, json_object_get(json, "warnings"));
    if (json_is_integer(predicted))
        plan->predicted_ms = MAX(json_integer_value(predicted), -1);
    if (!g_uuid_string_is_valid(plan->job))
        return refuse("job", "a UUID", error);
    if (!g_uuid_string_is_valid(plan->guest_uuid)) /* it becomes a file's name: the hold marker */
        return refuse("guest_uuid", "a UUID", error);

    *ret = g_steal_pointer(&plan);
    return true;
}
