#include "compat/rule.h"

static void
equal_clear(gpointer data)
{
    g_free(((FerryEqualGroup *)data)->key);
    g_strfreev(((FerryEqualGroup *)data)->values);
}

static void
assumption_clear(gpointer data)
{
    g_free(((FerryAssumption *)data)->key);
    ferry_value_clear(&((FerryAssumption *)data)->value);
}

FerryRule *
ferry_rule_new(void)
{
    FerryRule *rule = g_new0(FerryRule, 1);

    for (unsigned side = 0; side < FERRY_N_SIDES; side++)
        rule->when[side] = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_condition_free);
    rule->both = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_condition_free);
    rule->same = g_new0(char *, 1);
    rule->differ = g_new0(char *, 1);
    rule->ignore = g_new0(char *, 1);
    rule->equal = g_array_new(FALSE, TRUE, sizeof(FerryEqualGroup));
    g_array_set_clear_func(rule->equal, equal_clear);
    rule->assume = g_array_new(FALSE, TRUE, sizeof(FerryAssumption));
    g_array_set_clear_func(rule->assume, assumption_clear);
    return rule;
}

void
ferry_rule_free(FerryRule *rule)
{
    if (rule == NULL)
        return;
    for (unsigned side = 0; side < FERRY_N_SIDES; side++)
        g_ptr_array_unref(rule->when[side]);
    g_ptr_array_unref(rule->both);
    g_strfreev(rule->same);
    g_strfreev(rule->differ);
    g_strfreev(rule->ignore);
    g_array_unref(rule->equal);
    g_array_unref(rule->assume);
    g_free(rule->name);
    g_free(rule->reason);
    g_free(rule);
}

const char *
ferry_rule_name(const FerryRule *rule)
{
    return rule->name;
}

/* Keys that must have the same value on both sides (@wanted 1), or must not (0). */
static FerryTruth
test_keys(char *const *keys, const FerryFacts *source, const FerryFacts *target, int wanted)
{
    FerryTruth truth = FERRY_TRUTH_TRUE;

    for (; *keys != NULL; keys++) {
        const FerryValue *left = ferry_facts_find(source, *keys);
        const FerryValue *right = ferry_facts_find(target, *keys);

        if (left == NULL || right == NULL || !ferry_kinds_meet(left->kind, right->kind))
            truth = ferry_truth_and(truth, FERRY_TRUTH_UNDETERMINED);
        else if (ferry_value_equal(left, right) != wanted)
            return FERRY_TRUTH_FALSE;
    }
    return truth;
}

static FerryTruth
test_conditions(const GPtrArray *conditions, const FerryFacts *facts)
{
    FerryTruth truth = FERRY_TRUTH_TRUE;

    for (guint i = 0; i < conditions->len; i++)
        truth = ferry_truth_and(truth, ferry_condition_test(conditions->pdata[i], facts));
    return truth;
}

FerryTruth
ferry_rule_test(const FerryRule *rule, const FerryFacts *source, const FerryFacts *target)
{
    const FerryTruth parts[] = {
        test_conditions(rule->when[FERRY_SIDE_SOURCE], source),
        test_conditions(rule->when[FERRY_SIDE_TARGET], target),
        test_conditions(rule->both, source),
        test_conditions(rule->both, target),
        test_keys(rule->same, source, target, 1),
        test_keys(rule->differ, source, target, 0),
    };
    FerryTruth truth = FERRY_TRUTH_TRUE;

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        truth = ferry_truth_and(truth, parts[i]);
    return truth;
}

bool
ferry_rule_is_unconditional(const FerryRule *rule)
{
    return rule->when[FERRY_SIDE_SOURCE]->len == 0 && rule->when[FERRY_SIDE_TARGET]->len == 0 &&
           rule->both->len == 0;
}

void
ferry_rule_set_free(FerryRuleSet *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->fault);
    g_ptr_array_unref(self->rules);
    g_clear_pointer(&self->vectors, json_decref);
    g_free(self);
}
