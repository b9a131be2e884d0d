#pragma once

#include "vfio/device.h"

/**
 * One load session: RESUMING, all bytes of one save session, STOP (the driver checks them there),
 * and RUNNING when whoever owns the guest says so.
 *
 * Invariants: 1 a failed write is final: the driver is never asked for STOP after it, since some
 * (the kernel's mtty) count the refused bytes and load them.  2 after a failure, and after abort,
 * the device has been reset and runs empty.  One thread at a time.
 */
typedef struct {
    FerryVfioDevice *device; /* (transfer none) */
    bool open;
    bool failed;
    uint64_t bytes;
} FerryLoad;

/** Begins to load: RESUMING.  The device must be in RUNNING or STOP (FERRY_ERROR_BUSY). */
bool ferry_load_begin(FerryLoad *self, FerryVfioDevice *device, GError **error);

/** Writes all of @buf.  Returns: false with FERRY_ERROR_IO when the driver refused it. */
bool ferry_load_write(FerryLoad *self, const void *buf, size_t size, GError **error);

/** All has been written: STOP, where the driver may refuse the whole.  On failure the device is
 *  reset. */
bool ferry_load_finish(FerryLoad *self, GError **error);

/** Drops what was loaded: reset. */
bool ferry_load_abort(FerryLoad *self, GError **error);

/** Starts loaded devices: all to the P2P-quiet state (of those that have it) before any runs. */
bool ferry_load_run_all(FerryLoad *const *sessions, size_t n_sessions, GError **error);
