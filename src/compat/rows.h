#pragma once

#include "compat/comparison.h"

/*
 * The levels of one entry of a list: for every key that it mentions, under every assignment of its
 * variables, a row of bytes (by_key x assignments).
 *
 *   assignment    0  1  2  3  ...
 *   mdev_type     N  N  .  N         . fits   N no   U unknown   P provision
 *   aggregator    N  .  .  N
 */

/**
 * Fills one row of entry->count bytes, each a FerryVerdictLevel, for each mentioned key that
 * decides; a key that has both a match and a directive gets the worse of both.
 *
 * @rows: room for entry->terms->len rows
 * @spare: room for one
 *
 * Returns: how many rows were filled
 */
size_t ferry_rows_fill(const FerryComparison *self,
                       const FerryEntry *entry,
                       uint8_t *rows,
                       uint8_t *spare);

/** Of each place the worse one, into @row. */
void ferry_rows_worsen(uint8_t *restrict row, const uint8_t *restrict other, size_t n);

/**
 * The level of one term under one assignment.
 *
 * @wanted: the term's value then; of kind none for one that has no value (any, absent)
 */
FerryVerdictLevel
ferry_rows_level(const FerryComparison *self, const FerryTerm *term, const FerryValue *wanted);
