#pragma once

#include "compat/json.h"
#include "compat/rules.h"

/** How a run of vectors ended. */
typedef struct {
    size_t n_passed;
    GPtrArray *failures; /* of char *: "check/NAME: what came instead" */
} FerryVectorReport;

/**
 * Runs all vectors of a document: the sections check, notation, rank, baseline and impact, each an
 * array of cases.  A section or case that cannot be run is a failure, never left out.
 *
 * Returns: (transfer full): never NULL
 */
FerryVectorReport *ferry_vectors_run(const json_t *document);
void ferry_vector_report_free(FerryVectorReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryVectorReport, ferry_vector_report_free)

/**
 * Runs one check vector.
 *
 * @rules: (nullable): used instead of the vector's own
 *
 * Returns: (transfer full) (nullable): what came instead, NULL when it passed
 */
char *ferry_vector_run_check(const json_t *vector, const FerryRules *rules);

/** Reads a vector's description: an object, or raw text as a string. */
FerryFacts *ferry_vector_facts(const json_t *json);

/** Reads a vector's "rules": an array of {dir, file, content}.  Never NULL. */
FerryRules *ferry_vector_rules(const json_t *vector);
