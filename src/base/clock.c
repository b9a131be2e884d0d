#include "base/clock.h"

static int64_t
system_now_ms(const FerryClock *self)
{
    (void)self;
    return g_get_monotonic_time() / 1000;
}

static int64_t
system_wall_us(const FerryClock *self)
{
    (void)self;
    return g_get_real_time();
}

static char *
system_uuid(const FerryClock *self)
{
    (void)self;
    return g_uuid_string_random();
}

const FerryClock *
ferry_clock_system(void)
{
    static const FerryClock clock = { system_now_ms, system_wall_us, system_uuid };

    return &clock;
}

char *
ferry_clock_format(int64_t wall_us)
{
    g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    g_autoptr(GDateTime) exact = g_date_time_add(seconds, wall_us % G_USEC_PER_SEC);
    g_autofree char *text = g_date_time_format(exact, "%Y-%m-%dT%H:%M:%S");

    return g_strdup_printf("%s.%03dZ", text, g_date_time_get_microsecond(exact) / 1000);
}

struct timespec
ferry_clock_deadline(int64_t timeout_ms)
{
    struct timespec deadline;
    int64_t ns = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    ns = deadline.tv_nsec + timeout_ms % 1000 * 1000000;
    deadline.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    deadline.tv_nsec = ns % 1000000000;
    return deadline;
}
