#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * The body of an answer that is no success (RFC 9457): {type, title, status, detail}.
 *
 * @status: of HTTP
 * @type: the name of one of our error codes, or "refused"
 * @detail: what failed, on what, why, what to do
 *
 * Returns: (transfer full)
 */
json_t *ferry_problem_new(unsigned status, const char *type, const char *detail);

/** Returns: (transfer full): the problem for @error; one of another domain than ours is an "io" */
json_t *ferry_problem_of_error(const GError *error);

/** Returns: (transfer full): a refusal, which is an answer: 409 with @reasons (transfer full) */
json_t *ferry_problem_refused(const char *detail, json_t *reasons);

/** Returns: the HTTP status in @problem */
unsigned ferry_problem_status(const json_t *problem);
