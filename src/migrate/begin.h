#pragma once

#include "migrate/run.h"
#include "migrate/survey.h"
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

/**
 * The target's half: what this host lacks for it, and what it has for its devices.
 *
 * @ret_devices: (out) (optional) (transfer full): see ferry_offers_answer(); NULL: devices are left
 *               to the reservation, which chooses them anew
 * @reasons: as above
 */
bool ferry_begin_check(FerryMigrator *migrator,
                       const FerryPlan *plan,
                       json_t **ret_devices,
                       json_t *reasons,
                       GError **error);

/**
 * Of that only what has nothing to do with how the guest comes: what its devices are backed by, the
 * machine, the devices.
 *
 * @domain: of the plan's live XML, or of the file that a guest was saved in
 */
bool ferry_begin_check_place(FerryMigrator *migrator,
                             const FerryPlan *plan,
                             const FerryDomain *domain,
                             json_t **ret_devices,
                             json_t *reasons,
                             GError **error);

/**
 * Why a guest could not move anywhere, and what its devices need where it could.
 *
 * @live_xml: what @domain was read from
 * @needs: gets a FerryPlanNeed each
 * @reasons: as for ferry_begin_plan()
 */
void ferry_begin_check_travel(const FerryDomain *domain,
                              const char *live_xml,
                              const FerrySurveyHost *host,
                              GPtrArray *needs,
                              json_t *reasons);

/** Objects to this host's QEMU, when it is too old for what the guest's devices need. */
void ferry_begin_check_qemu(const FerryMigrator *migrator, const GPtrArray *needs, json_t *reasons);
