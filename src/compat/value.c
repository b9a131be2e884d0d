#include "compat/value.h"

#include <string.h>

void
ferry_value_clear(FerryValue *value)
{
    if (value->kind == FERRY_KIND_STRING)
        g_free(value->string);
    if (value->kind == FERRY_KIND_SET)
        g_strfreev(value->set);
    *value = (FerryValue){ .kind = FERRY_KIND_NONE };
}

FerryValue
ferry_value_copy(const FerryValue *value)
{
    FerryValue copy = *value;

    if (value->kind == FERRY_KIND_STRING)
        copy.string = g_strdup(value->string);
    if (value->kind == FERRY_KIND_SET)
        copy.set = g_strdupv(value->set);
    return copy;
}

FerryValue
ferry_value_of_string(const char *text)
{
    return (FerryValue){ .kind = FERRY_KIND_STRING, .string = g_strdup(text) };
}

FerryValue
ferry_value_of_flag(const char *text)
{
    return (FerryValue){ .kind = FERRY_KIND_FLAG, .flag = strcmp(text, "true") == 0 };
}

FerryValue
ferry_value_of_quantity(FerryFraction quantity)
{
    return (FerryValue){ .kind = FERRY_KIND_QUANTITY, .quantity = quantity };
}

FerryValue
ferry_value_of_version(FerryVersion version)
{
    return (FerryValue){ .kind = FERRY_KIND_VERSION, .version = version };
}

size_t
ferry_value_n_elements(const FerryValue *value)
{
    return value->kind == FERRY_KIND_SET ? g_strv_length(value->set) : 1;
}

const char *
ferry_value_element(const FerryValue *value, size_t i)
{
    return value->kind == FERRY_KIND_SET ? value->set[i] : value->string;
}

static json_t *
set_to_json(const FerryValue *value)
{
    json_t *array = json_array();

    for (size_t i = 0; value->set[i] != NULL; i++)
        json_array_append_new(array, json_string(value->set[i]));
    return array;
}

json_t *
ferry_value_to_json(const FerryValue *value)
{
    g_autofree char *text = NULL;

    switch (value->kind) {
    case FERRY_KIND_QUANTITY:
        if (value->quantity.den == 1)
            return json_integer(value->quantity.num);
        return json_pack("{s:[ii]}", "frac", value->quantity.num, value->quantity.den);
    case FERRY_KIND_SET:
        return set_to_json(value);
    case FERRY_KIND_FLAG:
        return json_boolean(value->flag);
    default:
        text = ferry_value_format(value);
        return json_string(text);
    }
}

char *
ferry_value_format(const FerryValue *value)
{
    switch (value->kind) {
    case FERRY_KIND_QUANTITY:
        return ferry_fraction_format(value->quantity);
    case FERRY_KIND_SET:
        return g_strjoinv(FERRY_SET_SEPARATOR, value->set);
    case FERRY_KIND_STRING:
        return g_strdup(value->string);
    case FERRY_KIND_FLAG:
        return g_strdup(value->flag ? "true" : "false");
    case FERRY_KIND_VERSION:
        return ferry_version_format(&value->version);
    default:
        return g_strdup("");
    }
}

static bool
is_set_or_string(FerryKind kind)
{
    return kind == FERRY_KIND_SET || kind == FERRY_KIND_STRING;
}

bool
ferry_kinds_meet(FerryKind a, FerryKind b)
{
    return a == b || (is_set_or_string(a) && is_set_or_string(b));
}

static bool
sets_equal(char *const *a, char *const *b)
{
    size_t i = 0;

    for (; a[i] != NULL && b[i] != NULL; i++) {
        if (strcmp(a[i], b[i]) != 0)
            return false;
    }
    return a[i] == b[i]; /* both at their end */
}

bool
ferry_value_equal(const FerryValue *a, const FerryValue *b)
{
    if (a->kind != b->kind)
        return ferry_kinds_meet(a->kind, b->kind) && ferry_value_n_elements(a) == 1 &&
               ferry_value_n_elements(b) == 1 &&
               strcmp(ferry_value_element(a, 0), ferry_value_element(b, 0)) == 0;
    switch (a->kind) {
    case FERRY_KIND_QUANTITY:
        return a->quantity.num == b->quantity.num && a->quantity.den == b->quantity.den;
    case FERRY_KIND_SET:
        return sets_equal(a->set, b->set);
    case FERRY_KIND_STRING:
        return strcmp(a->string, b->string) == 0;
    case FERRY_KIND_FLAG:
        return a->flag == b->flag;
    case FERRY_KIND_VERSION:
        return ferry_version_compare(&a->version, &b->version) == 0;
    default:
        return true;
    }
}

bool
ferry_value_is_subset(const FerryValue *a, const FerryValue *b)
{
    size_t n_a = ferry_value_n_elements(a);
    size_t n_b = ferry_value_n_elements(b);
    size_t j = 0;

    /* Both are sorted, so one walk along @b is enough. */
    for (size_t i = 0; i < n_a; i++) {
        int order = 1;
        while (j < n_b &&
               (order = strcmp(ferry_value_element(b, j), ferry_value_element(a, i))) < 0)
            j++;
        if (j == n_b || order != 0)
            return false;
    }
    return true;
}

bool
ferry_value_matches(const FerryValue *wanted, const FerryValue *value)
{
    if (wanted->kind == FERRY_KIND_VERSION && value->kind == FERRY_KIND_VERSION &&
        !wanted->version.has_bugfix)
        return wanted->version.major == value->version.major &&
               wanted->version.minor == value->version.minor;
    return ferry_value_equal(wanted, value);
}
