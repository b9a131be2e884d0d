#pragma once

#include "guest/connection.h"

/*
 * A guest's memory and devices in a file, as libvirt writes it.  Both calls go over a connection of
 * their own and block for as long as the file takes; when the process ends, libvirt goes on.
 */

/**
 * Stops a guest, writes it to a file and ends it; when that fails it goes on.
 *
 * @path: absolute; written over
 * @xml: the domain as the file shall have it: the guest's migratable XML, changed where libvirt
 *       lets it be
 *
 * Returns: what libvirt said; whether the guest has ended is seen by looking
 */
bool ferry_guests_save(FerryGuests *self,
                       const char *uuid,
                       const char *path,
                       const char *xml,
                       GError **error);

/**
 * Starts a guest from such a file, which stays; running or paused, as it was.
 *
 * @xml: (nullable): instead of the one in the file
 */
bool ferry_guests_restore(FerryGuests *self, const char *path, const char *xml, GError **error);

/**
 * Reads the domain XML of a file that was written to its end, with its secrets.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_IO and libvirt's words for what is no such file, or was not
 *          written to its end
 */
bool ferry_guests_saved_xml(FerryGuests *self, const char *path, char **ret, GError **error);

/** Whether libvirt is at work on this guest just now: saving or migrating it, taking a snapshot. */
typedef enum { FERRY_GUEST_IDLE, FERRY_GUEST_AT_WORK } FerryGuestWork;

/** A guest that is not there is idle. */
bool ferry_guests_work(FerryGuests *self, const char *uuid, FerryGuestWork *ret, GError **error);
