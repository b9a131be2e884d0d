#pragma once

#include <stddef.h>

/**
 * Crash points: named places where a test makes the process die, as a power cut would.
 *
 * FERRY_CRASH_AT=NAME in the environment ends the process at that point with SIGKILL, so nothing
 * is flushed and no handler runs.  The points are rows of one table, so a test finds them by
 * asking ("ferryd --list-crash-points") and a name that is not in the table does not compile.
 *
 * FERRY_STOP_AT=NAME stops the process there with SIGSTOP instead, so that a test can change the
 * world around it, cut a link for example, and let it go on with SIGCONT.
 */
typedef enum {
#define FERRY_CRASH_POINT(id, name) FERRY_CRASH_##id,
#include "base/crash-points.h"
#undef FERRY_CRASH_POINT
    FERRY_CRASH_N_POINTS
} FerryCrashPoint;

/** Dies or stops here if the environment asked for that, else does nothing.  Safe in any thread. */
void ferry_crash_at(FerryCrashPoint point);

/** Returns: (transfer none): the point's name, for example "S.HANDOFF.after" */
const char *ferry_crash_point_name(FerryCrashPoint point);
