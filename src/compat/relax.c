/* What relax rules in force do to one comparison.  Declared in rules.h. */
#include <string.h>

#include "compat/rule.h"

const FerryRule *
ferry_ruling_ignores(const FerryRuling *self, const char *key)
{
    for (guint i = 0; self->relax != NULL && i < self->relax->len; i++) {
        const FerryRule *rule = self->relax->pdata[i];
        if (g_strv_contains((const char *const *)rule->ignore, key))
            return rule;
    }
    return NULL;
}

static bool
rule_equates(const FerryRule *rule, const char *key, const char *a, const char *b)
{
    for (guint i = 0; i < rule->equal->len; i++) {
        const FerryEqualGroup *group = &g_array_index(rule->equal, FerryEqualGroup, i);
        const char *const *values = (const char *const *)group->values;

        if (strcmp(group->key, key) == 0 && g_strv_contains(values, a) &&
            g_strv_contains(values, b))
            return true;
    }
    return false;
}

const FerryRule *
ferry_ruling_equates(const FerryRuling *self,
                     const char *key,
                     const FerryValue *a,
                     const FerryValue *b)
{
    g_autofree char *left = NULL;
    g_autofree char *right = NULL;

    if (self->relax == NULL || self->relax->len == 0 || !ferry_kinds_meet(a->kind, b->kind))
        return NULL;
    left = ferry_value_format(a);
    right = ferry_value_format(b);
    for (guint i = 0; i < self->relax->len; i++) {
        if (rule_equates(self->relax->pdata[i], key, left, right))
            return self->relax->pdata[i];
    }
    return NULL;
}

/* Written alike: for one fact, "0.2" and "0.2.0" are two different assumptions. */
static bool
is_same_assumption(const FerryValue *a, const FerryValue *b)
{
    g_autofree char *left = ferry_value_format(a);
    g_autofree char *right = ferry_value_format(b);

    return a->kind == b->kind && strcmp(left, right) == 0;
}

/* Whether any rule in force assumes another value for the same fact. */
static bool
is_contested(const FerryRuling *self, const FerryAssumption *assumption)
{
    for (guint i = 0; i < self->relax->len; i++) {
        const FerryRule *rule = self->relax->pdata[i];

        for (guint j = 0; j < rule->assume->len; j++) {
            const FerryAssumption *other = &g_array_index(rule->assume, FerryAssumption, j);
            if (other->side == assumption->side && strcmp(other->key, assumption->key) == 0 &&
                !is_same_assumption(&other->value, &assumption->value))
                return true;
        }
    }
    return false;
}

static void
note_assumption(GPtrArray *findings, const FerryRule *rule, const FerryAssumption *assumption)
{
    static const char *const sides[] = { "source", "target" };
    FerryFinding *finding = NULL;
    g_autofree char *value = ferry_value_format(&assumption->value);

    if (findings == NULL)
        return;
    finding = ferry_finding_new(assumption->key, FERRY_VERDICT_YES, FERRY_CODE_ASSUMED);
    finding->detail = g_strdup_printf("the %s does not state it; %s says that it is \"%s\"",
                                      sides[assumption->side], rule->name, value);
    g_ptr_array_add(findings, finding);
}

FerryFacts *
ferry_ruling_assume(const FerryRuling *self,
                    FerrySide side,
                    const FerryFacts *facts,
                    GPtrArray *findings)
{
    FerryFacts *filled = NULL;

    for (guint i = 0; self->relax != NULL && i < self->relax->len; i++) {
        const FerryRule *rule = self->relax->pdata[i];

        for (guint j = 0; j < rule->assume->len; j++) {
            const FerryAssumption *assumption = &g_array_index(rule->assume, FerryAssumption, j);
            bool is_stated =
                ferry_facts_find(filled != NULL ? filled : facts, assumption->key) != NULL;

            if (assumption->side != side || is_stated || is_contested(self, assumption))
                continue;
            if (filled == NULL)
                filled = ferry_facts_copy(facts);
            ferry_facts_set(filled, assumption->key, &assumption->value);
            note_assumption(findings, rule, assumption);
        }
    }
    return filled;
}
