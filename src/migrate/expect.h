#pragma once

#include "migrate/need.h"

/**
 * Whether a device is made by the hardware that the guest's definition expects: its vendor_id and
 * product_id, if it has them, are those of the parent ("parent_id" of the facts).
 *
 * @facts: (nullable): of the device, or of a type of its parent
 * @ret_why: (out) (nullable) (transfer full): when it is not, or is not known to be: both values
 */
bool ferry_expect_met(const FerryPlanNeed *need, const json_t *facts, char **ret_why);
