#pragma once

#include "migrate/job.h"
#include "migrate/ops.h"

/** How the driver of either side waits between two looks; its thread's alone. */
typedef struct {
    unsigned tries;  /* of the same act, in vain */
    int64_t wait_ms; /* after FERRY_STEP_WAIT: when to look again at the latest */
} FerryPace;

/** Returns: FERRY_STEP_WAIT, for at most @wait_ms */
FerryStep ferry_pace_wait(FerryPace *self, int64_t wait_ms);

/**
 * For what an event tells of, and a look only makes sure of: the longer it has taken, the less is
 * lost by looking later.
 *
 * Returns: FERRY_STEP_WAIT, for a quarter of @waited_ms, but from @first_ms to 1 s, and at most
 *          until the deadline in @left_ms
 */
FerryStep
ferry_pace_wait_long(FerryPace *self, int64_t first_ms, int64_t waited_ms, int64_t left_ms);

/** Returns: FERRY_STEP_WAIT, from @first_ms doubling at each try of the same act, at most 5 s */
FerryStep ferry_pace_retry(FerryPace *self, int64_t first_ms);

/** Returns: FERRY_STEP_AGAIN; the next retry's pauses begin anew */
FerryStep ferry_pace_again(FerryPace *self);

/**
 * No row of the tables fits: another hand touched one of the two guests, or we are wrong.  The job
 * says so and touches nothing.
 *
 * Returns: FERRY_STEP_WAIT, for 5 s; then it is looked at again, and only looked at
 */
FerryStep ferry_pace_alarm(FerryPace *self, FerryJob *job);
