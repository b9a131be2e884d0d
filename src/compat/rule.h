#pragma once

#include "compat/condition.h"
#include "compat/rules.h"

typedef enum {
    FERRY_EFFECT_ALLOW,
    FERRY_EFFECT_DENY,
    FERRY_EFFECT_RELAX,
    FERRY_N_EFFECTS
} FerryEffect;

/** Values of one key that count as equal, as canonical text. */
typedef struct {
    char *key;
    char **values;
} FerryEqualGroup;

/** One fact that a rule supplies where it is missing. */
typedef struct {
    FerrySide side;
    char *key;
    FerryValue value;
} FerryAssumption;

/** One rule, read.  Immutable. */
struct _FerryRule {
    char *name; /* "file/id" */
    FerryEffect effect;
    char *reason;
    GPtrArray *when[FERRY_N_SIDES]; /* of FerryCondition: on one side */
    GPtrArray *both;                /* of FerryCondition: on each side */
    char **same;                    /* keys; never NULL */
    char **differ;
    char **ignore;
    GArray *equal;  /* of FerryEqualGroup */
    GArray *assume; /* of FerryAssumption */
};

/** A rule without conditions and effects, for its reader. */
FerryRule *ferry_rule_new(void);
void ferry_rule_free(FerryRule *rule);

/** One rule file, read. */
typedef struct {
    char *name;       /* without ".json" */
    char *fault;      /* why it is broken; NULL when it is not */
    GPtrArray *rules; /* of FerryRule */
    json_t *vectors;  /* (nullable): an array */
} FerryRuleSet;

/** Reads a file's text; one that cannot be used has ->fault. */
FerryRuleSet *ferry_rule_set_parse(const char *name, const char *text, size_t size);
void ferry_rule_set_free(FerryRuleSet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRuleSet, ferry_rule_set_free)

/** Whether the rule holds for the pair. */
FerryTruth
ferry_rule_test(const FerryRule *rule, const FerryFacts *source, const FerryFacts *target);

/** Whether an allow or relax rule applies to every device there is: lint warns of it. */
bool ferry_rule_is_unconditional(const FerryRule *rule);
