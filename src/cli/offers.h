#pragma once

#include <stdio.h>

#include <jansson.h>

/**
 * What a check says of a guest's devices: a table of which slot each would get, and one of the
 * values on both sides of the best candidate of each.  Nothing for a guest without devices.
 *
 * @devices: (nullable): as the API has them
 */
void ferry_offers_print(FILE *stream, const json_t *devices);

/** Prints only what differs: the values on both sides of each best candidate; nothing if there is
 * none. */
void ferry_offers_print_values(FILE *stream, const json_t *devices);
