#pragma once

#include <glib.h>

#include "cli/arguments.h"

/**
 * Exit codes besides those of base/error.h (2 to 13).  Scripts match on them: never change one.
 */
typedef enum {
    FERRY_EXIT_DONE = 0,
    FERRY_EXIT_NO = 1,
    FERRY_EXIT_USAGE = 2,
    FERRY_EXIT_PROVISION = 20,
    FERRY_EXIT_UNKNOWN = 21,
    FERRY_EXIT_DEGRADED = 22,
    FERRY_EXIT_IN_DOUBT = 23,
} FerryExit;

/**
 * A group of commands: "guest" in "ferry guest list".  Its function gets what follows the
 * program's name, argv[0] being the group; common options that stood before the group come
 * right after it.  It returns the exit code.
 */
typedef struct {
    const char *name, *summary; /* a table ends with a row whose name is NULL */
    int (*run)(int argc, char **argv);
} FerryCommand;

/** One command of a group: "list" in "ferry guest list". */
typedef struct {
    const char *name;    /* NULL in a table's only row: the group is the command, "ferry migrate" */
    const char *words;   /* as ferry_arguments_take() wants them: "GUEST", "" */
    const char *summary; /* for the help: lower case, no full stop */
    const FerryOption *options;            /* (nullable) its own, without the common ones */
    int (*run)(FerryArguments *arguments); /* returns the exit code */
} FerryVerb;

/**
 * Finds the verb, reads its options and words and runs it.  Help is answered here; wrong usage is
 * one line on stderr that names the help to read.
 *
 * @verbs: ends with a row whose run is NULL
 *
 * Returns: the exit code
 */
int ferry_command_run(const FerryVerb *verbs, int argc, char **argv);

/** Prints a line for each of @options (nullable), as the help does. */
void ferry_command_print_options(const FerryOption *options);

/** Says on stderr what @error says; returns its exit code. */
int ferry_command_fail(const GError *error);
