#include "base/crash.h"

#include <signal.h>

#include <glib.h>

static const char *const names[] = {
#define FERRY_CRASH_POINT(id, name) [FERRY_CRASH_##id] = name,
#include "base/crash-points.h"
#undef FERRY_CRASH_POINT
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == FERRY_CRASH_N_POINTS);

void
ferry_crash_at(FerryCrashPoint point)
{
    const char *name = ferry_crash_point_name(point);

    if (g_strcmp0(g_getenv("FERRY_STOP_AT"), name) == 0)
        (void)raise(SIGSTOP); /* all threads, this one first: kill() may return before that */
    if (g_strcmp0(g_getenv("FERRY_CRASH_AT"), name) == 0)
        (void)raise(SIGKILL); /* does not return */
}

const char *
ferry_crash_point_name(FerryCrashPoint point)
{
    g_assert(point < FERRY_CRASH_N_POINTS);
    return names[point];
}
