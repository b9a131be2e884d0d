#pragma once

#include "compat/facts.h"

/** Three values: a condition on what is not stated is undetermined.  False beats undetermined. */
typedef enum { FERRY_TRUTH_FALSE, FERRY_TRUTH_UNDETERMINED, FERRY_TRUTH_TRUE } FerryTruth;

/** What a rule asks of one key of one description. */
typedef struct {
    char *key;
    bool wants_absent;
    GArray *any_of; /* of FerryValue; NULL when not asked */
    char *prefix;
    FerryValue min; /* quantity or version; kind none when not asked */
    FerryValue max;
    FerryValue has; /* a set */
} FerryCondition;

/**
 * Reads a literal, or an object of in, prefix, min, max and has, or {"absent":true}.
 *
 * Returns: (transfer full) (nullable): NULL when @json is no condition on @key
 */
FerryCondition *ferry_condition_from_json(const char *key, const json_t *json);
void ferry_condition_free(FerryCondition *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryCondition, ferry_condition_free)

FerryTruth ferry_condition_test(const FerryCondition *self, const FerryFacts *facts);

/** The conjunction of two: false beats undetermined beats true. */
FerryTruth ferry_truth_and(FerryTruth a, FerryTruth b);

/** Whether rules may speak of @key: facts and attributes, but for addresses and ids. */
bool ferry_condition_key_is_allowed(const char *key);
