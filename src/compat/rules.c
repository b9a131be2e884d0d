#include "compat/rules.h"

#include <string.h>

#include "compat/rule.h"

struct _FerryRules {
    GPtrArray *sets; /* of FerryRuleSet, bytewise by name */
};

#define SUFFIX ".json"

FerryRuleFile *
ferry_rule_file_new(unsigned priority, const char *name, const char *text, size_t size)
{
    FerryRuleFile *file = g_new0(FerryRuleFile, 1);

    file->priority = priority;
    file->name = g_strdup(name);
    file->text = g_malloc(size + 1);
    memcpy(file->text, text, size);
    file->text[size] = '\0';
    file->size = size;
    return file;
}

FerryRuleFile *
ferry_rule_file_new_refused(unsigned priority, const char *name, const char *why)
{
    FerryRuleFile *file = g_new0(FerryRuleFile, 1);

    file->priority = priority;
    file->name = g_strdup(name);
    file->refusal = g_strdup(why);
    return file;
}

void
ferry_rule_file_free(FerryRuleFile *file)
{
    if (file == NULL)
        return;
    g_free(file->name);
    g_free(file->text);
    g_free(file->refusal);
    g_free(file);
}

bool
ferry_rule_file_name_is_valid(const char *name)
{
    size_t size = strlen(name);

    if (size <= strlen(SUFFIX) || !g_str_has_suffix(name, SUFFIX) || strchr("._-", name[0]) != NULL)
        return size > strlen(SUFFIX) && name[0] == '_' && g_str_has_suffix(name, SUFFIX);
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isalnum(name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    }
    return true;
}

/* By name, and of one name the file that counts first. */
static int
compare_files(gconstpointer a, gconstpointer b)
{
    const FerryRuleFile *left = *(const FerryRuleFile *const *)a;
    const FerryRuleFile *right = *(const FerryRuleFile *const *)b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order
                      : (left->priority < right->priority) - (left->priority > right->priority);
}

static FerryRuleSet *
read_file(const FerryRuleFile *file)
{
    g_autofree char *name = g_strndup(file->name, strlen(file->name) - strlen(SUFFIX));
    FerryRuleSet *set = NULL;

    if (file->text != NULL)
        return ferry_rule_set_parse(name, file->text, file->size);
    set = ferry_rule_set_parse(name, "", 0);
    g_free(set->fault);
    set->fault = g_strdup(file->refusal);
    return set;
}

FerryRules *
ferry_rules_new(const GPtrArray *files)
{
    FerryRules *self = g_new0(FerryRules, 1);
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    const char *previous = "";
    size_t n_rules = 0;

    self->sets = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_set_free);
    for (guint i = 0; i < files->len; i++)
        g_ptr_array_add(sorted, files->pdata[i]);
    g_ptr_array_sort(sorted, compare_files);
    for (guint i = 0; i < sorted->len; i++) {
        const FerryRuleFile *file = sorted->pdata[i];
        FerryRuleSet *set = NULL;
        bool is_masked =
            strcmp(file->name, previous) == 0 || (file->text != NULL && file->size == 0);

        previous = file->name;
        if (is_masked || !ferry_rule_file_name_is_valid(file->name))
            continue;
        set = read_file(file);
        n_rules += set->rules->len;
        if (n_rules > FERRY_RULES_MAX && set->fault == NULL)
            set->fault = g_strdup("with it there are more than 1024 rules");
        g_ptr_array_add(self->sets, set);
    }
    return self;
}

void
ferry_rules_free(FerryRules *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->sets);
    g_free(self);
}

static void
add_finding(FerryRuling *self,
            char *key,
            FerryVerdictLevel level,
            FerryFindingCode code,
            const char *detail)
{
    g_autofree char *owned = key;
    FerryFinding *finding = ferry_finding_new(owned, level, code);

    finding->detail = g_strdup(detail);
    g_ptr_array_add(self->findings, finding);
}

/* The rule's reason, and the values that it wants to be the same. */
static void
deny(FerryRuling *self,
     const FerryRule *rule,
     FerryTruth truth,
     const FerryFacts *source,
     const FerryFacts *target)
{
    g_autoptr(GString) text = g_string_new(rule->reason);

    for (char **key = rule->differ; *key != NULL; key++) {
        const FerryValue *left = ferry_facts_find(source, *key);
        const FerryValue *right = ferry_facts_find(target, *key);
        g_autofree char *here = left != NULL ? ferry_value_format(left) : NULL;
        g_autofree char *there = right != NULL ? ferry_value_format(right) : NULL;

        if (here != NULL && there != NULL)
            g_string_append_printf(text, " (%s: the source has \"%s\", the target \"%s\")", *key,
                                   here, there);
    }
    add_finding(self, g_strconcat("rule:", rule->name, NULL),
                truth == FERRY_TRUTH_TRUE ? FERRY_VERDICT_NO : FERRY_VERDICT_UNKNOWN,
                truth == FERRY_TRUTH_TRUE ? FERRY_CODE_DENIED : FERRY_CODE_MAYBE_DENIED, text->str);
}

static void
apply_rule(FerryRuling *self,
           const FerryRule *rule,
           const FerryFacts *source,
           const FerryFacts *target)
{
    FerryTruth truth = ferry_rule_test(rule, source, target);

    if (truth == FERRY_TRUTH_FALSE)
        return;
    if (rule->effect == FERRY_EFFECT_DENY)
        deny(self, rule, truth, source, target);
    else if (truth == FERRY_TRUTH_TRUE && rule->effect == FERRY_EFFECT_RELAX)
        g_ptr_array_add(self->relax, (gpointer)rule);
    else if (truth == FERRY_TRUTH_TRUE && self->allow == NULL)
        self->allow = rule;
}

FerryRuling *
ferry_rules_apply(const FerryRules *rules, const FerryFacts *source, const FerryFacts *target)
{
    FerryRuling *self = g_new0(FerryRuling, 1);

    self->findings = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_finding_free);
    self->relax = g_ptr_array_new();
    for (guint i = 0; rules != NULL && i < rules->sets->len; i++) {
        const FerryRuleSet *set = rules->sets->pdata[i];

        if (set->fault != NULL) {
            add_finding(self, g_strconcat("rules:", set->name, NULL), FERRY_VERDICT_UNKNOWN,
                        FERRY_CODE_BROKEN_RULES, set->fault);
            continue;
        }
        for (guint j = 0; j < set->rules->len; j++)
            apply_rule(self, set->rules->pdata[j], source, target);
    }
    return self;
}

void
ferry_ruling_free(FerryRuling *self)
{
    if (self == NULL)
        return;
    g_clear_pointer(&self->findings, g_ptr_array_unref);
    g_clear_pointer(&self->relax, g_ptr_array_unref);
    g_free(self);
}
