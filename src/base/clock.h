#pragma once

#include <stdint.h>
#include <time.h>

#include <glib.h>

/**
 * Time and randomness, so that a test can fix both.  Values are passed down as a const pointer;
 * all three functions may be called from any thread.
 */
typedef struct _FerryClock FerryClock;
struct _FerryClock {
    /** Milliseconds since some fixed point, never backwards: for every timer and duration. */
    int64_t (*now_ms)(const FerryClock *self);
    /** Microseconds since 1970-01-01 UTC: for display only, it may jump. */
    int64_t (*wall_us)(const FerryClock *self);
    /** A random version 4 UUID in lower case; (transfer full). */
    char *(*uuid)(const FerryClock *self);
};

/** Returns: (transfer none): the machine's own clock, CLOCK_MONOTONIC and CLOCK_REALTIME */
const FerryClock *ferry_clock_system(void);

/** Returns: (transfer full): @wall_us as RFC 3339 in UTC, "2026-01-31T12:00:00.123Z" */
char *ferry_clock_format(int64_t wall_us);

/** Returns: the moment @timeout_ms from now on CLOCK_MONOTONIC, for pthread_cond_timedwait() */
struct timespec ferry_clock_deadline(int64_t timeout_ms);
