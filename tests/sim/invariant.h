#pragma once

#include "world.h"

/** What the journals say beyond their newest record. */
typedef struct {
    bool committed[N_SIDES]; /* of DONE: the guest was handed over */
    bool degraded[N_SIDES];  /* of DONE: the report names what was left off or left behind */
} SimOutcome;

/** Returns: (nullable): which of I1 to I5 (docs/handover.md, section 10) is broken, and how */
const char *sim_broken_invariant(const SimWorld *world, const SimOutcome *outcome);

/** L1, at the end of a healed schedule: both over alike, and one guest, or none if something died.
 */
bool sim_is_clean_end(const SimWorld *world, const SimOutcome *outcome);
