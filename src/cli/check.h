#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/arguments.h"

/** Whether the command line has to name where to. */
typedef enum {
    FERRY_CHECK_ONE, /* --to or --reservation */
    FERRY_CHECK_ANY, /* neither of them: all hosts */
} FerryCheckTargets;

/**
 * Asks ferryd for a check: against one host, or without "to" against every known one; prints the
 * answer.
 *
 * @body: (transfer full): the request, as of a migration
 *
 * Returns: the exit code
 */
int ferry_check_run(const FerryArguments *arguments, json_t *body);

/** Adds where to, and what goes with it (cli/given.h); false with FERRY_ERROR_INVALID. */
bool ferry_check_add_target(const FerryArguments *arguments,
                            FerryCheckTargets targets,
                            json_t *body,
                            GError **error);

/** Prints every reason of an answer, each with what to do about it. */
void ferry_check_print_refusal(FILE *stream, const FerryArguments *arguments, const json_t *answer);
