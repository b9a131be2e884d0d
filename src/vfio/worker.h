#pragma once

#include <stdbool.h>

/**
 * A thread that makes one blocking call at a time, so that whoever asked can stop waiting: some
 * drivers block in read(), and kernels 6.2 to mid 2026 can loop in an ioctl for ever.  A call that
 * does not come back is left alone with its thread and its memory; the worker is of no use then.
 *
 * One thread at a time uses a worker.
 */
typedef struct _FerryWorker FerryWorker;

FerryWorker *ferry_worker_new(void);

/** Ends the thread, or leaves it to the call that it is stuck in. */
void ferry_worker_free(FerryWorker *self);

/**
 * Runs @run(@argument) in the worker's thread.
 *
 * @argument: from g_atomic_rc_box_alloc(): each side holds a reference, so that a late call writes
 *            to memory that is still there
 *
 * Returns: false when it did not come back within @timeout_ms, or an earlier one has not
 */
bool
ferry_worker_run(FerryWorker *self, void (*run)(void *argument), void *argument, int timeout_ms);
