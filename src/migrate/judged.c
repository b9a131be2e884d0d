#include "migrate/judged.h"

#include <string.h>

#include "base/clock.h"

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

static json_t *
loads_to_json(const FerryHistoryLoads *loads)
{
    int64_t last_us = MAX(loads->success_us, loads->rejected_us);
    g_autofree char *last = last_us == 0 ? NULL : ferry_clock_format(last_us);

    return json_pack("{s:i, s:i, s:s?}", "success", (int)loads->n_success, "rejected",
                     (int)loads->n_rejected, "last", last);
}

static json_t *
candidates_to_json(const FerryJudged *self, const GPtrArray *kinds)
{
    json_t *candidates = json_array();

    for (guint i = 0; i < self->ranked->len; i++) {
        const FerryRanked *ranked = g_ptr_array_index(self->ranked, i);
        const FerrySlotKind *kind = g_ptr_array_index(kinds, ranked->index);
        json_t *one = ferry_verdict_to_json(ranked->verdict);

        json_object_set_new(one, "name", json_string(ranked->name));
        json_object_set_new(one, "available", json_integer(kind->available));
        json_object_set_new(one, "return", json_boolean(ranked->has_return));
        json_object_set_new(one, "loads", loads_to_json(&self->loads[ranked->index]));
        json_array_append_new(candidates, one);
    }
    return candidates;
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
    self->candidates = candidates_to_json(self, kinds);
    return self;
}

void
ferry_judged_free(FerryJudged *self)
{
    if (self == NULL)
        return;
    json_decref(self->candidates);
    g_ptr_array_unref(self->ranked);
    g_ptr_array_unref(self->facts);
    g_free(self->loads);
    g_free(self);
}
