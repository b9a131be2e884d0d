#pragma once

#include "vfio/mig-state.h"

/**
 * The legal moves a second time, derived in another way than src/vfio/mig-state.c has them: from
 * the list of arcs that drivers implement, by search.  The simulator moves by it, and the test of
 * mig-state compares both.
 */

#define SIM_NO_WAY 99u

/** Returns: the number of arcs from @from to @to, or SIM_NO_WAY */
unsigned sim_arcs_distance(FerryMigState from, FerryMigState to, uint64_t flags);

/** Returns: whether a driver with @flags implements this one arc */
bool sim_arcs_has(FerryMigState from, FerryMigState to, uint64_t flags);

/** Returns: the first arc's end on a shortest way; there must be one */
FerryMigState sim_arcs_next(FerryMigState from, FerryMigState to, uint64_t flags);
