/*
 * How the text or JSON of a value is read.  Every fact has a rule of its own; so have the built-in
 * attributes aggregator and pv_mode; all other attributes take their kind from their JSON type.
 */
#include "compat/value.h"

#include <string.h>

typedef FerryValueStatus (*TextRule)(const char *text, FerryValue *ret);

#define HEX_DIGITS "0123456789abcdefABCDEF"

/* 1 to @max bytes of printable ASCII without a blank at either end. */
static FerryValueStatus
check_string(const char *text, size_t max)
{
    size_t size = strlen(text);

    if (size > max)
        return FERRY_VALUE_TOO_LONG;
    if (size == 0 || text[0] == ' ' || text[size - 1] == ' ')
        return FERRY_VALUE_BAD;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isprint(text[i]))
            return FERRY_VALUE_BAD;
    }
    return FERRY_VALUE_OK;
}

static FerryValueStatus
parse_string(const char *text, FerryValue *ret)
{
    FerryValueStatus status = check_string(text, FERRY_STRING_MAX);

    if (status == FERRY_VALUE_OK)
        *ret = ferry_value_of_string(text);
    return status;
}

static FerryValueStatus
parse_device_api(const char *text, FerryValue *ret)
{
    const char *api = text + strlen("vfio-");
    size_t size = 0;

    if (!g_str_has_prefix(text, "vfio-") || strcmp(api, "mdev") == 0)
        return FERRY_VALUE_BAD;
    size = strlen(api);
    if (size == 0 || size > 16 || strspn(api, "abcdefghijklmnopqrstuvwxyz0123456789") != size)
        return FERRY_VALUE_BAD;
    *ret = ferry_value_of_string(text);
    return FERRY_VALUE_OK;
}

static FerryValueStatus
parse_class(const char *text, FerryValue *ret)
{
    static const char *const classes[] = { "mdev", "pci", "other", NULL };

    if (!g_strv_contains(classes, text))
        return FERRY_VALUE_BAD;
    *ret = ferry_value_of_string(text);
    return FERRY_VALUE_OK;
}

static FerryValueStatus
parse_mdev_type(const char *text, FerryValue *ret)
{
    size_t size = strlen(text);

    if (size > FERRY_MDEV_TYPE_MAX)
        return FERRY_VALUE_TOO_LONG;
    if (size == 0 || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return FERRY_VALUE_BAD;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isalnum(text[i]) && strchr("._+-", text[i]) == NULL)
            return FERRY_VALUE_BAD;
    }
    *ret = ferry_value_of_string(text);
    return FERRY_VALUE_OK;
}

/* "15B3:101E" and "15b3101e" are one id. */
static FerryValueStatus
parse_device_id(const char *text, FerryValue *ret)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    g_autofree char *digits = g_strjoinv("", parts);
    size_t size = strlen(digits);

    if (size != 8 || strspn(digits, HEX_DIGITS) != size)
        return FERRY_VALUE_BAD;
    if (parts[1] != NULL && strlen(parts[0]) != 4)
        return FERRY_VALUE_BAD;
    *ret = (FerryValue){ .kind = FERRY_KIND_STRING, .string = g_ascii_strdown(digits, -1) };
    return FERRY_VALUE_OK;
}

static FerryValueStatus
parse_version(const char *text, FerryValue *ret)
{
    FerryVersion version;

    if (!ferry_version_parse(text, &version, NULL))
        return FERRY_VALUE_BAD;
    *ret = ferry_value_of_version(version);
    return FERRY_VALUE_OK;
}

/* A positive quantity: the share or multiple of a type's hardware. */
static FerryValueStatus
parse_aggregator(const char *text, FerryValue *ret)
{
    FerryFraction quantity;

    if (!ferry_fraction_has_form(text))
        return FERRY_VALUE_BAD;
    if (!ferry_fraction_parse(text, &quantity))
        return FERRY_VALUE_OUT_OF_RANGE;
    if (quantity.num <= 0)
        return FERRY_VALUE_BAD;
    *ret = ferry_value_of_quantity(quantity);
    return FERRY_VALUE_OK;
}

static FerryValueStatus
parse_pv_mode(const char *text, FerryValue *ret)
{
    FerryValueStatus status = check_string(text, FERRY_STRING_MAX);
    g_auto(GStrv) elements = NULL;

    if (status != FERRY_VALUE_OK)
        return status;
    elements = g_strsplit(text, FERRY_SET_SEPARATOR, -1);
    return ferry_value_make_set((const char *const *)elements, g_strv_length(elements), ret);
}

/* clang-format off */
static const struct {
    const char *key;
    TextRule parse;
} text_rules[] = {
    { "device_api",     parse_device_api },
    { "class",          parse_class },
    { "mdev_type",      parse_mdev_type },
    { "device_id",      parse_device_id },
    { "signature",      parse_string },
    { "driver",         parse_string },
    { "version",        parse_version },
    { "driver_version", parse_string },
    { "kernel",         parse_string },
    { "firmware",       parse_string },
    { "parent_id",      parse_string },
    { "aggregator",     parse_aggregator },
    { "pv_mode",        parse_pv_mode },
};
/* clang-format on */

static TextRule
own_rule(const char *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(text_rules); i++) {
        if (strcmp(key, text_rules[i].key) == 0)
            return text_rules[i].parse;
    }
    return NULL;
}

bool
ferry_key_has_own_rule(const char *key)
{
    return own_rule(key) != NULL;
}

FerryValueStatus
ferry_value_parse(const char *key, const char *text, FerryValue *ret)
{
    TextRule rule = own_rule(key);

    if (strlen(text) > FERRY_STRING_MAX)
        return FERRY_VALUE_TOO_LONG;
    return rule != NULL ? rule(text, ret) : parse_string(text, ret);
}

static int
compare_elements(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

FerryValueStatus
ferry_value_make_set(const char *const *elements, size_t n, FerryValue *ret)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    g_autoptr(GPtrArray) set = NULL;

    if (n > FERRY_SET_MAX)
        return FERRY_VALUE_BAD;
    for (size_t i = 0; i < n; i++) {
        if (check_string(elements[i], FERRY_ELEMENT_MAX) != FERRY_VALUE_OK ||
            strstr(elements[i], FERRY_SET_SEPARATOR) != NULL)
            return FERRY_VALUE_BAD;
        g_ptr_array_add(sorted, (gpointer)elements[i]);
    }
    g_ptr_array_sort(sorted, compare_elements);

    set = g_ptr_array_new_full((guint)n + 1, g_free);
    for (guint i = 0; i < sorted->len; i++) {
        if (i == 0 || strcmp(sorted->pdata[i], sorted->pdata[i - 1]) != 0)
            g_ptr_array_add(set, g_strdup(sorted->pdata[i]));
    }
    g_ptr_array_add(set, NULL);
    *ret = (FerryValue){ .kind = FERRY_KIND_SET,
                         .set = (char **)g_ptr_array_free(g_steal_pointer(&set), FALSE) };
    return FERRY_VALUE_OK;
}

static FerryValueStatus
set_from_json(const json_t *json, FerryValue *ret)
{
    g_autofree const char **elements = g_new0(const char *, json_array_size(json) + 1);
    size_t n = json_array_size(json);

    for (size_t i = 0; i < n; i++) {
        const json_t *element = json_array_get(json, i);
        if (!json_is_string(element))
            return FERRY_VALUE_BAD;
        elements[i] = json_string_value(element);
    }
    return ferry_value_make_set(elements, n, ret);
}

/* An integer, or {"frac":[p,q]} with q above 0. */
static FerryValueStatus
quantity_from_json(const json_t *json, FerryValue *ret)
{
    const json_t *pair = json_object_get(json, "frac");
    json_int_t p = json_integer_value(json);
    json_int_t q = 1;
    FerryFraction quantity;

    if (!json_is_integer(json)) {
        if (json_object_size(json) != 1 || json_array_size(pair) != 2 ||
            !json_is_integer(json_array_get(pair, 0)) || !json_is_integer(json_array_get(pair, 1)))
            return FERRY_VALUE_BAD;
        p = json_integer_value(json_array_get(pair, 0));
        q = json_integer_value(json_array_get(pair, 1));
        if (q <= 0)
            return FERRY_VALUE_BAD;
    }
    if (!ferry_fraction_make(p, q, &quantity))
        return FERRY_VALUE_OUT_OF_RANGE;
    *ret = ferry_value_of_quantity(quantity);
    return FERRY_VALUE_OK;
}

static FerryValueStatus
aggregator_from_json(const json_t *json, FerryValue *ret)
{
    FerryValue value = { .kind = FERRY_KIND_NONE };
    FerryValueStatus status = FERRY_VALUE_OK;

    if (json_is_string(json))
        return parse_aggregator(json_string_value(json), ret);
    status = quantity_from_json(json, &value);
    if (status == FERRY_VALUE_OK && value.quantity.num <= 0)
        return FERRY_VALUE_BAD;
    if (status == FERRY_VALUE_OK)
        *ret = value;
    return status;
}

static FerryValueStatus
attribute_from_json(const json_t *json, FerryValue *ret)
{
    switch (json_typeof(json)) {
    case JSON_INTEGER:
    case JSON_OBJECT:
        return quantity_from_json(json, ret);
    case JSON_ARRAY:
        return set_from_json(json, ret);
    case JSON_STRING:
        return parse_string(json_string_value(json), ret);
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = (FerryValue){ .kind = FERRY_KIND_FLAG, .flag = json_is_true(json) };
        return FERRY_VALUE_OK;
    default:
        return FERRY_VALUE_BAD;
    }
}

FerryValueStatus
ferry_value_from_json(const char *key, const json_t *json, FerryValue *ret)
{
    if (strcmp(key, "aggregator") == 0)
        return aggregator_from_json(json, ret);
    if (strcmp(key, "pv_mode") == 0 && json_is_array(json))
        return set_from_json(json, ret);
    if (!ferry_key_has_own_rule(key))
        return attribute_from_json(json, ret);
    if (!json_is_string(json))
        return FERRY_VALUE_BAD;
    return ferry_value_parse(key, json_string_value(json), ret);
}
