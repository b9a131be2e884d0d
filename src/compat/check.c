/*
 * The order of evaluation (ferry-compat(1), VERDICT):
 *
 *   malformed or newer descriptions end it · rules see the facts as given · assumptions fill gaps ·
 *   hard findings · comparison by list or default rules, relaxed · allow drops unknown and no ·
 *   observations · the worst finding is the verdict
 */
#include "compat/check.h"

#include <string.h>

#include "compat/compare.h"
#include "compat/list.h"

static GPtrArray *
new_findings(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)ferry_finding_free);
}

static FerryVerdictLevel
worst_level(const GPtrArray *findings)
{
    FerryVerdictLevel worst = FERRY_VERDICT_YES;

    for (guint i = 0; i < findings->len; i++)
        worst = MAX(worst, ((const FerryFinding *)findings->pdata[i])->level);
    return worst;
}

static void
add_document_finding(GPtrArray *findings, FerryVerdictLevel level, const char *key, char *detail)
{
    FerryFinding *finding = ferry_finding_new(
        key, level,
        level == FERRY_VERDICT_MALFORMED ? FERRY_CODE_MALFORMED : FERRY_CODE_NEWER_FORMAT);

    finding->detail = detail;
    g_ptr_array_add(findings, finding);
}

/* Step 1: descriptions that are not judged; malformed hides newer. */
static void
check_documents(const FerryFacts *source, const FerryFacts *target, GPtrArray *findings)
{
    const FerryFacts *sides[] = { source, target };
    static const char *const names[] = { "source", "target" };
    bool has_fault = source->fault != NULL || target->fault != NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
        const FerryFault *fault = sides[i]->fault;
        if (fault != NULL)
            add_document_finding(
                findings, FERRY_VERDICT_MALFORMED, fault->key,
                g_strdup_printf("%s cannot be read here: %s", names[i], fault->reason));
        else if (!has_fault && sides[i]->is_newer_format)
            add_document_finding(findings, FERRY_VERDICT_UNKNOWN, "format", g_strdup(names[i]));
    }
}

/* Step 3: what no list and no rule lifts. */
static void
check_hard(FerryComparison *comparison)
{
    const FerryValue *source = ferry_facts_fact(comparison->source, FERRY_FACT_DEVICE_API);
    const FerryValue *target = ferry_facts_fact(comparison->target, FERRY_FACT_DEVICE_API);
    FerryFindingCode missing = source != NULL   ? FERRY_CODE_MISSING_TARGET
                               : target != NULL ? FERRY_CODE_MISSING_SOURCE
                                                : FERRY_CODE_MISSING_BOTH;

    if (source == NULL || target == NULL)
        ferry_comparison_note(comparison, "device_api", FERRY_VERDICT_UNKNOWN, missing, source,
                              target, NULL);
    else if (ferry_value_equal(source, target))
        ferry_comparison_note(comparison, "device_api", FERRY_VERDICT_YES, FERRY_CODE_EQUAL, source,
                              target, NULL);
    else
        ferry_comparison_note(comparison, "device_api", FERRY_VERDICT_NO, FERRY_CODE_DIFFERS,
                              source, target, "the guest would see another kind of device");
    if (comparison->source->migratable == FERRY_MIGRATABLE_NO)
        ferry_comparison_note(comparison, "migratable", FERRY_VERDICT_NO, FERRY_CODE_NOT_MIGRATABLE,
                              NULL, NULL, "source");
    else if (comparison->target->migratable == FERRY_MIGRATABLE_NO)
        ferry_comparison_note(comparison, "migratable", FERRY_VERDICT_NO, FERRY_CODE_NOT_MIGRATABLE,
                              NULL, NULL, "target");
}

/* Step 4: by the list if the target has one and it is asked, else by the default rules. */
static FerryBasis
compare_pair(FerryComparison *comparison)
{
    if (comparison->target->list != NULL) {
        ferry_list_compare(comparison);
        return FERRY_BASIS_LIST;
    }
    ferry_compare(comparison);
    return comparison->by_equality ? FERRY_BASIS_EQUALITY : FERRY_BASIS_DEFAULT;
}

/* Step 5: the allow rule drops what refuses, and keeps what must still be done. */
static void
apply_allow(FerryComparison *comparison)
{
    GPtrArray *findings = comparison->findings;

    /* A refused list must not swallow a creation step: ask the default rules for those. */
    if (comparison->target->list != NULL) {
        g_ptr_array_set_size(findings, 0);
        ferry_compare(comparison);
    }
    for (guint i = findings->len; i-- > 0;) {
        FerryFinding *finding = findings->pdata[i];
        if (finding->level < FERRY_VERDICT_UNKNOWN)
            continue;
        if ((comparison->flags & FERRY_CHECK_EXPLAIN) == 0) {
            g_ptr_array_remove_index(findings, i);
            continue;
        }
        finding->level = FERRY_VERDICT_YES;
        finding->code = FERRY_CODE_ALLOWED;
        g_free(finding->detail);
        finding->detail = g_strdup(ferry_rule_name(comparison->ruling->allow));
    }
}

/* Steps 4 and 5 where an allow rule holds: its findings are kept apart until it has dropped some.
 */
static FerryBasis
compare_allowed(FerryComparison *comparison)
{
    GPtrArray *findings = comparison->findings;
    g_autoptr(GPtrArray) compared = new_findings();
    FerryBasis basis = FERRY_BASIS_RULE;

    comparison->findings = compared;
    basis = compare_pair(comparison);
    if (worst_level(compared) >= FERRY_VERDICT_UNKNOWN) {
        apply_allow(comparison);
        basis = FERRY_BASIS_RULE;
    }
    g_ptr_array_extend_and_steal(findings, g_steal_pointer(&compared));
    return basis;
}

/* Steps 2 to 5; returns the basis, should the verdict be a yes or provision. */
static FerryBasis
evaluate(const FerryFacts *source,
         const FerryFacts *target,
         const FerryRuling *ruling,
         FerryCheckFlags flags,
         GPtrArray *findings)
{
    GPtrArray *notes = (flags & FERRY_CHECK_EXPLAIN) != 0 ? findings : NULL;
    g_autoptr(FerryFacts) filled_source =
        ferry_ruling_assume(ruling, FERRY_SIDE_SOURCE, source, notes);
    g_autoptr(FerryFacts) filled_target =
        ferry_ruling_assume(ruling, FERRY_SIDE_TARGET, target, notes);
    FerryRuling no_rules = { .relax = NULL };
    FerryComparison comparison = { .source = filled_source != NULL ? filled_source : source,
                                   .target = filled_target != NULL ? filled_target : target,
                                   .ruling = ruling,
                                   .flags = flags,
                                   .findings = findings };
    FerryComparison hard = comparison;

    hard.ruling = &no_rules;
    check_hard(&hard);
    return ruling->allow != NULL ? compare_allowed(&comparison) : compare_pair(&comparison);
}

/* Whether the verdict would have been another one without any allow or relax rule. */
static bool
rules_were_needed(const FerryFacts *source, const FerryFacts *target, FerryVerdictLevel level)
{
    FerryRuling no_rules = { .relax = NULL };
    g_autoptr(GPtrArray) findings = new_findings();

    (void)evaluate(source, target, &no_rules, FERRY_CHECK_PLAIN, findings);
    return worst_level(findings) != level;
}

static bool
only_identity_is_unknown(const GPtrArray *findings)
{
    for (guint i = 0; i < findings->len; i++) {
        const FerryFinding *finding = findings->pdata[i];
        if (finding->level == FERRY_VERDICT_UNKNOWN && finding->code != FERRY_CODE_IDENTITY_DIFFERS)
            return false;
    }
    return true;
}

static void
rewrite_unknown(FerryVerdict *self, FerryVerdictLevel level, FerryFindingCode code)
{
    for (guint i = 0; i < self->findings->len; i++) {
        FerryFinding *finding = self->findings->pdata[i];
        if (finding->level == FERRY_VERDICT_UNKNOWN) {
            finding->level = level;
            finding->code = code;
        }
    }
    self->basis = FERRY_BASIS_OBSERVED;
}

/* Step 6: experience speaks only where identity is all that is in doubt. */
static void
apply_observations(FerryVerdict *self, FerryObservations seen)
{
    FerryVerdictLevel level = worst_level(self->findings);
    bool is_open = level == FERRY_VERDICT_UNKNOWN && only_identity_is_unknown(self->findings);

    if (level != FERRY_VERDICT_UNKNOWN && (seen & FERRY_OBSERVED_REJECTION) != 0) {
        self->warnings = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(self->warnings,
                        g_strdup("exactly such a target refused the state of exactly such a source "
                                 "before; the verdict does not take this into account"));
    }
    if (is_open && seen == FERRY_OBSERVED_SUCCESS)
        rewrite_unknown(self, FERRY_VERDICT_YES, FERRY_CODE_OBSERVED);
    else if (is_open && seen == FERRY_OBSERVED_REJECTION)
        rewrite_unknown(self, FERRY_VERDICT_NO, FERRY_CODE_OBSERVED_FAILURE);
}

static void
drop_notes(FerryVerdict *self)
{
    for (guint i = self->findings->len; i-- > 0;) {
        if (((const FerryFinding *)self->findings->pdata[i])->level == FERRY_VERDICT_YES)
            g_ptr_array_remove_index(self->findings, i);
    }
}

/* Step 7. */
static void
conclude(FerryVerdict *self, FerryCheckFlags flags)
{
    self->level = worst_level(self->findings);
    if ((flags & FERRY_CHECK_EXPLAIN) == 0)
        drop_notes(self);
    if (self->findings->len > 0)
        g_ptr_array_sort(self->findings, ferry_finding_compare);
    for (guint i = 0; i < self->findings->len; i++)
        ferry_finding_describe(self->findings->pdata[i]);
    if (!ferry_verdict_is_usable(self) &&
        !(self->level == FERRY_VERDICT_NO && self->basis == FERRY_BASIS_OBSERVED))
        self->basis = FERRY_BASIS_NONE;
}

/* Steps 2 to 5 with rules; their own findings come last. */
static void
check_with_rules(FerryVerdict *self,
                 const FerryFacts *source,
                 const FerryFacts *target,
                 const FerryCheckOptions *options)
{
    g_autoptr(FerryRuling) ruling = ferry_rules_apply(options->rules, source, target);
    FerryVerdictLevel level = FERRY_VERDICT_YES;

    self->basis = evaluate(source, target, ruling, options->flags, self->findings);
    level = worst_level(self->findings);
    if (self->basis != FERRY_BASIS_RULE && ruling->relax->len > 0 &&
        level < FERRY_VERDICT_UNKNOWN && rules_were_needed(source, target, level))
        self->basis = FERRY_BASIS_RULE;
    g_ptr_array_extend_and_steal(self->findings, g_steal_pointer(&ruling->findings));
}

FerryVerdict *
ferry_check(const FerryFacts *source, const FerryFacts *target, const FerryCheckOptions *options)
{
    static const FerryCheckOptions nothing = { .rules = NULL };
    FerryVerdict *self = g_new0(FerryVerdict, 1);
    FerryRuling no_rules = { .relax = NULL };

    if (options == NULL)
        options = &nothing;
    self->findings = new_findings();
    check_documents(source, target, self->findings);
    if (self->findings->len > 0) {
        conclude(self, options->flags);
        return self;
    }
    if (options->rules != NULL)
        check_with_rules(self, source, target, options);
    else
        self->basis = evaluate(source, target, &no_rules, options->flags, self->findings);
    apply_observations(self, options->observations);
    conclude(self, options->flags);
    return self;
}
