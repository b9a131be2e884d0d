#pragma once

#include "migrate/run.h"

/**
 * One guest runs once: what can be seen of it from here.
 *
 * @reasons: an array; gets "guest-runs-here"
 *
 * Returns: false with FERRY_ERROR_BUSY naming the job that holds it, or FERRY_ERROR_IO
 */
bool ferry_request_check_down(FerryMigrator *self,
                              const FerryPlan *plan,
                              json_t *reasons,
                              GError **error);
