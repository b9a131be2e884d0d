#pragma once

#include "compat/facts.h"
#include "compat/finding.h"

#define FERRY_RULE_FILE_BYTES_MAX 1048576
#define FERRY_RULES_PER_FILE_MAX  256
#define FERRY_RULES_MAX           1024
#define FERRY_RULE_TEXT_MAX       512

/** The directories of rule files, low to high; a name in a higher one replaces a lower one's. */
typedef enum {
    FERRY_RULE_DIR_USR, /* the distribution and vendors */
    FERRY_RULE_DIR_RUN, /* programs, until the next boot */
    FERRY_RULE_DIR_ETC, /* the administrator */
    FERRY_N_RULE_DIRS
} FerryRuleDir;

/** What a file holds, before it is judged. */
typedef struct {
    unsigned priority; /* the higher one of two files with one name counts */
    char *name;        /* with ".json" */
    char *text;        /* NULL when it could not be read or must not be trusted */
    size_t size;
    char *refusal; /* why @text is NULL */
} FerryRuleFile;

FerryRuleFile *
ferry_rule_file_new(unsigned priority, const char *name, const char *text, size_t size);
FerryRuleFile *ferry_rule_file_new_refused(unsigned priority, const char *name, const char *why);
void ferry_rule_file_free(FerryRuleFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRuleFile, ferry_rule_file_free)

/** Whether a file's name makes it a rule file: [A-Za-z0-9_][A-Za-z0-9._-]*\.json */
bool ferry_rule_file_name_is_valid(const char *name);

/** A merged set of rules.  Immutable: any number of threads may use it at once. */
typedef struct _FerryRules FerryRules;

/**
 * Merges rule files.  Names that are none are skipped; of two files with one name the higher
 * priority counts; an empty file masks; a broken one makes a finding in every check.
 *
 * @files: (element-type FerryRuleFile): in any order
 *
 * Returns: (transfer full): never NULL
 */
FerryRules *ferry_rules_new(const GPtrArray *files);
void ferry_rules_free(FerryRules *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRules, ferry_rules_free)

/** One relaxation in force, for the comparison.  See FerryRuling. */
typedef struct _FerryRule FerryRule;

/** What the rules say of one pair.  Borrows from the rules it was made of. */
typedef struct {
    GPtrArray *findings;    /* of FerryFinding: deny rules and broken files */
    const FerryRule *allow; /* the first allow rule that holds, or NULL */
    GPtrArray *relax;       /* of FerryRule: those that hold */
} FerryRuling;

/** Applies all rules to the facts as given.  @rules may be NULL. */
FerryRuling *
ferry_rules_apply(const FerryRules *rules, const FerryFacts *source, const FerryFacts *target);
void ferry_ruling_free(FerryRuling *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRuling, ferry_ruling_free)

/** Returns: (transfer none): "file/id" */
const char *ferry_rule_name(const FerryRule *rule);

/** Returns: (transfer none) (nullable): the rule that has findings on @key dropped */
const FerryRule *ferry_ruling_ignores(const FerryRuling *self, const char *key);

/** Returns: (transfer none) (nullable): the rule that declares two values of @key equal */
const FerryRule *ferry_ruling_equates(const FerryRuling *self,
                                      const char *key,
                                      const FerryValue *a,
                                      const FerryValue *b);

/** The two sides of a pair. */
typedef enum { FERRY_SIDE_SOURCE, FERRY_SIDE_TARGET, FERRY_N_SIDES } FerrySide;

/**
 * Fills what rules assume for one side and the facts leave open; where two rules disagree neither
 * applies.
 *
 * @findings: (nullable): gets a note per assumed fact
 *
 * Returns: (transfer full) (nullable): changed facts, or NULL when nothing is assumed
 */
FerryFacts *ferry_ruling_assume(const FerryRuling *self,
                                FerrySide side,
                                const FerryFacts *facts,
                                GPtrArray *findings);
