#pragma once

#include <jansson.h>

#include <glib.h>

/** Files of administrators and of other programs; hostile until parsed. */

/** No file longer than this is read. */
#define FERRY_JSON_FILE_MAX_BYTES ((size_t)1 << 16)

/** Deeper nesting than any of these files has; the parser's own limit needs more stack than the
 * thread of a connection has. */
#define FERRY_JSON_FILE_MAX_DEPTH 64

/**
 * Reads a file's text; of one that is longer, a byte more than the limit.
 *
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED,
 *          FERRY_ERROR_INVALID (no regular file: a pipe of that name would keep us for ever) or
 *          FERRY_ERROR_IO
 */
char *ferry_json_file_text(int folder, const char *name, GError **error);

/**
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_INVALID, "line 3: …": too long, nested
 *          too deep, or no JSON; a key twice in an object is none
 */
json_t *ferry_json_file_parse(const char *text, GError **error);
