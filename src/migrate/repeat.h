#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

/**
 * A request that is sent twice, for its answer was lost on the way, must not be done twice: its
 * sender gives it a key (the header Idempotency-Key), and the job that it began keeps the key with
 * a digest of what was asked.  Both are in the job's journal, and go with it.
 */

/**
 * @caller: who asks: a key is one caller's own
 * @key: (nullable): as it was sent; NULL is no key
 * @ret: (out) (nullable) (transfer full): the key as it is kept
 *
 * Returns: false with FERRY_ERROR_INVALID for a key that is empty, longer than 200 bytes or not
 *          of printable ASCII
 */
bool ferry_repeat_key(const char *caller, const char *key, char **ret, GError **error);

/** Returns: (transfer full): equal for bodies that mean the same */
char *ferry_repeat_digest(const json_t *body);
