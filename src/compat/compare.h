#pragma once

#include "compat/comparison.h"

/** Compares by the default rules every key that the entry, if there is one, does not mention. */
void ferry_compare(FerryComparison *self);
