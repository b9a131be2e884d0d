#pragma once

#include "migrate/plan.h"

/**
 * How else a guest could get to a host where it cannot go live: a pure function of a check's
 * answer. What is not known to work is no "yes": a reason that the table does not know, or a device
 * that the target may have no place for, is in the way of everything.
 *
 * @plan: what was checked
 * @answer: of the check: {verdict, reasons, devices}
 *
 * Returns: (transfer full): an array, empty when the verdict is "yes"; else of {way, verdict,
 *          factor?, code?, message} for the ways "live", "save", "ephemeral" and "cold": @verdict
 *          "yes", "unknown" or "no"; @factor what limits it ("host driver", "guest driver",
 *          "device", "host", "storage", "network", "time", "guest", "definition", "other"), by the
 *          reason of that @code; @message what to do, or why not
 */
json_t *ferry_alternatives(const FerryPlan *plan, const json_t *answer);
