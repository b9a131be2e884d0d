#pragma once

#include "compat/json.h"
#include "compat/notation.h"

/**
 * Reads an entry in JSON form: {"vars":{...},"match":{...},"set":{...}}.  Variables are enumerated
 * by name, since objects have no order.
 *
 * @budget: how many assignments are left of the list's limit
 * @fault: (out): set when NULL comes back
 *
 * Returns: (transfer full) (nullable): the entry
 */
FerryEntry *ferry_entry_from_json(const json_t *json, uint64_t budget, FerryNotationCode *fault);

/**
 * Writes an entry in JSON form.
 *
 * Returns: (transfer full) (nullable): NULL, with a reason, for a text entry that uses one variable
 *          both as a set and inside text
 */
json_t *ferry_entry_to_json(const FerryEntry *entry, const char **reason);
