#include "compat/lint.h"

#include <string.h>

#include "compat/check.h"
#include "compat/compare.h"
#include "compat/list.h"
#include "compat/rule.h"
#include "compat/vectors.h"

static void
remark_free(gpointer data)
{
    FerryLintRemark *remark = data;

    g_free(remark->code);
    g_free(remark->text);
    g_free(remark);
}

static void G_GNUC_PRINTF(4, 5)
    add_remark(GPtrArray *remarks, FerryLintLevel level, const char *code, const char *format, ...)
{
    FerryLintRemark *remark = g_new0(FerryLintRemark, 1);
    va_list args;

    va_start(args, format);
    remark->text = g_strdup_vprintf(format, args);
    va_end(args);
    remark->level = level;
    remark->code = g_strdup(code);
    g_ptr_array_add(remarks, remark);
}

bool
ferry_lint_has_error(const GPtrArray *remarks)
{
    for (guint i = 0; i < remarks->len; i++) {
        if (((const FerryLintRemark *)remarks->pdata[i])->level == FERRY_LINT_ERROR)
            return true;
    }
    return false;
}

/* Keys of a list entry that the check ignores for every source such a target could get. */
static void
lint_inert_keys(const FerryFacts *target, const char *where, GPtrArray *remarks)
{
    for (guint i = 0; target->list != NULL && i < target->list->len; i++) {
        const FerryEntry *entry = target->list->pdata[i];
        for (guint j = 0; j < entry->by_key->len; j++) {
            const char *key = ((const FerryTerm *)entry->by_key->pdata[j])->key;
            if (ferry_facts_key_is_inert(target, key))
                add_remark(remarks, FERRY_LINT_WARNING, "inert-key",
                           "%s: entry %u mentions %s, which never decides and is ignored", where,
                           i + 1, key);
        }
    }
}

/* A list is exhaustive: a device that does not list itself takes nobody like itself. */
static void
lint_self(const FerryFacts *target, const char *where, GPtrArray *remarks)
{
    g_autoptr(GPtrArray) findings =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_finding_free);
    FerryRuling no_rules = { .relax = NULL };
    FerryComparison comparison = {
        .source = target, .target = target, .ruling = &no_rules, .findings = findings
    };

    if (target->list == NULL || target->list->len == 0)
        return;
    ferry_list_compare(&comparison);
    for (guint i = 0; i < findings->len; i++) {
        const FerryFinding *finding = findings->pdata[i];
        if (finding->level == FERRY_VERDICT_NO) {
            add_remark(remarks, FERRY_LINT_WARNING, "self-not-listed",
                       "%s: the device's own list does not accept a device equal to it (%s)", where,
                       finding->key);
            return;
        }
    }
}

static bool
version_allows(const FerryFacts *source, const FerryFacts *target)
{
    const FerryValue *from = ferry_facts_find(source, "version");
    const FerryValue *to = ferry_facts_find(target, "version");

    return from != NULL && to != NULL &&
           ferry_version_check(&from->version, &to->version) == FERRY_VERSION_COMPATIBLE;
}

/* A removed feature needs a new major: the versions alone say yes here, and are wrong. */
static void
lint_removed_features(const FerryFacts *source,
                      const FerryFacts *target,
                      const char *where,
                      GPtrArray *remarks)
{
    for (size_t i = 0; i < source->n_attributes && version_allows(source, target); i++) {
        const char *key = source->attributes[i].name;
        const FerryValue *offered = ferry_facts_find(target, key);

        if (source->attributes[i].value.kind == FERRY_KIND_SET && offered != NULL &&
            offered->kind == FERRY_KIND_SET &&
            !ferry_value_is_subset(&source->attributes[i].value, offered))
            add_remark(remarks, FERRY_LINT_WARNING, "feature-removed-without-major",
                       "%s: %s lost an element although the version only grew; the major must "
                       "change",
                       where, key);
    }
}

static void
lint_vector_facts(const FerryFacts *source,
                  const FerryFacts *target,
                  const char *where,
                  GPtrArray *remarks)
{
    if (source->fault != NULL || target->fault != NULL)
        return; /* a vector may want that */
    lint_inert_keys(target, where, remarks);
    lint_self(target, where, remarks);
    lint_removed_features(source, target, where, remarks);
}

static const char *
vector_name(const json_t *vector)
{
    const char *name = json_string_value(json_object_get(vector, "name"));

    return name != NULL ? name : "?";
}

/* Names the rules of other files that take part in the pair's verdict. */
static char *
other_rules(const FerryRules *merged,
            const char *own,
            const FerryFacts *source,
            const FerryFacts *target)
{
    g_autoptr(FerryRuling) ruling = ferry_rules_apply(merged, source, target);
    g_autoptr(GString) names = g_string_new(NULL);
    g_autofree char *prefix = g_strconcat(own, "/", NULL);

    for (guint i = 0; i < ruling->findings->len; i++) {
        const char *name = strchr(((const FerryFinding *)ruling->findings->pdata[i])->key, ':') + 1;
        if (!g_str_has_prefix(name, prefix))
            g_string_append_printf(names, " %s", name);
    }
    for (guint i = 0; i < ruling->relax->len; i++) {
        const char *name = ferry_rule_name(ruling->relax->pdata[i]);
        if (!g_str_has_prefix(name, prefix))
            g_string_append_printf(names, " %s", name);
    }
    if (ruling->allow != NULL && !g_str_has_prefix(ferry_rule_name(ruling->allow), prefix))
        g_string_append_printf(names, " %s", ferry_rule_name(ruling->allow));
    return g_string_free(g_steal_pointer(&names), FALSE);
}

/* What lint needs of one rule file at every turn. */
typedef struct {
    const FerryRuleSet *set;
    FerryRules *alone;
    FerryRules *merged;
    GPtrArray *remarks;
    bool *exercised; /* by rule */
} Lint;

static void
lint_vector(Lint *self, const json_t *vector)
{
    const char *name = vector_name(vector);
    g_autoptr(FerryFacts) source = ferry_vector_facts(json_object_get(vector, "source"));
    g_autoptr(FerryFacts) target = ferry_vector_facts(json_object_get(vector, "target"));
    g_autofree char *alone = ferry_vector_run_check(vector, self->alone);
    g_autofree char *merged = ferry_vector_run_check(vector, self->merged);
    g_autofree char *others = NULL;

    if (alone != NULL)
        add_remark(self->remarks, FERRY_LINT_ERROR, "vector-fails", "vector %s: %s", name, alone);
    if (alone == NULL && merged != NULL) {
        others = other_rules(self->merged, self->set->name, source, target);
        add_remark(self->remarks, FERRY_LINT_WARNING, "interference",
                   "vector %s: with all rules %s; rules of other files take part:%s", name, merged,
                   others);
    }
    lint_vector_facts(source, target, name, self->remarks);
    for (guint i = 0; i < self->set->rules->len; i++) {
        if (ferry_rule_test(self->set->rules->pdata[i], source, target) == FERRY_TRUTH_TRUE)
            self->exercised[i] = true;
    }
}

static void
lint_set(Lint *self)
{
    for (size_t i = 0; i < json_array_size(self->set->vectors); i++) {
        const json_t *vector = json_array_get(self->set->vectors, i);
        if (json_object_get(vector, "source") == NULL || json_object_get(vector, "target") == NULL)
            add_remark(self->remarks, FERRY_LINT_ERROR, "vector-fails",
                       "vector %s: it has no source or no target", vector_name(vector));
        else
            lint_vector(self, vector);
    }
    for (guint i = 0; i < self->set->rules->len; i++) {
        const FerryRule *rule = self->set->rules->pdata[i];

        if (rule->effect != FERRY_EFFECT_DENY && ferry_rule_is_unconditional(rule))
            add_remark(self->remarks, FERRY_LINT_WARNING, "unconditional",
                       "rule %s has no condition on a fact: it applies to every vendor's devices",
                       rule->name);
        if (!self->exercised[i])
            add_remark(self->remarks, FERRY_LINT_WARNING, "unexercised",
                       "rule %s holds in no vector, so nothing shows what it does", rule->name);
    }
}

static FerryRules *
merge(const FerryRuleFile *file, const GPtrArray *others)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();

    for (guint i = 0; others != NULL && i < others->len; i++) {
        FerryRuleFile *other = others->pdata[i];
        if (strcmp(other->name, file->name) != 0)
            g_ptr_array_add(files, other);
    }
    g_ptr_array_add(files, (gpointer)file);
    return ferry_rules_new(files);
}

GPtrArray *
ferry_lint_rules(const FerryRuleFile *file, const GPtrArray *others)
{
    GPtrArray *remarks = g_ptr_array_new_with_free_func(remark_free);
    g_autofree char *name = g_strndup(file->name, strlen(file->name) - strlen(".json"));
    g_autoptr(FerryRuleSet) set =
        ferry_rule_set_parse(name, file->text != NULL ? file->text : "", file->size);
    g_autofree bool *exercised = g_new0(bool, set->rules->len + 1);
    g_autoptr(FerryRules) alone = merge(file, NULL);
    g_autoptr(FerryRules) merged = merge(file, others);
    Lint lint = { set, alone, merged, remarks, exercised };

    if (set->fault != NULL)
        add_remark(remarks, FERRY_LINT_ERROR, "broken", "%s",
                   file->refusal != NULL ? file->refusal : set->fault);
    else
        lint_set(&lint);
    return remarks;
}

GPtrArray *
ferry_lint_description(const char *text, size_t size)
{
    GPtrArray *remarks = g_ptr_array_new_with_free_func(remark_free);
    g_autoptr(FerryFacts) facts = ferry_facts_parse(text, size);

    if (facts->fault != NULL) {
        add_remark(remarks, FERRY_LINT_ERROR, "malformed", "%s: %s", facts->fault->key,
                   facts->fault->reason);
        return remarks;
    }
    lint_inert_keys(facts, "compatible", remarks);
    lint_self(facts, "compatible", remarks);
    return remarks;
}
