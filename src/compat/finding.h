#pragma once

#include <stdbool.h>

#include <glib.h>

/** How bad a finding is, and a verdict: that of its worst finding. */
typedef enum {
    FERRY_VERDICT_YES,
    FERRY_VERDICT_PROVISION, /* yes, once the target is made with the values of "set" */
    FERRY_VERDICT_UNKNOWN,   /* nobody promised it, nobody ruled it out */
    FERRY_VERDICT_NO,
    FERRY_VERDICT_MALFORMED, /* a description cannot be read */
    FERRY_N_VERDICTS
} FerryVerdictLevel;

/** What a finding says.  Names are stable, sentences are not. */
typedef enum {
    /* of level yes; kept only when an explanation was asked for */
    FERRY_CODE_EQUAL,
    FERRY_CODE_CONTAINED,
    FERRY_CODE_VERSION_FITS,
    FERRY_CODE_LISTED,
    FERRY_CODE_ASSUMED,
    FERRY_CODE_RELAXED,
    FERRY_CODE_ALLOWED,
    FERRY_CODE_OBSERVED,
    /* the others */
    FERRY_CODE_SETTABLE,
    FERRY_CODE_MISSING_SOURCE,
    FERRY_CODE_MISSING_TARGET,
    FERRY_CODE_MISSING_BOTH,
    FERRY_CODE_DIFFERS,
    FERRY_CODE_LACKS,
    FERRY_CODE_MINOR_NEWER,
    FERRY_CODE_MAJOR_DIFFERS,
    FERRY_CODE_KIND_MISMATCH,
    FERRY_CODE_INCOMPARABLE,
    FERRY_CODE_IDENTITY_DIFFERS,
    FERRY_CODE_NOT_LISTED,
    FERRY_CODE_NOTHING_LISTED,
    FERRY_CODE_OUT_OF_DOMAIN,
    FERRY_CODE_NOT_MIGRATABLE,
    FERRY_CODE_DENIED,
    FERRY_CODE_MAYBE_DENIED,
    FERRY_CODE_BROKEN_RULES,
    FERRY_CODE_NEWER_FORMAT,
    FERRY_CODE_MALFORMED,
    FERRY_CODE_OBSERVED_FAILURE,
    FERRY_N_CODES
} FerryFindingCode;

/** One thing the check found out about one key.  All texts are owned and printable. */
typedef struct {
    char *key;
    FerryVerdictLevel level;
    FerryFindingCode code;
    char *source; /* the values on both sides as canonical text, NULL when not stated */
    char *target;
    char *set;    /* the value to make the target with; only for FERRY_CODE_SETTABLE */
    char *detail; /* what the sentence says besides, depending on the code; NULL when nothing */
    char *reason; /* the sentence; made when the verdict is complete */
} FerryFinding;

FerryFinding *ferry_finding_new(const char *key, FerryVerdictLevel level, FerryFindingCode code);
void ferry_finding_free(FerryFinding *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryFinding, ferry_finding_free)

/** Makes ->reason: "key: what is; the rule; the remedy." */
void ferry_finding_describe(FerryFinding *self);

/** Returns: (transfer none): "missing-source" and so on */
const char *ferry_finding_code_name(FerryFindingCode code);

/** Returns: (transfer none): "yes" and so on */
const char *ferry_verdict_level_name(FerryVerdictLevel level);

/** Orders findings worst first, then by canonical order of keys, then by code. */
int ferry_finding_compare(gconstpointer a, gconstpointer b);
