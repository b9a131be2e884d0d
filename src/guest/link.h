#pragma once

#include "guest/connection.h"

typedef enum { FERRY_LINK_UP, FERRY_LINK_DOWN, FERRY_LINK_N_STATES } FerryLinkState;

/** Returns: (transfer none): "up" or "down" */
const char *ferry_link_state_name(FerryLinkState state);

/**
 * Plugs in or pulls the cable of a running guest's NIC, which the guest sees; a link that is so
 * already is a success.
 *
 * @alias: of the <interface>
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the guest or the NIC is not there
 */
bool ferry_guests_set_link(FerryGuests *self,
                           const char *uuid,
                           const char *alias,
                           FerryLinkState state,
                           GError **error);
