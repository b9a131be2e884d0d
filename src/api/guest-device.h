#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

/** What POST /v1/guests/NAME/devices asks for; exactly one of xml and ephemeral is set. */
typedef struct {
    char *xml;       /* a device's XML, in a form that ferry_convert_domain() takes */
    char *ephemeral; /* alias of a device that is to be marked */
    bool check_only;

    /* (nullable) the alias that the device is to have; then also: */
    char *alias;
    char *unnamed; /* its XML without what only one device can have */
    char *uuid;    /* (nullable) of an mdev */
    char *mac;     /* (nullable) of a hybrid NIC */
} FerryGuestDevice;

/**
 * Reads the body: {"xml": …}, {"mdev": {…}}, {"hybrid": {…}} or {"ephemeral": …}, one of them.
 *
 * @ret: (out): cleared by the caller
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the field
 */
bool ferry_guest_device_read(const json_t *body, FerryGuestDevice *ret, GError **error);

void ferry_guest_device_clear(FerryGuestDevice *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryGuestDevice, ferry_guest_device_clear)
