#pragma once

#include "compat/compare.h"

/**
 * Compares by the target's COMPATIBLE list: the best alternative of its entries and their
 * assignments answers.  Best is the smallest (worst level, number of differing keys, levels of the
 * mentioned keys in canonical order, index), then the smallest entry.
 *
 * @self: its target has a list; its entry is NULL
 */
void ferry_list_compare(FerryComparison *self);
