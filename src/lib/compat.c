/* The exported half of the compatibility engine: C types only.  include/ferry/compat.h says how. */
#include "ferry/compat.h"

#include <string.h>

#include "compat/baseline.h"
#include "compat/check.h"
#include "compat/conversion.h"
#include "compat/pool-json.h"
#include "compat/rank.h"
#include "compat/rule-dir.h"

/* The numbers are the ABI's: the engine's may not drift away from them. */
G_STATIC_ASSERT((int)FERRY_COMPAT_YES == (int)FERRY_VERDICT_YES);
G_STATIC_ASSERT((int)FERRY_COMPAT_PROVISION == (int)FERRY_VERDICT_PROVISION);
G_STATIC_ASSERT((int)FERRY_COMPAT_UNKNOWN == (int)FERRY_VERDICT_UNKNOWN);
G_STATIC_ASSERT((int)FERRY_COMPAT_NO == (int)FERRY_VERDICT_NO);
G_STATIC_ASSERT((int)FERRY_COMPAT_MALFORMED == (int)FERRY_VERDICT_MALFORMED);
G_STATIC_ASSERT((int)FERRY_COMPAT_OBSERVED_SUCCESS == (int)FERRY_OBSERVED_SUCCESS);
G_STATIC_ASSERT((int)FERRY_COMPAT_OBSERVED_REJECTION == (int)FERRY_OBSERVED_REJECTION);
G_STATIC_ASSERT((int)FERRY_COMPAT_EXPLAIN == (int)FERRY_CHECK_EXPLAIN);

struct FerryCompatVerdict {
    FerryVerdict *verdict;
    GStrv differing;
};

/* A description and a rule set are the engine's own, under a name without GLib behind it. */
static const FerryFacts *
engine_facts(const FerryCompatFacts *facts)
{
    return (const FerryFacts *)facts;
}

const char *
ferry_compat_library_version(void)
{
    return FERRY_VERSION;
}

void
ferry_compat_string_free(char *text)
{
    g_free(text);
}

FerryCompatFacts *
ferry_compat_facts_new(const char *text, size_t size)
{
    return (FerryCompatFacts *)ferry_facts_parse(text, size);
}

void
ferry_compat_facts_free(FerryCompatFacts *facts)
{
    ferry_facts_free((FerryFacts *)facts);
}

const char *
ferry_compat_facts_fault(const FerryCompatFacts *facts)
{
    const FerryFault *fault = engine_facts(facts)->fault;

    return fault != NULL ? fault->reason : NULL;
}

char *
ferry_compat_facts_fingerprint(const FerryCompatFacts *facts)
{
    return ferry_facts_fingerprint(engine_facts(facts));
}

FerryCompatRules *
ferry_compat_rules_new(const FerryCompatRuleFile *files, size_t n_files)
{
    g_autoptr(GPtrArray) read =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);

    for (size_t i = 0; i < n_files; i++)
        g_ptr_array_add(read, ferry_rule_file_new(files[i].priority, files[i].name, files[i].text,
                                                  files[i].size));
    return (FerryCompatRules *)ferry_rules_new(read);
}

static bool
read_paths(const char *const *paths, GPtrArray *files, GError **error)
{
    if (paths == NULL)
        return ferry_rule_dir_read_system("", files, error);
    for (unsigned i = 0; paths[i] != NULL; i++) {
        if (!ferry_rule_dir_read(paths[i], i, FERRY_TRUST_ANY, files, error))
            return false;
    }
    return true;
}

FerryCompatRules *
ferry_compat_rules_load(const char *const *paths, char **error)
{
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_autoptr(GError) failure = NULL;

    if (!read_paths(paths, files, &failure)) {
        if (error != NULL)
            *error = g_strdup(failure->message);
        return NULL;
    }
    return (FerryCompatRules *)ferry_rules_new(files);
}

void
ferry_compat_rules_free(FerryCompatRules *rules)
{
    ferry_rules_free((FerryRules *)rules);
}

FerryCompatVerdict *
ferry_compat_check(const FerryCompatFacts *source,
                   const FerryCompatFacts *target,
                   const FerryCompatRules *rules,
                   unsigned observed,
                   unsigned flags)
{
    FerryCompatVerdict *self = g_new0(FerryCompatVerdict, 1);
    FerryCheckOptions options = { .rules = (const FerryRules *)rules,
                                  .observations = (FerryObservations)observed,
                                  .flags = (FerryCheckFlags)flags };

    self->verdict = ferry_check(engine_facts(source), engine_facts(target), &options);
    self->differing = ferry_verdict_differing(self->verdict);
    return self;
}

void
ferry_compat_verdict_free(FerryCompatVerdict *verdict)
{
    if (verdict == NULL)
        return;
    ferry_verdict_free(verdict->verdict);
    g_strfreev(verdict->differing);
    g_free(verdict);
}

FerryCompatLevel
ferry_compat_verdict_level(const FerryCompatVerdict *verdict)
{
    return (FerryCompatLevel)verdict->verdict->level;
}

const char *
ferry_compat_verdict_basis(const FerryCompatVerdict *verdict)
{
    return ferry_basis_name(verdict->verdict->basis);
}

size_t
ferry_compat_verdict_n_differing(const FerryCompatVerdict *verdict)
{
    return g_strv_length(verdict->differing);
}

const char *
ferry_compat_verdict_differing(const FerryCompatVerdict *verdict, size_t i)
{
    return i < g_strv_length(verdict->differing) ? verdict->differing[i] : NULL;
}

size_t
ferry_compat_verdict_n_findings(const FerryCompatVerdict *verdict)
{
    return verdict->verdict->findings->len;
}

const char *
ferry_compat_finding(const FerryCompatVerdict *verdict, size_t i, FerryCompatFindingField field)
{
    const FerryFinding *finding = NULL;

    if (i >= verdict->verdict->findings->len)
        return NULL;
    finding = verdict->verdict->findings->pdata[i];
    switch (field) {
    case FERRY_COMPAT_FINDING_KEY:
        return finding->key;
    case FERRY_COMPAT_FINDING_CODE:
        return ferry_finding_code_name(finding->code);
    case FERRY_COMPAT_FINDING_LEVEL:
        return ferry_verdict_level_name(finding->level);
    case FERRY_COMPAT_FINDING_SOURCE:
        return finding->source;
    case FERRY_COMPAT_FINDING_TARGET:
        return finding->target;
    case FERRY_COMPAT_FINDING_SET:
        return finding->set;
    case FERRY_COMPAT_FINDING_REASON:
        return finding->reason;
    }
    return NULL; /* a field of a later version */
}

char *
ferry_compat_verdict_json(const FerryCompatVerdict *verdict)
{
    g_autoptr(json_t) json = ferry_verdict_to_json(verdict->verdict);

    return ferry_json_canonical(json);
}

const char *
ferry_compat_level_name(FerryCompatLevel level)
{
    return (unsigned)level < FERRY_N_VERDICTS ? ferry_verdict_level_name((FerryVerdictLevel)level)
                                              : NULL;
}

size_t
ferry_compat_rank(const FerryCompatFacts *source,
                  const FerryCompatFacts *const *targets,
                  size_t n_targets,
                  const FerryCompatRules *rules,
                  size_t *order)
{
    g_autofree FerryCandidate *candidates = g_new0(FerryCandidate, n_targets + 1);
    FerryCheckOptions options = { .rules = (const FerryRules *)rules };
    g_autoptr(GPtrArray) ranked = NULL;
    size_t n_usable = 0;

    for (size_t i = 0; i < n_targets; i++)
        candidates[i] = (FerryCandidate){ .facts = engine_facts(targets[i]) };
    ranked = ferry_rank(engine_facts(source), candidates, n_targets, &options);
    for (size_t i = 0; i < n_targets; i++) {
        const FerryRanked *one = ranked->pdata[i];
        order[i] = one->index;
        n_usable += one->is_usable;
    }
    return n_usable;
}

char *
ferry_compat_baseline(const FerryCompatFacts *const *hosts,
                      size_t n_hosts,
                      const FerryCompatRules *rules)
{
    g_autoptr(FerryBaseline) baseline = NULL;
    g_autoptr(json_t) json = NULL;

    if (n_hosts == 0)
        return NULL;
    baseline = ferry_baseline((const FerryFacts *const *)hosts, n_hosts, (const FerryRules *)rules);
    json = ferry_baseline_to_json(baseline);
    return ferry_json_canonical(json);
}

char *
ferry_compat_notation(const char *text, size_t size, size_t *offset, const char **error)
{
    FerryNotationFault fault = { FERRY_NOTATION_BAD_FORM, 0 };
    g_autoptr(FerryConversion) conversion = ferry_conversion_new(text, size, &fault);

    if (conversion != NULL && conversion->reason == NULL)
        return ferry_conversion_is_json(text, size) ? g_steal_pointer(&conversion->text)
                                                    : ferry_json_canonical(conversion->json);
    if (offset != NULL)
        *offset = fault.offset;
    if (error != NULL)
        *error = conversion != NULL ? conversion->reason : ferry_notation_code_name(fault.code);
    return NULL;
}
