#include "migrate/judged.h"

#include <string.h>

static FerryFacts *
read_facts(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    FerryFacts *facts = ferry_facts_parse(text, strlen(text)); /* judges a peer's size and depth */

    free(text);
    return facts;
}

/* Section 5.4 of the rules. */
static FerryHistoryLoads
remembered(FerryStore *store, const FerryPlanNeed *need, const FerryFacts *target)
{
    FerryHistoryLoads loads = { 0 };
    g_autofree char *print = NULL;

    if (store == NULL || need->source_print == NULL || target->fault != NULL)
        return loads;
    print = ferry_facts_fingerprint(target);
    (void)ferry_history_loads(store, need->source_print, print, &loads, NULL);
    return loads;
}

static FerryObservations
observations_of(const FerryHistoryLoads *loads)
{
    return (loads->n_success > 0 ? FERRY_OBSERVED_SUCCESS : FERRY_OBSERVED_NOTHING) |
           (loads->n_rejected > 0 ? FERRY_OBSERVED_REJECTION : FERRY_OBSERVED_NOTHING);
}

FerryJudged *
ferry_judged_new(const FerryPlanNeed *need,
                 const GPtrArray *kinds,
                 const FerryRules *rules,
                 FerryStore *store)
{
    FerryJudged *self = g_new0(FerryJudged, 1);
    g_autoptr(FerryFacts) source = read_facts(need->facts);
    g_autofree FerryCandidate *candidates = g_new0(FerryCandidate, kinds->len);
    FerryCheckOptions options = { .rules = rules, .flags = FERRY_CHECK_EXPLAIN };

    self->loads = g_new0(FerryHistoryLoads, kinds->len);
    self->facts = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free);
    for (guint i = 0; i < kinds->len; i++) {
        const FerrySlotKind *kind = g_ptr_array_index(kinds, i);
        FerryFacts *facts = read_facts(kind->facts);

        self->loads[i] = remembered(store, need, facts);
        g_ptr_array_add(self->facts, facts);
        candidates[i] = (FerryCandidate){ .facts = facts,
                                          .name = kind->name,
                                          .observations = observations_of(&self->loads[i]) };
    }
    self->ranked = ferry_rank(source, candidates, kinds->len, &options);
    return self;
}

void
ferry_judged_free(FerryJudged *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->ranked);
    g_ptr_array_unref(self->facts);
    g_free(self->loads);
    g_free(self);
}
