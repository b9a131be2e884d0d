#pragma once

#include "compat/check.h"

/** What all hosts of a pool accept, or why there is nothing. */
typedef struct {
    FerryFacts *facts; /* NULL when there is no baseline */
    GStrv blocking;    /* the keys that prevent one, bytewise sorted; empty when there is one */
} FerryBaseline;

/**
 * Looks for the largest description that every host accepts (yes or provision): the meet of all,
 * then each host's own facts.
 *
 * @pool: one description per host, at least one
 * @rules: (nullable)
 *
 * Returns: (transfer full): never NULL
 */
FerryBaseline *ferry_baseline(const FerryFacts *const *pool, size_t n, const FerryRules *rules);
void ferry_baseline_free(FerryBaseline *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryBaseline, ferry_baseline_free)

/**
 * The meet of descriptions: what all have in common, with the smallest minor, the intersection of
 * sets, and values that every host has or can set.  Not checked against any host yet.
 *
 * @blocking: gets the keys that prevent a meet, as set of owned strings
 *
 * Returns: (transfer full) (nullable)
 */
FerryFacts *ferry_meet(const FerryFacts *const *pool, size_t n, GHashTable *blocking);
