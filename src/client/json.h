#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

/** Deeper nesting than any body of ours; jansson's own limit of 2,048 needs more stack than the
 * thread of a connection has. */
#define FERRY_JSON_MAX_DEPTH 64

/**
 * Parses one JSON text from outside: nothing after it, no key twice in an object, no 0 byte in a
 * string, nesting within FERRY_JSON_MAX_DEPTH.
 *
 * @ret: (out) (transfer full): any JSON value
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and column
 */
bool ferry_json_parse(const char *text, size_t length, json_t **ret, GError **error);
