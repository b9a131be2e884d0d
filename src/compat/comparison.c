#include "compat/comparison.h"

bool
ferry_comparison_is_listed(const FerryComparison *self, const char *key)
{
    return self->entry != NULL && ferry_entry_mentions(self->entry, key);
}

const FerryRule *
ferry_comparison_ignoring_rule(const FerryComparison *self, const char *key)
{
    return ferry_comparison_is_listed(self, key) ? NULL : ferry_ruling_ignores(self->ruling, key);
}

static FerryFinding *
make_finding(const char *key,
             FerryVerdictLevel level,
             FerryFindingCode code,
             const FerryValue *source,
             const FerryValue *target)
{
    FerryFinding *finding = ferry_finding_new(key, level, code);

    if (source != NULL)
        finding->source = ferry_value_format(source);
    if (target != NULL)
        finding->target = ferry_value_format(target);
    return finding;
}

void
ferry_comparison_note(FerryComparison *self,
                      const char *key,
                      FerryVerdictLevel level,
                      FerryFindingCode code,
                      const FerryValue *source,
                      const FerryValue *target,
                      const char *detail)
{
    const FerryRule *rule =
        level == FERRY_VERDICT_YES ? NULL : ferry_comparison_ignoring_rule(self, key);
    FerryFinding *finding = NULL;

    if (rule != NULL) {
        level = FERRY_VERDICT_YES;
        code = FERRY_CODE_RELAXED;
        detail = ferry_rule_name(rule);
    }
    if (level == FERRY_VERDICT_YES && (self->flags & FERRY_CHECK_EXPLAIN) == 0)
        return;
    finding = make_finding(key, level, code, source, target);
    finding->detail = g_strdup(detail);
    g_ptr_array_add(self->findings, finding);
}

void
ferry_comparison_note_settable(FerryComparison *self,
                               const char *key,
                               const FerryValue *source,
                               const FerryValue *target,
                               const FerryValue *chosen,
                               const char *detail)
{
    FerryFinding *finding = NULL;

    ferry_comparison_note(self, key, FERRY_VERDICT_PROVISION, FERRY_CODE_SETTABLE, source, target,
                          detail);
    if (ferry_comparison_ignoring_rule(self, key) != NULL)
        return;
    finding = self->findings->pdata[self->findings->len - 1];
    finding->set = ferry_value_format(chosen);
}

void
ferry_comparison_note_missing(FerryComparison *self,
                              const char *key,
                              const FerryValue *source,
                              const FerryValue *target,
                              const char *detail)
{
    FerryFindingCode code = FERRY_CODE_MISSING_BOTH;

    if (source != NULL)
        code = FERRY_CODE_MISSING_TARGET;
    else if (target != NULL)
        code = FERRY_CODE_MISSING_SOURCE;
    ferry_comparison_note(self, key, FERRY_VERDICT_UNKNOWN, code, source, target, detail);
}

bool
ferry_comparison_is_equated(FerryComparison *self,
                            const char *key,
                            const FerryValue *source,
                            const FerryValue *target)
{
    const FerryRule *rule = NULL;

    if (source == NULL || target == NULL || ferry_comparison_is_listed(self, key))
        return false;
    rule = ferry_ruling_equates(self->ruling, key, source, target);
    if (rule == NULL)
        return false;
    ferry_comparison_note(self, key, FERRY_VERDICT_YES, FERRY_CODE_RELAXED, source, target,
                          ferry_rule_name(rule));
    return true;
}
