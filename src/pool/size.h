#pragma once

#include "pool/view.h"

/**
 * How much of a parent its types take.
 *
 * The types of a parent are alternatives: each mediated device that is made takes from what all
 * types have left, and no interface tells how much.  What the kernel says is left of each, its
 * available_instances, gives it away: the type that has the most left takes one unit, and where 24
 * are left of it and 12 of another, the other takes two.
 */

/**
 * Sets the sizes of @types, of FerrySlotType, from what is available of each; of one that has
 * nothing left none is known, it is 0.
 *
 * Where the numbers are those of whole units, rounded down as drivers do, the size is whole too: 5
 * and 2 left are sizes of 1 and 2.  Else it is the most that it can be: a forecast rather takes too
 * much than too little.
 *
 * Returns: the units that are left
 */
double ferry_sizes_measure(GPtrArray *types);

/** Returns: how many devices of @size fit into @units; 0 for a size that is not known */
uint32_t ferry_sizes_fit(double units, double size);
