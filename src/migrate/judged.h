#pragma once

#include "compat/rank.h"
#include "migrate/need.h"
#include "migrate/slots.h"
#include "store/history.h"

/** What the rules and the history say of the slots that a device's state could go into; a value. */
typedef struct {
    GPtrArray *facts;         /* of FerryFacts, beside the kinds of slots */
    FerryHistoryLoads *loads; /* beside @facts: what came of such a state in such a device before */
    GPtrArray *ranked;        /* of FerryRanked, best first */
    json_t *candidates;       /* the same as the API has it; shared by all who show it */
} FerryJudged;

/**
 * @kinds: of FerrySlotKind, with facts; their names are borrowed: they outlive what is read of the
 * result
 * @store: (nullable): nothing is remembered
 */
FerryJudged *ferry_judged_new(const FerryPlanNeed *need,
                              const GPtrArray *kinds,
                              const FerryRules *rules,
                              FerryStore *store);
void ferry_judged_free(FerryJudged *self);
