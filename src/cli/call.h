#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "cli/arguments.h"
#include "cli/table.h"
#include "client/client.h"

/** Returns: (transfer full): a connection to the ferryd that --socket or FERRY_SOCKET names, or to
 * this host's */
FerryClient *ferry_call_connect(const FerryArguments *arguments);

/**
 * One call to this host's ferryd.
 *
 * @segments: NULL-terminated parts of the path after "/v1": { "guests", NAME, NULL }
 * @body: (nullable) (transfer full)
 * @ret: (out): cleared by the caller; untouched on failure
 *
 * Returns: false as ferry_client_call() does
 */
bool ferry_call(FerryClient *client,
                const char *method,
                const char *const *segments,
                json_t *body,
                FerryReply *ret,
                GError **error);

/** Returns: (transfer full): "/v1/guests/a%20b" */
char *ferry_call_path(const char *const *segments);

/** Returns: whether an answer is a refusal, status 409: see ferry_call_refused() */
bool ferry_call_is_refused(const FerryReply *reply);

/**
 * Prints a refusal: what was refused and every reason on stderr, or all of it as JSON on stdout.
 *
 * Returns: the exit code, FERRY_EXIT_NO
 */
int ferry_call_refused(const FerryArguments *arguments, const FerryReply *reply);

/** What --json says. */
FerryPrint ferry_call_print(const FerryArguments *arguments);

/**
 * A GET whose answer has rows under @key, printed as a table or as JSON.
 *
 * Returns: the exit code
 */
int ferry_call_list(const FerryArguments *arguments,
                    const char *const *segments,
                    const char *key,
                    const FerryColumn *columns);

/** Prints an answer for people, to stdout; it may add what its tables show. */
typedef void FerryCallPage(json_t *resource);

/**
 * Prints what a call has brought: a refusal, or the answer as a page or as JSON.
 *
 * @print_page: (nullable): NULL when there is nothing that its asker does not know
 *
 * Returns: the exit code
 */
int ferry_call_answer(const FerryArguments *arguments,
                      const FerryReply *reply,
                      FerryCallPage *print_page);

/**
 * One call to this host's ferryd, and its answer as ferry_call_answer() prints it.
 *
 * @segments: as ferry_call() has them
 * @body: (nullable) (transfer full)
 *
 * Returns: the exit code
 */
int ferry_call_run(const FerryArguments *arguments,
                   const char *method,
                   const char *const *segments,
                   json_t *body,
                   FerryCallPage *print_page);

/** ferry_call_run() with a GET of the one of /v1/@collection that the first word names. */
int
ferry_call_show(const FerryArguments *arguments, const char *collection, FerryCallPage *print_page);
