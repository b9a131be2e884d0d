#pragma once

#include "migrate/life.h"

/**
 * Starts a guest: claims and makes its devices, then lets libvirt start it; all or nothing.
 *
 * @guest: name or UUID
 * @limit_ms: how long to wait for what passes by itself: a device that its driver still cleans up,
 *            types that are not published yet
 * @ret: (out) (nullable) (transfer full): {guest{name, uuid}, state, already, elapsed_ms,
 *       degraded[]} once it runs
 * @ret_reasons: (out) (nullable) (transfer full): why it is not started; nothing is left of it
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_BUSY (a job holds it, or another start),
 *          or what libvirt said; nothing is left of the start
 */
bool ferry_start_guest(const FerryLife *life,
                       const char *guest,
                       FerryStartExtent extent,
                       int64_t limit_ms,
                       json_t **ret,
                       json_t **ret_reasons,
                       GError **error);

typedef enum {
    FERRY_STOP_ASK,   /* the guest shuts itself down */
    FERRY_STOP_FORCE, /* its QEMU is ended */
} FerryStopManner;

/**
 * Stops a guest and waits until it is down and its devices are released.
 *
 * @ret: (out) (nullable) (transfer full): {guest{name, uuid}, state, already, elapsed_ms, left?}
 *       once it is down; left says which device could not be released yet
 * @ret_reasons: (out) (nullable) (transfer full): it still runs at the end of @limit_ms
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_BUSY (a job holds it), or what libvirt
 *          said
 */
bool ferry_stop_guest(const FerryLife *life,
                      const char *guest,
                      FerryStopManner manner,
                      int64_t limit_ms,
                      json_t **ret,
                      json_t **ret_reasons,
                      GError **error);
