#include "compat/settable.h"

#include <string.h>

static void
item_clear(gpointer data)
{
    FerryDomainItem *item = data;

    ferry_value_clear(&item->low);
    ferry_value_clear(&item->high);
}

void
ferry_settable_free(FerrySettable *self)
{
    if (self == NULL)
        return;
    g_free(self->key);
    g_array_unref(self->items);
    g_free(self);
}

/* "a..b" of whole numbers.  Only the form decides: "8..1" is a bad range, and never a string. */
static bool
split_range(const char *text, char **low, char **high)
{
    const char *dots = strstr(text, "..");

    if (dots == NULL)
        return false;
    *low = g_strndup(text, (size_t)(dots - text));
    *high = g_strdup(dots + 2);
    return true;
}

static FerryValueStatus
quantity_range(const char *key, const char *low, const char *high, FerryDomainItem *ret)
{
    int64_t first = 0;
    int64_t last = 0;
    FerryFraction quantity;

    if (!ferry_integer_parse(low, strlen(low), &first) ||
        !ferry_integer_parse(high, strlen(high), &last))
        return FERRY_VALUE_OUT_OF_RANGE;
    if (first > last || (strcmp(key, "aggregator") == 0 && first <= 0))
        return FERRY_VALUE_BAD;
    ret->is_range = true;
    (void)ferry_fraction_make(first, 1, &quantity); /* both were checked to fit */
    ret->low = ferry_value_of_quantity(quantity);
    (void)ferry_fraction_make(last, 1, &quantity);
    ret->high = ferry_value_of_quantity(quantity);
    return FERRY_VALUE_OK;
}

/* Two parts only: what is set is a migration version, and bugfix releases are not chosen. */
static FerryValueStatus
version_item(const char *text, FerryDomainItem *ret)
{
    g_autofree char *low = NULL;
    g_autofree char *high = NULL;
    FerryVersion first;
    FerryVersion last;

    if (!split_range(text, &low, &high)) {
        if (!ferry_version_parse(text, &first, NULL) || first.has_bugfix)
            return FERRY_VALUE_BAD;
        ret->low = ferry_value_of_version(first);
        return FERRY_VALUE_OK;
    }
    if (!ferry_version_parse(low, &first, NULL) || !ferry_version_parse(high, &last, NULL) ||
        first.has_bugfix || last.has_bugfix || first.major != last.major ||
        first.minor > last.minor)
        return FERRY_VALUE_BAD;
    *ret = (FerryDomainItem){ ferry_value_of_version(first), true, ferry_value_of_version(last) };
    return FERRY_VALUE_OK;
}

static FerryValueStatus
item_from_json(const char *key, const json_t *json, FerryDomainItem *ret)
{
    const char *text = json_string_value(json);
    g_autofree char *low = NULL;
    g_autofree char *high = NULL;

    if (strcmp(key, "version") == 0)
        return text != NULL ? version_item(text, ret) : FERRY_VALUE_BAD;
    if (text != NULL && strcmp(key, "pv_mode") != 0 && split_range(text, &low, &high) &&
        ferry_integer_has_form(low, strlen(low)) && ferry_integer_has_form(high, strlen(high)))
        return quantity_range(key, low, high, ret);
    return ferry_value_from_json(key, json, &ret->low);
}

FerrySettable *
ferry_settable_from_json(const char *key, const json_t *json, FerryFault **fault)
{
    g_autoptr(FerrySettable) self = g_new0(FerrySettable, 1);
    const json_t *values = json_object_get(json, "values");
    const json_t *phase = json_object_get(json, "phase");
    const char *phase_text = phase != NULL ? json_string_value(phase) : "create";
    size_t n_known = (values != NULL) + (phase != NULL);

    self->key = g_strdup(key);
    self->items = g_array_new(FALSE, TRUE, sizeof(FerryDomainItem));
    g_array_set_clear_func(self->items, item_clear);
    if (json_object_size(json) != n_known || json_array_size(values) == 0 ||
        json_array_size(values) > FERRY_SETTABLE_VALUES_MAX) {
        *fault = ferry_fault_new("settable", "%s needs 1 to %d values, and has a phase besides",
                                 key, FERRY_SETTABLE_VALUES_MAX);
        return NULL;
    }
    if (g_strcmp0(phase_text, "create") != 0 && g_strcmp0(phase_text, "any") != 0) {
        *fault = ferry_fault_new("settable", "the phase of %s is not \"create\" or \"any\"", key);
        return NULL;
    }
    self->phase = strcmp(phase_text, "any") == 0 ? FERRY_PHASE_ANY : FERRY_PHASE_CREATE;
    for (size_t i = 0; i < json_array_size(values); i++) {
        FerryDomainItem item = { .is_range = false };
        if (item_from_json(key, json_array_get(values, i), &item) != FERRY_VALUE_OK) {
            *fault = ferry_fault_new("settable", "value %zu of %s cannot be read", i, key);
            return NULL;
        }
        g_array_append_val(self->items, item);
    }
    return g_steal_pointer(&self);
}

static bool
is_in_range(const FerryDomainItem *item, const FerryValue *value)
{
    if (value->kind == FERRY_KIND_QUANTITY && item->low.kind == FERRY_KIND_QUANTITY)
        return value->quantity.den == 1 && value->quantity.num >= item->low.quantity.num &&
               value->quantity.num <= item->high.quantity.num;
    return value->kind == FERRY_KIND_VERSION && item->low.kind == FERRY_KIND_VERSION &&
           value->version.major == item->low.version.major &&
           value->version.minor >= item->low.version.minor &&
           value->version.minor <= item->high.version.minor;
}

bool
ferry_domain_item_has(const FerryDomainItem *item, const FerryValue *value)
{
    return item->is_range ? is_in_range(item, value) : ferry_value_matches(&item->low, value);
}

bool
ferry_settable_has(const FerrySettable *self, const FerryValue *value)
{
    for (guint i = 0; i < self->items->len; i++) {
        const FerryDomainItem *item = &g_array_index(self->items, FerryDomainItem, i);

        if (ferry_domain_item_has(item, value))
            return true;
    }
    return false;
}

/* Whether @a is the better superset: fewer elements, then bytewise by its sorted elements. */
static bool
is_better_set(const FerryValue *a, const FerryValue *b)
{
    size_t n_a = ferry_value_n_elements(a);
    size_t n_b = ferry_value_n_elements(b);

    if (n_a != n_b)
        return n_a < n_b;
    for (size_t i = 0; i < n_a; i++) {
        int order = strcmp(ferry_value_element(a, i), ferry_value_element(b, i));
        if (order != 0)
            return order < 0;
    }
    return false;
}

static const FerryValue *
choose_superset(const FerrySettable *self, const FerryValue *wanted)
{
    const FerryValue *best = NULL;

    for (guint i = 0; i < self->items->len; i++) {
        const FerryDomainItem *item = &g_array_index(self->items, FerryDomainItem, i);

        if (item->is_range || !ferry_kinds_meet(item->low.kind, FERRY_KIND_SET) ||
            !ferry_value_is_subset(wanted, &item->low))
            continue;
        if (best == NULL || is_better_set(&item->low, best))
            best = &item->low;
    }
    return best;
}

bool
ferry_settable_choose(const FerrySettable *self, const FerryValue *wanted, FerryValue *ret)
{
    const FerryValue *superset = NULL;
    FerryVersion version = wanted->version;

    if (wanted->kind == FERRY_KIND_SET ||
        (wanted->kind == FERRY_KIND_STRING && !ferry_settable_has(self, wanted)))
        superset = choose_superset(self, wanted);
    if (superset != NULL) {
        *ret = ferry_value_copy(superset);
        return true;
    }
    if (wanted->kind == FERRY_KIND_SET || !ferry_settable_has(self, wanted))
        return false;
    if (wanted->kind == FERRY_KIND_VERSION)
        *ret = ferry_value_of_version((FerryVersion){ version.major, version.minor, 0, false });
    else
        *ret = ferry_value_copy(wanted);
    return true;
}
