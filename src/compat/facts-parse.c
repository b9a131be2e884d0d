#include "compat/facts.h"

#include <string.h>

#include "compat/entry-json.h"

/* Reading a description: each member has a rule, found by its name. */
typedef bool (*MemberRule)(FerryFacts *self, const char *key, const json_t *json);

static bool
fail(FerryFacts *self, const char *key, const char *reason)
{
    self->fault = ferry_fault_new(key, "%s", reason);
    return false;
}

static const char *
value_reason(FerryValueStatus status)
{
    static const char *const reasons[] = {
        [FERRY_VALUE_BAD] = "its value has not the form that this key needs",
        [FERRY_VALUE_TOO_LONG] = "its value is too long",
        [FERRY_VALUE_OUT_OF_RANGE] = "its number is beyond 2147483647",
    };

    return reasons[status];
}

static bool
read_fact(FerryFacts *self, const char *key, const json_t *json)
{
    FerryFactKey fact = ferry_fact_find(key);
    FerryValueStatus status = ferry_value_from_json(key, json, &self->facts[fact]);

    return status == FERRY_VALUE_OK || fail(self, key, value_reason(status));
}

static bool
read_format(FerryFacts *self, const char *key, const json_t *json)
{
    (void)json; /* judged before all others */
    (void)key;
    (void)self;
    return true;
}

static bool
read_migratable(FerryFacts *self, const char *key, const json_t *json)
{
    self->migratable = json_is_true(json) ? FERRY_MIGRATABLE_YES : FERRY_MIGRATABLE_NO;
    return json_is_boolean(json) || fail(self, key, "it is neither true nor false");
}

static bool
read_state(FerryFacts *self, const char *key, const json_t *json)
{
    self->is_type = g_strcmp0(json_string_value(json), "type") == 0;
    return self->is_type || g_strcmp0(json_string_value(json), "instance") == 0 ||
           fail(self, key, "it is neither \"instance\" nor \"type\"");
}

static bool
read_available(FerryFacts *self, const char *key, const json_t *json)
{
    self->available = json_integer_value(json);
    return (json_is_integer(json) && self->available >= 0 && self->available <= FERRY_NUMBER_MAX) ||
           fail(self, key, "it is not a whole number from 0 to 2147483647");
}

static bool
read_name(FerryFacts *self, const char *key, const json_t *json)
{
    g_auto(FerryValue) value = { .kind = FERRY_KIND_NONE };

    if (!json_is_string(json) ||
        ferry_value_parse("", json_string_value(json), &value) != FERRY_VALUE_OK)
        return fail(self, key, "it is not a string of 1 to 256 printable bytes");
    self->name = g_strdup(value.string);
    return true;
}

static bool
read_info(FerryFacts *self, const char *key, const json_t *json)
{
    return json_is_object(json) || fail(self, key, "it is not an object");
}

static bool
read_settable(FerryFacts *self, const char *key, const json_t *json)
{
    json_t *object = (json_t *)json;

    if (!json_is_object(json))
        return fail(self, key, "it is not an object");
    self->settable = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_settable_free);
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        FerrySettable *settable = NULL;

        if (ferry_name_sort(name) != FERRY_NAME_ATTRIBUTE && strcmp(name, "version") != 0)
            return fail(self, key, "a key is neither an attribute nor \"version\"");
        settable = ferry_settable_from_json(name, json_object_iter_value(at), &self->fault);
        if (settable == NULL)
            return false;
        g_ptr_array_add(self->settable, settable);
    }
    return true;
}

static bool
read_attribute(FerryFacts *self, const char *name, const json_t *json)
{
    FerryAttribute *attribute = &self->attributes[self->n_attributes];
    FerryValueStatus status = FERRY_VALUE_OK;

    if (ferry_name_sort(name) != FERRY_NAME_ATTRIBUTE)
        return fail(self, name,
                    ferry_name_is_replaced(name) ? "device_type was replaced by device_api"
                                                 : "it is no name for an attribute");
    status = ferry_value_from_json(name, json, &attribute->value);
    if (status != FERRY_VALUE_OK)
        return fail(self, name, value_reason(status));
    attribute->name = g_strdup(name);
    self->n_attributes++;
    return true;
}

static bool
read_attributes(FerryFacts *self, const char *key, const json_t *json)
{
    json_t *object = (json_t *)json;

    if (!json_is_object(json))
        return fail(self, key, "it is not an object");
    if (json_object_size(json) > FERRY_ATTRIBUTES_MAX)
        return fail(self, key, "it has more than 64 members");
    self->attributes = g_new0(FerryAttribute, json_object_size(json) + 1);
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (!read_attribute(self, json_object_iter_key(at), json_object_iter_value(at)))
            return false;
    }
    ferry_facts_sort(self);
    return true;
}

static FerryEntry *
read_entry(const json_t *json, uint64_t budget, FerryNotationFault *fault)
{
    FerryEntry *entry = NULL;

    *fault = (FerryNotationFault){ FERRY_NOTATION_BAD_FORM, 0 };
    if (!json_is_string(json))
        return ferry_entry_from_json(json, budget, &fault->code);
    entry = ferry_notation_parse(json_string_value(json), json_string_length(json), fault);
    if (entry != NULL && entry->count > budget) {
        *fault = (FerryNotationFault){ FERRY_NOTATION_TOO_MANY_EXPANSIONS, 0 };
        g_clear_pointer(&entry, ferry_entry_free);
    }
    return entry;
}

static bool
read_list(FerryFacts *self, const char *key, const json_t *json)
{
    uint64_t budget = FERRY_LIST_EXPANSIONS_MAX;

    if (!json_is_array(json))
        return fail(self, key, "it is not an array");
    if (json_array_size(json) > FERRY_LIST_ENTRIES_MAX)
        return fail(self, key, "it has more than 64 entries");
    self->list = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_entry_free);
    for (size_t i = 0; i < json_array_size(json); i++) {
        FerryNotationFault fault;
        FerryEntry *entry = read_entry(json_array_get(json, i), budget, &fault);

        if (entry == NULL) {
            self->fault = ferry_fault_new(key, "entry %zu: %s at byte %zu", i,
                                          ferry_notation_code_name(fault.code), fault.offset);
            return false;
        }
        budget -= entry->count;
        g_ptr_array_add(self->list, entry);
    }
    return true;
}

static const struct {
    const char *key;
    MemberRule read;
} member_rules[] = {
    { "format", read_format },     { "migratable", read_migratable },
    { "state", read_state },       { "available", read_available },
    { "settable", read_settable }, { "attributes", read_attributes },
    { "compatible", read_list },   { "name", read_name },
    { "info", read_info },
};

static bool
read_member(FerryFacts *self, const char *key, const json_t *json)
{
    if (g_str_has_prefix(key, "x_"))
        return true;
    if (ferry_fact_find(key) != FERRY_N_FACTS)
        return read_fact(self, key, json);
    for (size_t i = 0; i < G_N_ELEMENTS(member_rules); i++) {
        if (strcmp(key, member_rules[i].key) == 0)
            return member_rules[i].read(self, key, json);
    }
    return fail(self, key, "it is no key of a description: vendor facts belong into attributes");
}

/* An integer above 1 is a format to come: it is not judged at all. */
static bool
judge_format(FerryFacts *self, const json_t *json)
{
    const json_t *format = json_object_get(json, "format");
    json_int_t number = json_integer_value(format);

    if (!json_is_integer(format) || number < 1)
        return fail(self, "format", "it is required and is the number 1");
    self->is_newer_format = number > 1;
    return true;
}

FerryFacts *
ferry_facts_from_json(const json_t *json)
{
    FerryFacts *self = ferry_facts_new_malformed(NULL);
    json_t *object = (json_t *)json;
    const FerryValue *class = &self->facts[FERRY_FACT_CLASS];

    if (!judge_format(self, json) || self->is_newer_format)
        return self;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (!read_member(self, json_object_iter_key(at), json_object_iter_value(at)))
            return self;
    }
    self->has_class = class->kind != FERRY_KIND_NONE;
    if (self->has_class && self->facts[FERRY_FACT_MDEV_TYPE].kind != FERRY_KIND_NONE &&
        strcmp(class->string, "mdev") != 0)
        (void)fail(self, "class", "a device with an mdev_type is of class mdev");
    ferry_facts_derive_class(self);
    return self;
}

FerryFacts *
ferry_facts_parse(const char *text, size_t size)
{
    FerryFault *fault = NULL;
    g_autoptr(json_t) json = ferry_json_read(text, size, FERRY_DESCRIPTION_BYTES_MAX, &fault);

    if (json == NULL)
        return ferry_facts_new_malformed(fault);
    return ferry_facts_from_json(json);
}
