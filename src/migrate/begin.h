#pragma once

#include "migrate/run.h"
#include "xml/domain.h"

/**
 * The source's half of plan and check: what the guest is, and what of it cannot travel.
 *
 * @ret_plan: (out) (transfer full): complete but for nothing, also when there are reasons
 * @reasons: an array that {code, message} of each objection is added to
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_IO, FERRY_ERROR_INVALID (its XML)
 */
bool ferry_begin_plan(FerryMigrator *migrator,
                      const FerryMigrationRequest *request,
                      FerryPlan **ret_plan,
                      json_t *reasons,
                      GError **error);

/** The target's half: what this host lacks for it.  As above. */
bool
ferry_begin_check(FerryMigrator *migrator, const FerryPlan *plan, json_t *reasons, GError **error);

/** Why a guest could not move anywhere, as "ferry guest show" tells it: as ferry_begin_plan(). */
void ferry_begin_check_travel(const FerryDomain *domain, json_t *reasons);
