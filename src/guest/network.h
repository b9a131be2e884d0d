#pragma once

#include "guest/connection.h"

/**
 * The companion networks of ferry's pools in this host's libvirt: each has its pool's name and, in
 * its <metadata>, a mark of ours.  A network without the mark is somebody else's: it is told of,
 * and never changed or removed.
 */
typedef enum {
    FERRY_COMPANION_ABSENT,
    FERRY_COMPANION_OURS,
    FERRY_COMPANION_FOREIGN, /* of that name, and not ours */
} FerryCompanion;

/** @ret: (out) */
bool ferry_guests_companion_find(FerryGuests *self,
                                 const char *name,
                                 FerryCompanion *ret,
                                 GError **error);

/**
 * Defines the network, starts it, and has libvirt start it at boot.  One of ours that is there
 * already is replaced; a running guest keeps the macvtap that it has.
 *
 * @xml: as ferry_network_format_companion() gives it; the mark is put in here
 *
 * Returns: false with FERRY_ERROR_EXISTS when a foreign network has that name
 */
bool
ferry_guests_companion_define(FerryGuests *self, const char *name, const char *xml, GError **error);

/** Ends and removes the network; none, and a foreign one, is a success: nothing of ours is left. */
bool ferry_guests_companion_undefine(FerryGuests *self, const char *name, GError **error);

/** What a guest's NIC finds of a network, whoever made it. */
typedef enum {
    FERRY_NETWORK_ABSENT,
    FERRY_NETWORK_INACTIVE,
    FERRY_NETWORK_ACTIVE,
} FerryNetworkState;

/** @ret: (out) */
bool ferry_guests_network_state(FerryGuests *self,
                                const char *name,
                                FerryNetworkState *ret,
                                GError **error);
