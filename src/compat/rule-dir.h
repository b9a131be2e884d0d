#pragma once

#include "compat/rules.h"

/** Whose files are believed. */
typedef enum {
    FERRY_TRUST_ROOT, /* those of root that nobody else can write: the system's directories */
    FERRY_TRUST_ANY   /* what the user named */
} FerryTrust;

/**
 * Reads the rule files of one directory, or one file.  The only place of compat that reads from
 * disk.  A file that cannot be read, is too large or must not be trusted is added as refused, and
 * makes a finding in every check.
 *
 * @priority: that of the directory, see FerryRuleFile
 * @files: (element-type FerryRuleFile): gets what was found
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED or FERRY_ERROR_IO, naming @path
 */
bool ferry_rule_dir_read(const char *path,
                         unsigned priority,
                         FerryTrust trust,
                         GPtrArray *files,
                         GError **error);

/**
 * Reads the system's three directories below @root ("" for the machine's own); one that is not
 * there is empty.
 *
 * Returns: false with FERRY_ERROR_DENIED or FERRY_ERROR_IO
 */
bool ferry_rule_dir_read_system(const char *root, GPtrArray *files, GError **error);
