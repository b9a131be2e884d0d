#pragma once

#include "migrate/slot-kind.h"

/**
 * The claims of the reservation that the plan names, be they its job's by now.
 *
 * @ret: (out) (nullable) (transfer full): array of FerryClaimRow; NULL when it names none
 *
 * Returns: false with the store's errors
 */
bool ferry_slots_held(FerryPools *pools, const FerryPlan *plan, GPtrArray **ret, GError **error);

/**
 * All kinds of slots that a need may be met by.  Nothing of the source's addresses or UUIDs is
 * looked at.
 *
 * @ret: gets a FerrySlotKind each
 * @ret_reason: (out) (nullable) (transfer full): {code, message} when there is not even a place to
 *              look at: no such pool, one of another kind, no such device, none of the
 *              vendor and product that the guest's definition expects
 *
 * Returns: false with what ferry_pools_view() says
 */
bool ferry_slots_find(const FerrySlotHost *host,
                      const FerryPlanNeed *need,
                      GPtrArray *ret,
                      json_t **ret_reason,
                      GError **error);
