#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * An end in time for one call, on CLOCK_MONOTONIC.  Real time on purpose: it bounds system calls,
 * which no injected clock can.  A value; safe in any thread.
 */
typedef struct {
    int64_t end_us;
    int timeout_ms;
} FerryDeadline;

/** @timeout_ms: from now; at least 1 */
FerryDeadline ferry_deadline_in(int timeout_ms);

/** Returns: milliseconds left, at least 0, for poll() */
int ferry_deadline_left_ms(const FerryDeadline *self);

/**
 * Waits until @fd has one of @events, an error or a hang-up.
 *
 * @what: a noun with its name, for the message: "vfio-user server /run/x.sock"
 *
 * Returns: false with FERRY_ERROR_TIMEOUT or FERRY_ERROR_IO
 */
bool ferry_deadline_wait(const FerryDeadline *self,
                         int fd,
                         short events,
                         const char *what,
                         GError **error);
