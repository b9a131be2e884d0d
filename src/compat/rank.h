#pragma once

#include "compat/check.h"

/** One target to be ranked. */
typedef struct {
    const FerryFacts *facts;
    const char *name;               /* (nullable): shown, and the last resort of the order */
    FerryObservations observations; /* of the source and this target */
} FerryCandidate;

/** A target with its verdict and what decides its place. */
typedef struct {
    const FerryFacts *facts;
    size_t index;     /* among the candidates */
    const char *name; /* never NULL */
    FerryVerdict *verdict;
    bool is_full;            /* a type with no free instance */
    bool is_usable;          /* yes or provision, and not full */
    bool has_return;         /* the device it becomes could go back */
    uint32_t n_steps;        /* values to set */
    uint32_t minor_distance; /* UINT32_MAX when majors differ or a version is missing */
    uint32_t bugfix;
} FerryRanked;

/**
 * Checks one source against several targets and orders them, best first: verdict, free instances,
 * basis, steps, a way back, nearest minor, highest bugfix, name.
 *
 * Borrows facts and names; the result must not outlive them.
 *
 * Returns: (transfer full) (element-type FerryRanked): as many as there are candidates
 */
GPtrArray *ferry_rank(const FerryFacts *source,
                      const FerryCandidate *candidates,
                      size_t n_candidates,
                      const FerryCheckOptions *options);
