#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "daemon/config.h"

/** All of a running ferryd, wired together.  One thread starts and stops it. */
typedef struct _FerryDaemon FerryDaemon;

/**
 * Brings it up: lock of the state folder, store, devices, libvirt, certificate, server, so
 * that whoever can reach it finds all of it there.
 *
 * @config: must outlive it
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_EXISTS when another ferryd has the state folder or the socket,
 *          FERRY_ERROR_INVALID when the configuration does not fit the certificate, or what store,
 *          certificate and server say
 */
bool ferry_daemon_start(const FerryConfig *config, FerryDaemon **ret, GError **error);

/**
 * Waits until the PFs of the configuration have their VFs: guests that start with the host need
 * them.
 *
 * Returns: false when @limit_ms went by before
 */
bool ferry_daemon_await_devices(FerryDaemon *self, int64_t limit_ms);

/** Returns: the TCP port it listens on, 0 if it does not */
uint16_t ferry_daemon_port(const FerryDaemon *self);

/**
 * Ends it; jobs stay as their journal has them.
 *
 * @timeout_ms: about how long requests and jobs may take to end
 *
 * Returns: whether all ended in time and @self was freed.  If not, the process must end without.
 */
bool ferry_daemon_stop(FerryDaemon *self, int64_t timeout_ms);
