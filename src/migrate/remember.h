#pragma once

#include "migrate/job.h"
#include "migrate/plan.h"
#include "store/history.h"

/**
 * Puts what a migration that has ended taught us into the store's history: how long the guest stood
 * still, what the link gave, and of each device whose state was carried whether the target's
 * device took it.  A store that fails is no failure of the job: it is only not remembered.
 */
void
ferry_remember(FerryStore *store, const FerryClock *clock, FerryJob *job, const FerryPlan *plan);

/** Returns: what the end of a job, as ferry_job_json() has it, says of the devices' states */
FerryResult ferry_remember_result(const json_t *report);
