#pragma once

#include "guest/connection.h"

/*
 * What ferry does to a guest.  Every act may be done twice (saga.md section 9): "already so" is a
 * success, and so is "not there" for whatever takes away.  Where the guest must be there,
 * FERRY_ERROR_NOT_FOUND.
 */

/** Defines, or defines again, a guest; @xml has name and UUID. */
bool ferry_guests_define(FerryGuests *self, const char *xml, GError **error);

/** What happens to the guest's firmware variables when its definition goes. */
typedef enum {
    FERRY_NVRAM_REMOVE,
    FERRY_NVRAM_KEEP, /* the file is on storage that the other host uses too */
} FerryNvram;

/** Removes the definition with managed save, snapshot and checkpoint metadata; a running guest goes
 * on. */
bool ferry_guests_undefine(FerryGuests *self, const char *uuid, FerryNvram nvram, GError **error);

typedef enum { FERRY_AUTOSTART_OFF, FERRY_AUTOSTART_ON } FerryAutostart;

/** A transient guest has no flag: OFF is a success there, ON is FERRY_ERROR_UNSUPPORTED. */
bool ferry_guests_set_autostart(FerryGuests *self,
                                const char *uuid,
                                FerryAutostart autostart,
                                GError **error);

bool
ferry_guests_autostart(FerryGuests *self, const char *uuid, FerryAutostart *ret, GError **error);

/** Starts a defined guest from disk; one that is up already is a success. */
bool ferry_guests_start(FerryGuests *self, const char *uuid, GError **error);

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

typedef enum {
    FERRY_DEVICE_LIVE,   /* in the running guest */
    FERRY_DEVICE_CONFIG, /* in its definition */
} FerryDevicePlace;

/** @alias: of the device in @device_xml: when the guest has it already, nothing is done */
bool ferry_guests_attach(FerryGuests *self,
                         const char *uuid,
                         const char *alias,
                         const char *device_xml,
                         FerryDevicePlace place,
                         GError **error);

/** What asking a running guest for a device came to. */
typedef enum {
    FERRY_DETACH_ASKED,   /* wait for the device-removed event, and look at the live XML */
    FERRY_DETACH_ABSENT,  /* it has no such device (any more) */
    FERRY_DETACH_REFUSED, /* libvirt or QEMU will not; @ret_reason says why */
} FerryDetach;

/**
 * Asks a running guest to let a device go; only asks.  One that was asked before and still has it
 * is asked again: QEMU says "already in the process of unplug", which is FERRY_DETACH_ASKED.
 *
 * @ret_reason: (out) (nullable) (transfer full): libvirt's words when refused
 */
bool ferry_guests_detach_ask(FerryGuests *self,
                             const char *uuid,
                             const char *alias,
                             FerryDetach *ret,
                             char **ret_reason,
                             GError **error);
