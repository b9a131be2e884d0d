#include "compat/condition.h"

#include <string.h>

void
ferry_condition_free(FerryCondition *self)
{
    if (self == NULL)
        return;
    g_free(self->key);
    g_free(self->prefix);
    g_clear_pointer(&self->any_of, g_array_unref);
    ferry_value_clear(&self->min);
    ferry_value_clear(&self->max);
    ferry_value_clear(&self->has);
    g_free(self);
}

FerryTruth
ferry_truth_and(FerryTruth a, FerryTruth b)
{
    return MIN(a, b); /* the enum is in this order */
}

bool
ferry_condition_key_is_allowed(const char *key)
{
    FerryNameSort sort = ferry_name_sort(key);

    return sort == FERRY_NAME_FACT ||
           (sort == FERRY_NAME_ATTRIBUTE && !ferry_attribute_is_inert(key));
}

static bool
add_literal(FerryCondition *self, const json_t *json)
{
    FerryValue value = { .kind = FERRY_KIND_NONE };

    if (ferry_value_from_json(self->key, json, &value) != FERRY_VALUE_OK)
        return false;
    if (self->any_of == NULL) {
        self->any_of = g_array_new(FALSE, TRUE, sizeof(FerryValue));
        g_array_set_clear_func(self->any_of, (GDestroyNotify)ferry_value_clear);
    }
    g_array_append_val(self->any_of, value);
    return true;
}

static bool
read_in(FerryCondition *self, const json_t *json)
{
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (!add_literal(self, json_array_get(json, i)))
            return false;
    }
    return json_array_size(json) > 0;
}

/* Facts that are no strings have no prefix. */
static bool
read_prefix(FerryCondition *self, const json_t *json)
{
    const char *text = json_string_value(json);
    size_t size = json_string_length(json);

    if (text == NULL || size == 0 || size > FERRY_STRING_MAX || strcmp(self->key, "version") == 0 ||
        strcmp(self->key, "aggregator") == 0 || strcmp(self->key, "pv_mode") == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isprint(text[i]))
            return false;
    }
    self->prefix = g_strdup(text);
    return true;
}

/* A bound is a quantity, or a version for the key of that name. */
static bool
read_bound(const FerryCondition *self, const json_t *json, FerryValue *ret)
{
    bool is_version = strcmp(self->key, "version") == 0;

    return ferry_value_from_json(self->key, json, ret) == FERRY_VALUE_OK &&
           ret->kind == (is_version ? FERRY_KIND_VERSION : FERRY_KIND_QUANTITY);
}

static bool
read_min(FerryCondition *self, const json_t *json)
{
    return read_bound(self, json, &self->min);
}

static bool
read_max(FerryCondition *self, const json_t *json)
{
    return read_bound(self, json, &self->max);
}

/* A set; for the built-in set, also "a+b". */
static bool
read_has(FerryCondition *self, const json_t *json)
{
    return (ferry_name_sort(self->key) == FERRY_NAME_ATTRIBUTE) &&
           ferry_value_from_json(self->key, json, &self->has) == FERRY_VALUE_OK &&
           self->has.kind == FERRY_KIND_SET;
}

static bool
read_absent(FerryCondition *self, const json_t *json)
{
    self->wants_absent = true;
    return json_is_true(json);
}

static bool
read_tests(FerryCondition *self, const json_t *json)
{
    static const struct {
        const char *name;
        bool (*read)(FerryCondition *, const json_t *);
    } tests[] = {
        { "in", read_in },   { "prefix", read_prefix }, { "min", read_min },
        { "max", read_max }, { "has", read_has },       { "absent", read_absent },
    };
    size_t n_read = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        const json_t *test = json_object_get(json, tests[i].name);
        if (test == NULL)
            continue;
        if (!tests[i].read(self, test))
            return false;
        n_read++;
    }
    return n_read > 0 && n_read == json_object_size(json) && (!self->wants_absent || n_read == 1);
}

FerryCondition *
ferry_condition_from_json(const char *key, const json_t *json)
{
    g_autoptr(FerryCondition) self = g_new0(FerryCondition, 1);
    bool is_literal = !json_is_object(json) || json_object_get(json, "frac") != NULL;

    self->key = g_strdup(key);
    if (!ferry_condition_key_is_allowed(key))
        return NULL;
    if (is_literal ? !add_literal(self, json) : !read_tests(self, json))
        return NULL;
    return g_steal_pointer(&self);
}

/* One of several: true beats undetermined beats false. */
static FerryTruth
test_any_of(const GArray *values, const FerryValue *value)
{
    FerryTruth truth = FERRY_TRUTH_FALSE;

    for (guint i = 0; i < values->len; i++) {
        const FerryValue *wanted = &g_array_index(values, FerryValue, i);
        if (!ferry_kinds_meet(wanted->kind, value->kind))
            truth = MAX(truth, FERRY_TRUTH_UNDETERMINED);
        else if (ferry_value_matches(wanted, value))
            return FERRY_TRUTH_TRUE;
    }
    return truth;
}

static FerryTruth
truth_of(bool holds)
{
    return holds ? FERRY_TRUTH_TRUE : FERRY_TRUTH_FALSE;
}

static FerryTruth
test_prefix(const char *prefix, const FerryValue *value)
{
    if (value->kind != FERRY_KIND_STRING)
        return FERRY_TRUTH_UNDETERMINED;
    return truth_of(g_str_has_prefix(value->string, prefix));
}

/*
 * Below 0, 0 or above 0.  A version bound is compared on the parts it writes: 1.2.9 is not above
 * a bound of 1.2.
 */
static int
compare_to_bound(const FerryValue *value, const FerryValue *bound)
{
    FerryVersion version = value->version;

    if (bound->kind == FERRY_KIND_QUANTITY)
        return ferry_fraction_compare(value->quantity, bound->quantity);
    if (!bound->version.has_bugfix)
        version.bugfix = 0;
    return ferry_version_compare(&version, &bound->version);
}

static FerryTruth
test_bound(const FerryValue *bound, const FerryValue *value, int sign)
{
    if (bound->kind != value->kind)
        return FERRY_TRUTH_UNDETERMINED;
    return truth_of(compare_to_bound(value, bound) * sign <= 0);
}

static FerryTruth
test_has(const FerryValue *wanted, const FerryValue *value)
{
    if (!ferry_kinds_meet(wanted->kind, value->kind))
        return FERRY_TRUTH_UNDETERMINED;
    return truth_of(ferry_value_is_subset(wanted, value));
}

FerryTruth
ferry_condition_test(const FerryCondition *self, const FerryFacts *facts)
{
    const FerryValue *value = ferry_facts_find(facts, self->key);
    FerryTruth truth = FERRY_TRUTH_TRUE;

    if (self->wants_absent)
        return truth_of(value == NULL);
    if (value == NULL)
        return FERRY_TRUTH_UNDETERMINED;
    if (self->any_of != NULL)
        truth = ferry_truth_and(truth, test_any_of(self->any_of, value));
    if (self->prefix != NULL)
        truth = ferry_truth_and(truth, test_prefix(self->prefix, value));
    if (self->min.kind != FERRY_KIND_NONE)
        truth = ferry_truth_and(truth, test_bound(&self->min, value, -1));
    if (self->max.kind != FERRY_KIND_NONE)
        truth = ferry_truth_and(truth, test_bound(&self->max, value, 1));
    if (self->has.kind != FERRY_KIND_NONE)
        truth = ferry_truth_and(truth, test_has(&self->has, value));
    return truth;
}
