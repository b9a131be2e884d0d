#pragma once

#include "migrate/run.h"
#include "store/host.h"

/**
 * Asks one host about a plan and puts both halves of the check together.
 *
 * @host: the plan's target
 * @own_reasons: what the source has against it
 * @ret: (out) (transfer full): as ferry_migrator_check() gives it for one host
 *
 * Returns: false with FERRY_ERROR_PEER and what else ferry_client_call() says
 */
bool ferry_check_host(FerryMigrator *self,
                      const FerryHostRow *host,
                      const FerryPlan *plan,
                      const json_t *own_reasons,
                      json_t **ret,
                      GError **error);
