#pragma once

#include "migrate/job.h"
#include "migrate/ops.h"

/**
 * Giving the hybrids of a running guest their VFs, as a part of a job: at the target once the
 * guest runs there, at the source when the job is rolled back.  A plain value, all zero before the
 * first call; one thread at a time.
 */
typedef struct {
    bool over;
    bool begun;
    int64_t began_ms;
    int64_t since_ms; /* the guest runs since then, without them; 0 = it is not measured */
    uint64_t seen;    /* a bit for each need that is measured */
} FerryReplug;

/**
 * One step; waits for nothing.  What is not there by attach_timeout_s is left to the keeper, which
 * goes on when the job is over, and the job says so.  A hybrid that may go without a VF is not
 * waited for when there is none to be had: it may be days until one is freed.
 *
 * @plan: one without hybrids is over at once
 * @job: gets what is waited for, how long each VF took, in the end a "degraded" entry for each
 *       hybrid without its VF
 *
 * Returns: whether it is over
 */
bool ferry_replug(FerryReplug *self,
                  const FerryPlan *plan,
                  const FerryDeviceOps *devices,
                  void *data,
                  const FerryTimers *timers,
                  FerryJob *job,
                  int64_t now_ms);
