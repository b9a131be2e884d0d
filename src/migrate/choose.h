#pragma once

#include "migrate/judged.h"
#include "migrate/ledger.h"

/** One need on its way to its answer; all of it is the caller's. */
typedef struct {
    const FerryPlan *plan;
    const FerryPlanNeed *need;
    guint place;               /* of @need among the plan's */
    GPtrArray *kinds;          /* of FerrySlotKind */
    json_t *missing;           /* (nullable) why there can be no kinds: a reason */
    const FerryJudged *judged; /* of them; NULL when nothing is judged */
    json_t *reasons;           /* gets one more when nothing is chosen */
} FerryOffer;

/** Returns: (transfer none): the kind of slots that was judged so */
const FerrySlotKind *ferry_offer_kind_of(const FerryOffer *offer, const FerryRanked *ranked);

/**
 * For state that is carried: the best one that is acceptable, and of which something is left.
 *
 * @ret_why: (out) (transfer none): why that one and not the next
 *
 * Returns: (nullable) (transfer none): NULL with a reason
 */
const FerryRanked *
ferry_choose_judged(const FerryOffer *offer, const FerryLedger *ledger, const char **ret_why);

/**
 * What is only plugged anew fits anywhere: a PF with link first.
 *
 * Returns: (nullable) (transfer none): NULL with a reason, unless the need may do without
 */
const FerrySlotKind *ferry_choose_any(const FerryOffer *offer, const FerryLedger *ledger);
