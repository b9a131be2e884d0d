#pragma once

#include <stddef.h>

/** What one try to move bytes came to. */
typedef enum {
    FERRY_PUMP_MOVED,
    FERRY_PUMP_AGAIN, /* nothing now: wait for the descriptor */
    FERRY_PUMP_END,   /* the other side closed, or it broke */
} FerryPumpStep;

/** The far side of a tunnel, which is not a plain descriptor: TLS, by whichever library.  Neither
 * call may block. */
typedef struct {
    FerryPumpStep (*receive)(void *data, char *bytes, size_t size, size_t *ret_n);
    /** After AGAIN it is called with the same bytes again. */
    FerryPumpStep (*send)(void *data, const char *bytes, size_t size, size_t *ret_n);
} FerryPumpOps;

/**
 * Carries bytes both ways until one side ends; what had arrived by then still goes out, as far as
 * the other side takes it at once.  Closes nothing.
 *
 * @far_fd: the descriptor below the far side, to wait for; shutting it down ends the pump
 * @near_fd: a stream socket; so does shutting this one down
 */
void ferry_pump_run(const FerryPumpOps *far, void *data, int far_fd, int near_fd);
