#pragma once

#include "guest/connection.h"

typedef enum {
    FERRY_DEVICE_LIVE,   /* in the running guest */
    FERRY_DEVICE_CONFIG, /* in its definition */
} FerryDevicePlace;

/**
 * Plugs a device in; a success when the guest has one of that alias already.
 *
 * @alias: that of the device in @device_xml
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the guest is not there, FERRY_ERROR_INVALID when
 *          libvirt cannot read @device_xml, FERRY_ERROR_IO when it will not
 */
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
    FERRY_DETACH_REFUSED, /* libvirt or QEMU will not */
} FerryDetach;

/**
 * Asks a running guest to let a device go; only asks.  May be asked again: of a device that is
 * still being unplugged QEMU says so, which is FERRY_DETACH_ASKED.
 *
 * @ret_reason: (out) (nullable) (transfer full): libvirt's words when refused, else NULL
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the guest is not there, FERRY_ERROR_TIMEOUT when
 * its job lock could not be had, a migration's for one
 */
bool ferry_guests_detach_ask(FerryGuests *self,
                             const char *uuid,
                             const char *alias,
                             FerryDetach *ret,
                             char **ret_reason,
                             GError **error);

/**
 * What libvirt's error to a detach means; for ferry_guests_detach_ask() and its test.
 *
 * @libvirt_code: VIR_ERR_*
 * @words: its message, which holds QEMU's
 *
 * Returns: false when it is no answer to the question: a lost connection, a lock not had
 */
bool ferry_device_judge_refusal(int libvirt_code, const char *words, FerryDetach *ret);
