#include "migrate/need.h"

#include <string.h>

#include "base/error.h"

static const char *const way_names[] = {
    [FERRY_WAY_STATE] = "state",
    [FERRY_WAY_EPHEMERAL] = "ephemeral",
    [FERRY_WAY_HYBRID] = "hybrid",
};
G_STATIC_ASSERT(G_N_ELEMENTS(way_names) == FERRY_N_WAYS);

/* The members that are plain text: one row each way. */
/* clang-format off */
static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    { "pool",       G_STRUCT_OFFSET(FerryPlanNeed, pool)       },
    { "parent",     G_STRUCT_OFFSET(FerryPlanNeed, parent)     },
    { "type",       G_STRUCT_OFFSET(FerryPlanNeed, type)       },
    { "device",     G_STRUCT_OFFSET(FerryPlanNeed, device)     },
    { "vendor_id",  G_STRUCT_OFFSET(FerryPlanNeed, vendor_id)  },
    { "product_id", G_STRUCT_OFFSET(FerryPlanNeed, product_id) },
    { "vf_alias",   G_STRUCT_OFFSET(FerryPlanNeed, vf_alias)   },
    { "vf_address", G_STRUCT_OFFSET(FerryPlanNeed, vf_address) },
    { "mac",        G_STRUCT_OFFSET(FerryPlanNeed, mac)        },
    { "source_print", G_STRUCT_OFFSET(FerryPlanNeed, source_print) },
    { "target_print", G_STRUCT_OFFSET(FerryPlanNeed, target_print) },
    { "state_basis", G_STRUCT_OFFSET(FerryPlanNeed, state_basis) },
};
/* clang-format on */

const char *
ferry_way_name(FerryWay way)
{
    g_assert(way < FERRY_N_WAYS);
    return way_names[way];
}

static void
attr_free(gpointer data)
{
    FerryNeedAttr *attr = data;

    g_free(attr->name);
    g_free(attr->value);
    g_free(attr);
}

void
ferry_plan_need_add_attr(FerryPlanNeed *need, const char *name, const char *value)
{
    FerryNeedAttr *attr = g_new0(FerryNeedAttr, 1);

    attr->name = g_strdup(name);
    attr->value = g_strdup(value);
    g_ptr_array_add(need->attrs, attr);
}

FerryPlanNeed *
ferry_plan_need_new(FerryWay way, const char *alias)
{
    FerryPlanNeed *need = g_new0(FerryPlanNeed, 1);

    need->way = way;
    need->alias = g_strdup(alias);
    need->state_bytes = -1;
    need->attrs = g_ptr_array_new_with_free_func(attr_free);
    return need;
}

void
ferry_plan_need_free(FerryPlanNeed *need)
{
    if (need == NULL)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(G_STRUCT_MEMBER(char *, need, texts[i].offset));
    g_free(need->alias);
    g_ptr_array_unref(need->attrs);
    json_decref(need->facts);
    g_free(need);
}

const FerryPlanNeed *
ferry_needs_of(const GPtrArray *needs, const char *alias)
{
    for (guint i = 0; i < needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(needs, i);

        if (g_strcmp0(need->alias, alias) == 0 || g_strcmp0(need->vf_alias, alias) == 0)
            return need;
    }
    return NULL;
}

static json_t *
format_one(const FerryPlanNeed *need)
{
    json_t *json = json_pack("{s:s, s:s}", "way", way_names[need->way], "alias", need->alias);
    json_t *attrs = json_array();

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *text = G_STRUCT_MEMBER(const char *, need, texts[i].offset);

        if (text != NULL)
            json_object_set_new(json, texts[i].key, json_string(text));
    }
    for (guint i = 0; i < need->attrs->len; i++) {
        const FerryNeedAttr *attr = g_ptr_array_index(need->attrs, i);

        json_array_append_new(attrs,
                              json_pack("{s:s, s:s}", "name", attr->name, "value", attr->value));
    }
    json_object_set_new(json, "attrs", attrs);
    if (need->state_bytes >= 0)
        json_object_set_new(json, "state_bytes", json_integer(need->state_bytes));
    json_object_set_new(json, "may_degrade", json_boolean(need->may_degrade));
    if (need->facts != NULL)
        json_object_set(json, "facts", need->facts);
    return json;
}

json_t *
ferry_needs_format(const GPtrArray *needs)
{
    json_t *json = json_array();

    for (guint i = 0; i < needs->len; i++)
        json_array_append_new(json, format_one(g_ptr_array_index(needs, i)));
    return json;
}

static bool
refuse(size_t index, const char *what, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "plan: need %zu: %s", index, what);
    return false;
}

static bool
parse_texts(const json_t *json, size_t index, FerryPlanNeed *need, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const json_t *value = json_object_get(json, texts[i].key);
        g_autofree char *what = NULL;

        if (value == NULL)
            continue;
        if (!json_is_string(value) || json_string_length(value) > 256) {
            what = g_strdup_printf("\"%s\" is not a string of at most 256 bytes", texts[i].key);
            return refuse(index, what, error);
        }
        G_STRUCT_MEMBER(char *, need, texts[i].offset) = g_strdup(json_string_value(value));
    }
    return true;
}

static bool
parse_attrs(const json_t *json, size_t index, FerryPlanNeed *need, GError **error)
{
    const json_t *attrs = json_object_get(json, "attrs");
    const json_t *entry = NULL;
    size_t i = 0;

    if (attrs != NULL && (!json_is_array(attrs) || json_array_size(attrs) > FERRY_NEED_ATTRS_MAX))
        return refuse(index, "\"attrs\" is not an array of at most 64", error);
    json_array_foreach(attrs, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        const char *value = json_string_value(json_object_get(entry, "value"));

        if (name == NULL || value == NULL)
            return refuse(index, "\"attrs\" is not an array of {name, value}", error);
        ferry_plan_need_add_attr(need, name, value);
    }
    return true;
}

static bool
parse_one(const json_t *json, size_t index, GPtrArray *ret, GError **error)
{
    const char *way = json_string_value(json_object_get(json, "way"));
    const char *alias = json_string_value(json_object_get(json, "alias"));
    json_t *facts = json_object_get(json, "facts");
    const json_t *bytes = json_object_get(json, "state_bytes");
    g_autoptr(FerryPlanNeed) need = NULL;
    unsigned i = 0;

    while (i < FERRY_N_WAYS && g_strcmp0(way, way_names[i]) != 0)
        i++;
    if (i == FERRY_N_WAYS)
        return refuse(index, "\"way\" is not one of state, ephemeral, hybrid", error);
    if (alias == NULL || alias[0] == '\0' || strlen(alias) > 256)
        return refuse(index, "\"alias\" is not a string of 1 to 256 bytes", error);
    if (ferry_needs_of(ret, alias) != NULL)
        return refuse(index, "its alias is another's, too", error);
    need = ferry_plan_need_new((FerryWay)i, alias);
    if (json_is_integer(bytes))
        need->state_bytes = MAX(json_integer_value(bytes), -1);
    need->may_degrade = json_is_true(json_object_get(json, "may_degrade"));
    if (!parse_texts(json, index, need, error) || !parse_attrs(json, index, need, error))
        return false;
    if (facts != NULL && !json_is_object(facts))
        return refuse(index, "\"facts\" is not an object", error);
    if (need->way == FERRY_WAY_STATE && facts == NULL)
        return refuse(index, "a device whose state is carried needs \"facts\"", error);
    if (need->way == FERRY_WAY_HYBRID && (need->pool == NULL || need->vf_alias == NULL))
        return refuse(index, "a hybrid needs \"pool\" and \"vf_alias\"", error);
    if (need->way == FERRY_WAY_EPHEMERAL && need->pool == NULL)
        return refuse(index, "an ephemeral device needs \"pool\"", error);
    need->facts = json_incref(facts);
    g_ptr_array_add(ret, g_steal_pointer(&need));
    return true;
}

bool
ferry_needs_parse(const json_t *json, GPtrArray *ret, GError **error)
{
    if (json != NULL && (!json_is_array(json) || json_array_size(json) > FERRY_NEEDS_MAX)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "plan: \"needs\" is not an array of at most %d", FERRY_NEEDS_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(json); i++)
        if (!parse_one(json_array_get(json, i), i, ret, error))
            return false;
    return true;
}
