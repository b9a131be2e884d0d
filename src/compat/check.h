#pragma once

#include "compat/facts.h"
#include "compat/finding.h"
#include "compat/rules.h"

/** Why a yes or provision holds. */
typedef enum {
    FERRY_BASIS_NONE,     /* another verdict */
    FERRY_BASIS_DEFAULT,  /* the default rules */
    FERRY_BASIS_LIST,     /* the target's own list */
    FERRY_BASIS_RULE,     /* an allow or relax rule was needed */
    FERRY_BASIS_EQUALITY, /* no version, but everything known is equal */
    FERRY_BASIS_OBSERVED, /* it worked (or failed) before with exactly these facts */
    FERRY_N_BASES
} FerryBasis;

/** What was recorded of the very pair (by fingerprint): bits to be or-ed. */
typedef enum {
    FERRY_OBSERVED_NOTHING = 0,
    FERRY_OBSERVED_SUCCESS = 1 << 0,
    FERRY_OBSERVED_REJECTION = 1 << 1 /* the target device refused the state */
} FerryObservations;

typedef enum {
    FERRY_CHECK_PLAIN = 0,
    FERRY_CHECK_EXPLAIN = 1 << 0 /* also note what fits, and which rule said so */
} FerryCheckFlags;

/** What a check is given besides the two descriptions.  All zero means: nothing. */
typedef struct {
    const FerryRules *rules;        /* (nullable) */
    FerryObservations observations; /* of this pair, in this direction */
    FerryCheckFlags flags;
} FerryCheckOptions;

/** The answer.  Fields are for reading. */
typedef struct {
    FerryVerdictLevel level;
    FerryBasis basis;
    GPtrArray *findings; /* of FerryFinding, worst first, each with its sentence */
    GPtrArray *warnings; /* of char *; NULL when there is none */
} FerryVerdict;

/**
 * Can the state of @source be loaded into @target?  Pure: the same input gives the same answer,
 * whatever the order of keys, elements, rules or files.  Every verdict is an answer, so there is
 * no error.
 *
 * @options: (nullable)
 *
 * Returns: (transfer full): never NULL.  Any number of threads may call this with shared facts.
 */
FerryVerdict *
ferry_check(const FerryFacts *source, const FerryFacts *target, const FerryCheckOptions *options);

void ferry_verdict_free(FerryVerdict *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryVerdict, ferry_verdict_free)

/** Returns: (transfer full): the keys of all findings but mere notes, each once, bytewise sorted */
GStrv ferry_verdict_differing(const FerryVerdict *self);

/** Whether the state can be loaded, be it after provisioning. */
bool ferry_verdict_is_usable(const FerryVerdict *self);

/** Returns: (transfer none): "default" and so on; NULL for FERRY_BASIS_NONE */
const char *ferry_basis_name(FerryBasis basis);

/** Returns: the exit code of the command line for a verdict */
int ferry_verdict_exit_code(FerryVerdictLevel level);

/** Returns: (transfer full): {verdict, differing, basis, set, findings, warnings} as everywhere */
json_t *ferry_verdict_to_json(const FerryVerdict *self);

/** Gives @facts the values that a provision verdict asks for, as an instance that was made so. */
FerryFacts *ferry_verdict_provisioned(const FerryVerdict *self, const FerryFacts *facts);
