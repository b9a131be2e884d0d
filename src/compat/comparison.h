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

/** Whether @key is the list entry's to judge. */
bool ferry_comparison_is_listed(const FerryComparison *self, const char *key);

/**
 * Returns: (nullable): the rule that drops findings on @key; keys an entry mentions are out of
 *          every rule's reach
 */
const FerryRule *ferry_comparison_ignoring_rule(const FerryComparison *self, const char *key);

/**
 * Notes what came out for one key, unless a relaxation drops it; a level of yes is noted only
 * when an explanation was asked for.
 *
 * @source, @target: (nullable): the values
 * @detail: (nullable)
 */
void ferry_comparison_note(FerryComparison *self,
                           const char *key,
                           FerryVerdictLevel level,
                           FerryFindingCode code,
                           const FerryValue *source,
                           const FerryValue *target,
                           const char *detail);

/** Notes that the target can be given what it needs. @chosen: what it is set to, unless ignored */
void ferry_comparison_note_settable(FerryComparison *self,
                                    const char *key,
                                    const FerryValue *source,
                                    const FerryValue *target,
                                    const FerryValue *chosen,
                                    const char *detail);

/** Notes a fact that is stated on one side, or on none.  @detail: (nullable) */
void ferry_comparison_note_missing(FerryComparison *self,
                                   const char *key,
                                   const FerryValue *source,
                                   const FerryValue *target,
                                   const char *detail);

/** Whether a rule declares the two values, each (nullable), equal; notes that it does. */
bool ferry_comparison_is_equated(FerryComparison *self,
                                 const char *key,
                                 const FerryValue *source,
                                 const FerryValue *target);
