#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * Every reason of an answer on a line of its own, "  cpu-feature: beta lacks …", and what to do
 * about it on the next where the reason has a "remedy".
 *
 * @reasons: (nullable): an array of {code, message, remedy?}
 *
 * Returns: (transfer full): text, "" for no reason
 */
char *ferry_reasons_format(const json_t *reasons);
