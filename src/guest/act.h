#pragma once

#include "guest/connection.h"

/*
 * What ferry does to a guest.  Every act may be done twice (docs/handover.md section 9): "already
 * so" is a success, and so is "not there" for whatever takes away.  Where the guest must be there,
 * FERRY_ERROR_NOT_FOUND.
 */

/** Defines, or defines again, a guest; @xml has name and UUID. */
bool ferry_guests_define(FerryGuests *self, const char *xml, GError **error);

/** What stays of the guest's own files when its definition goes: what the other host uses too. */
typedef enum {
    FERRY_KEEP_NVRAM = 1 << 0,
    FERRY_KEEP_TPM = 1 << 1,
} FerryKeptFile;

/**
 * Removes the definition with managed save, snapshot and checkpoint metadata, firmware variables
 * and TPM state; a running guest goes on.
 *
 * @keep: of FerryKeptFile
 */
bool ferry_guests_undefine(FerryGuests *self, const char *uuid, unsigned keep, GError **error);

typedef enum { FERRY_AUTOSTART_OFF, FERRY_AUTOSTART_ON } FerryAutostart;

/** A transient guest has no flag: OFF is a success there, ON is refused. */
bool ferry_guests_set_autostart(FerryGuests *self,
                                const char *uuid,
                                FerryAutostart autostart,
                                GError **error);

bool
ferry_guests_autostart(FerryGuests *self, const char *uuid, FerryAutostart *ret, GError **error);

/** Starts a defined guest from disk; one that is up already is a success. */
bool ferry_guests_start(FerryGuests *self, const char *uuid, GError **error);

/** Starts a guest from @xml for this once; a definition that it has stays as it is. */
bool ferry_guests_create(FerryGuests *self, const char *xml, GError **error);

/** Lets the guest's processors run. */
bool ferry_guests_resume(FerryGuests *self, const char *uuid, GError **error);

/** Stops the guest's processors. */
bool ferry_guests_suspend(FerryGuests *self, const char *uuid, GError **error);

/** Asks the guest to shut itself down; does not wait. */
bool ferry_guests_shutdown(FerryGuests *self, const char *uuid, GError **error);

/** Ends the guest's QEMU at once. */
bool ferry_guests_destroy(FerryGuests *self, const char *uuid, GError **error);

/** Asks libvirt to cancel the migration that it runs for this guest; none is a success. */
bool ferry_guests_abort_job(FerryGuests *self, const char *uuid, GError **error);
