/* What can be read off a verdict.  check.h declares it: a verdict has no life without its check. */
#include <string.h>

#include "compat/check.h"

static const char *const basis_names[] = {
    [FERRY_BASIS_NONE] = NULL,           [FERRY_BASIS_DEFAULT] = "default",
    [FERRY_BASIS_LIST] = "list",         [FERRY_BASIS_RULE] = "rule",
    [FERRY_BASIS_EQUALITY] = "equality", [FERRY_BASIS_OBSERVED] = "observed",
};
G_STATIC_ASSERT(G_N_ELEMENTS(basis_names) == FERRY_N_BASES);

static const int exit_codes[] = {
    [FERRY_VERDICT_YES] = 0, [FERRY_VERDICT_PROVISION] = 20, [FERRY_VERDICT_UNKNOWN] = 21,
    [FERRY_VERDICT_NO] = 1,  [FERRY_VERDICT_MALFORMED] = 2,
};
G_STATIC_ASSERT(G_N_ELEMENTS(exit_codes) == FERRY_N_VERDICTS);

void
ferry_verdict_free(FerryVerdict *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->findings);
    g_clear_pointer(&self->warnings, g_ptr_array_unref);
    g_free(self);
}

bool
ferry_verdict_is_usable(const FerryVerdict *self)
{
    return self->level <= FERRY_VERDICT_PROVISION;
}

const char *
ferry_basis_name(FerryBasis basis)
{
    g_assert(basis < FERRY_N_BASES);
    return basis_names[basis];
}

int
ferry_verdict_exit_code(FerryVerdictLevel level)
{
    g_assert(level < FERRY_N_VERDICTS);
    return exit_codes[level];
}

static int
compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GStrv
ferry_verdict_differing(const FerryVerdict *self)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(GPtrArray) unique = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < self->findings->len; i++) {
        const FerryFinding *finding = self->findings->pdata[i];
        if (finding->level != FERRY_VERDICT_YES)
            g_ptr_array_add(keys, finding->key);
    }
    g_ptr_array_sort(keys, compare_keys);
    for (guint i = 0; i < keys->len; i++) {
        if (i == 0 || strcmp(keys->pdata[i], keys->pdata[i - 1]) != 0)
            g_ptr_array_add(unique, g_strdup(keys->pdata[i]));
    }
    g_ptr_array_add(unique, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&unique), FALSE);
}

static json_t *
nullable_string(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *
finding_to_json(const FerryFinding *finding)
{
    json_t *object = json_object();

    json_object_set_new(object, "key", json_string(finding->key));
    json_object_set_new(object, "severity", json_string(ferry_verdict_level_name(finding->level)));
    json_object_set_new(object, "code", json_string(ferry_finding_code_name(finding->code)));
    json_object_set_new(object, "source", nullable_string(finding->source));
    json_object_set_new(object, "target", nullable_string(finding->target));
    json_object_set_new(object, "reason", json_string(finding->reason));
    return object;
}

json_t *
ferry_verdict_to_json(const FerryVerdict *self)
{
    json_t *object = json_object();
    json_t *differing = json_array();
    json_t *set = json_object();
    json_t *findings = json_array();
    json_t *warnings = json_array();
    g_auto(GStrv) keys = ferry_verdict_differing(self);

    for (size_t i = 0; keys[i] != NULL; i++)
        json_array_append_new(differing, json_string(keys[i]));
    for (guint i = 0; i < self->findings->len; i++) {
        const FerryFinding *finding = self->findings->pdata[i];
        json_array_append_new(findings, finding_to_json(finding));
        if (self->level == FERRY_VERDICT_PROVISION && finding->set != NULL)
            json_object_set_new(set, finding->key, json_string(finding->set));
    }
    for (guint i = 0; self->warnings != NULL && i < self->warnings->len; i++)
        json_array_append_new(warnings, json_string(self->warnings->pdata[i]));
    json_object_set_new(object, "verdict", json_string(ferry_verdict_level_name(self->level)));
    json_object_set_new(object, "differing", differing);
    json_object_set_new(object, "basis", nullable_string(basis_names[self->basis]));
    json_object_set_new(object, "set", set);
    json_object_set_new(object, "findings", findings);
    json_object_set_new(object, "warnings", warnings);
    return object;
}

/* The text of a value to set, back as a value: canonical text needs the kind it was made from. */
static FerryValue
read_set_value(const FerryFacts *facts, const FerryFinding *finding)
{
    const FerrySettable *settable = ferry_facts_find_settable(facts, finding->key);
    FerryValue value = { .kind = FERRY_KIND_NONE };
    FerryFraction quantity;

    for (guint i = 0; settable != NULL && i < settable->items->len; i++) {
        const FerryDomainItem *item = &g_array_index(settable->items, FerryDomainItem, i);
        g_autofree char *text = ferry_value_format(&item->low);
        if (!item->is_range && strcmp(text, finding->set) == 0)
            return ferry_value_copy(&item->low);
    }
    if (strcmp(finding->key, "version") != 0 && ferry_fraction_parse(finding->set, &quantity))
        return ferry_value_of_quantity(quantity);
    (void)ferry_value_parse(finding->key, finding->set, &value);
    return value;
}

FerryFacts *
ferry_verdict_provisioned(const FerryVerdict *self, const FerryFacts *facts)
{
    FerryFacts *made = ferry_facts_copy(facts);

    made->is_type = false;
    for (guint i = 0; i < self->findings->len; i++) {
        const FerryFinding *finding = self->findings->pdata[i];
        g_auto(FerryValue) value = { .kind = FERRY_KIND_NONE };

        if (self->level != FERRY_VERDICT_PROVISION || finding->set == NULL)
            continue;
        value = read_set_value(facts, finding);
        ferry_facts_set(made, finding->key, &value);
    }
    return made;
}
