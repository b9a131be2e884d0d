#pragma once

#include "compat/check.h"

/** One comparison of two descriptions: what it reads, and where its findings go. */
typedef struct {
    const FerryFacts *source;
    const FerryFacts *target;
    const FerryRuling *ruling; /* relaxations in force; never NULL */
    const FerryEntry *entry;   /* the list entry whose keys are not ours to compare, or NULL */
    FerryCheckFlags flags;
    GPtrArray *findings; /* of FerryFinding */
    bool by_equality;    /* (out) neither side had a version, so identity was asked for */
} FerryComparison;

/** Compares by the default rules every key that the entry, if there is one, does not mention. */
void ferry_compare(FerryComparison *self);

/**
 * Notes what came out for one key, unless a relaxation drops it; a level of yes is noted only
 * when an explanation was asked for.
 *
 * @source, @target: (nullable): the values
 * @detail: (nullable)
 */
void ferry_compare_note(FerryComparison *self,
                        const char *key,
                        FerryVerdictLevel level,
                        FerryFindingCode code,
                        const FerryValue *source,
                        const FerryValue *target,
                        const char *detail);
