#include "vfio/deadline.h"

#include <errno.h>

#include "base/error.h"
#include "base/file.h"

FerryDeadline
ferry_deadline_in(int timeout_ms)
{
    g_assert(timeout_ms > 0);
    return (FerryDeadline){ .end_us = g_get_monotonic_time() + (int64_t)timeout_ms * 1000,
                            .timeout_ms = timeout_ms };
}

int
ferry_deadline_left_ms(const FerryDeadline *self)
{
    int64_t left_us = self->end_us - g_get_monotonic_time();

    return left_us <= 0 ? 0 : (int)((left_us + 999) / 1000);
}

bool
ferry_deadline_wait(const FerryDeadline *self,
                    int fd,
                    short events,
                    const char *what,
                    GError **error)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };

    for (;;) {
        int n = poll(&poll_fd, 1, ferry_deadline_left_ms(self));

        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return ferry_error_set_errno(error, errno, "wait for", what);
        if (n == 0) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT, "%s did not answer within %d ms",
                        what, self->timeout_ms);
            return false;
        }
    }
}
