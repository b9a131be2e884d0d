#pragma once

#include "compat/rules.h"

typedef enum {
    FERRY_LINT_WARNING, /* it works, but probably not as meant */
    FERRY_LINT_ERROR    /* it is broken, or its own vectors contradict it */
} FerryLintLevel;

/** One remark about a file. */
typedef struct {
    FerryLintLevel level;
    char *code; /* stable: "broken", "vector-fails", "unexercised" ... */
    char *text;
} FerryLintRemark;

/**
 * Judges a rule file: its shape; its vectors with only this file loaded, and with the others;
 * rules without conditions or without a vector; and the descriptions in its vectors.
 *
 * @file: the file; its name counts for @others
 * @others: (element-type FerryRuleFile): what else is installed; one of the same name is replaced
 *
 * Returns: (transfer full) (element-type FerryLintRemark): errors and warnings, in order of finding
 */
GPtrArray *ferry_lint_rules(const FerryRuleFile *file, const GPtrArray *others);

/** Judges a description: whether it can be read, and what its list forgets. */
GPtrArray *ferry_lint_description(const char *text, size_t size);

/** Whether any remark is an error. */
bool ferry_lint_has_error(const GPtrArray *remarks);
