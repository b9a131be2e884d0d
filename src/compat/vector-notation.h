#pragma once

#include <jansson.h>

/**
 * Runs one notation vector: an entry (text or JSON form) or a document.  A text entry is also
 * written and read again, and an entry's other form must mean the same.
 *
 * Returns: (transfer full) (nullable): what came instead, NULL when it passed
 */
char *ferry_vector_run_notation(const json_t *vector);
