#pragma once

#include <glib.h>
#include <jansson.h>

#include "cli/arguments.h"

/**
 * Puts what "--device ALIAS=UUID", "--accept-unknown" and "--allow-degraded" say into the body of a
 * request.
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the value that is not so
 */
bool ferry_given_add(const FerryArguments *arguments, json_t *body, GError **error);

/** For a command's table of options. */
#define FERRY_GIVEN_OPTIONS                                                                        \
    { "accept-unknown", 0, NULL, "also when nobody promises that a device's state loads there",    \
      FERRY_OPTION_OPTIONAL },                                                                     \
        { "allow-degraded", 0, NULL,                                                               \
          "also without a VF there, or a guest not known to do failover", FERRY_OPTION_OPTIONAL }, \
    {                                                                                              \
        "device", 0, "ALIAS=UUID", "use this mediated device, which is at the target already",     \
            FERRY_OPTION_REPEATED                                                                  \
    }
