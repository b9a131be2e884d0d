#pragma once

#include <stdbool.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/table.h"
#include "compat/facts.h"
#include "compat/rules.h"

/** --rules may be given several times; ferry_cli_compat() joins the values with this. */
#define FERRY_COMPAT_RULES_SEPARATOR "\n"

/** The largest file that holds many descriptions: vectors, an impact's question. */
#define FERRY_COMPAT_INPUT_MAX ((size_t)64 * 1024 * 1024)

/**
 * Reads a whole file of any bytes; "-" is standard input.
 *
 * @ret: (out) (transfer full): the text, with a 0 byte behind its @size bytes
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED, FERRY_ERROR_IO, or
 *          FERRY_ERROR_INVALID when there are more than @max_bytes, naming @path
 */
bool
ferry_compat_read(const char *path, size_t max_bytes, char **ret, size_t *size, GError **error);

/**
 * Reads one description.  What is in it is judged by the check: only a file that cannot be read is
 * an error.
 *
 * Returns: (transfer full) (nullable): NULL with an error of ferry_compat_read()
 */
FerryFacts *ferry_compat_read_facts(const char *path, GError **error);

/**
 * Reads the rule files that --rules names, else those of the system.
 *
 * Returns: (transfer full) (nullable) (element-type FerryRuleFile): NULL with an error
 */
GPtrArray *ferry_compat_read_rule_files(const FerryArguments *arguments, GError **error);

/** As ferry_compat_read_rule_files(), merged. */
FerryRules *ferry_compat_read_rules(const FerryArguments *arguments, GError **error);

/** Reads a JSON document of any size up to FERRY_COMPAT_INPUT_MAX; FERRY_ERROR_INVALID if none. */
json_t *ferry_compat_read_json(const char *path, GError **error);

/** Returns: how many words were given */
size_t ferry_compat_count_words(const FerryArguments *arguments);

/** Returns: false with FERRY_ERROR_INVALID when two words are "-", standard input */
bool ferry_compat_check_words(const FerryArguments *arguments, GError **error);

/** Prints one line; control characters of foreign text become "?". */
void ferry_compat_print_line(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** The commands of "ferry compat": each returns the exit code. */
int ferry_compat_check(FerryArguments *arguments);
int ferry_compat_explain(FerryArguments *arguments);
int ferry_compat_baseline(FerryArguments *arguments);
int ferry_compat_impact(FerryArguments *arguments);
int ferry_compat_lint(FerryArguments *arguments);
int ferry_compat_notation(FerryArguments *arguments);
int ferry_compat_selftest(FerryArguments *arguments);
