#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "cli/arguments.h"

/**
 * Adds the --attr options to a request: "attrs": [{name, value}], in their order.
 *
 * Returns: false with FERRY_ERROR_INVALID for one that is not NAME=VALUE
 */
bool ferry_attributes_add(const FerryArguments *arguments, json_t *body, GError **error);
