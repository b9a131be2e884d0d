/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FERRY_VFIO_H
#define FERRY_VFIO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * libferry: save, move and load the state of VFIO devices, for authors of VMMs and drivers.
 *
 *   FerryVfio *gpu = ferry_vfio_open("0000:3b:00.4", ...)   or an mdev's UUID, a path below
 *                                                           /dev/vfio, "vfio-user:/run/x.sock"
 *   source: ferry_vfio_send(&gpu, 1, &socket, 1, ...)   ->  target: ferry_vfio_receive(...)
 *
 * Before a byte of state is read or written, the target compares what the devices are; then the
 * state goes over in checked frames while the device runs, is stopped at the best moment, and the
 * target's runs once the source's is stopped for good.  docs/stream-format.md has the format.
 *
 * Threads: one thread at a time uses a device; different devices are independent.  A call makes
 * threads of its own and ends them.  No call waits for ever.  There is no global state.
 *
 * Each function that can fail returns a FerryVfioStatus and, when @error is given, a sentence that
 * says what failed, on what, why and what to do; it is freed with ferry_vfio_string_free().
 */

/** An opened device. */
typedef struct FerryVfio FerryVfio;

/** How a call ended.  The numbers are the exit codes of ferry's programs. */
typedef enum {
    FERRY_VFIO_OK = 0,
    FERRY_VFIO_REFUSED = 1, /* an answer: the devices do not fit, or the stop would be too long;
                               nothing was changed, the source runs */
    FERRY_VFIO_INVALID = 2,
    FERRY_VFIO_NOT_FOUND = 3,
    FERRY_VFIO_EXISTS = 4,
    FERRY_VFIO_BUSY = 5, /* somebody else has the device */
    FERRY_VFIO_EXHAUSTED = 6,
    FERRY_VFIO_UNSUPPORTED = 7, /* the device or its driver cannot */
    FERRY_VFIO_DENIED = 8,
    FERRY_VFIO_IO = 9,
    FERRY_VFIO_PEER = 10, /* the other side broke the protocol or hung up */
    FERRY_VFIO_TIMEOUT = 11,
    FERRY_VFIO_CANCELLED = 12,
    FERRY_VFIO_CORRUPT = 13,
    FERRY_VFIO_IN_DOUBT = 23 /* the other side was lost after the source's device was stopped for
                                good: whether it runs there must be looked at */
} FerryVfioStatus;

/** Bits. */
typedef enum {
    FERRY_VFIO_PLAIN = 0,
    FERRY_VFIO_ACCEPT_UNKNOWN = 1, /* load although a fact about a device is missing */
    FERRY_VFIO_STAY_STOPPED = 2,   /* target: leave the devices in STOP */
    FERRY_VFIO_STRICT_DOWNTIME = 4 /* source: give up rather than stop for longer than asked */
} FerryVfioFlags;

/** Seen about ten times a second, from the calling thread. */
typedef void (*FerryVfioProgress)(void *data, size_t device, uint64_t bytes, uint64_t rate_bps);

/** How to move.  All zero is fine; set size to sizeof(FerryVfioOptions). */
typedef struct {
    size_t size;
    unsigned flags;             /* of FerryVfioFlags */
    int timeout_ms;             /* without a byte on a connection; 0: 30 s */
    uint64_t memory_bytes;      /* for state in memory; 0: 16 MiB */
    uint64_t bandwidth_bps;     /* bytes a second; 0: no limit */
    uint64_t max_downtime_ms;   /* 0: 300 */
    FerryVfioProgress progress; /* may be NULL */
    void *progress_data;
    const int *cancel; /* may be NULL: the move ends soon after it is not 0 any more */
} FerryVfioOptions;

/** What happened, over all devices. */
typedef struct {
    uint64_t precopy_bytes; /* while the devices ran */
    uint64_t stop_bytes;    /* while they were stopped */
    uint64_t total_ms;
    uint64_t downtime_ms; /* source: first device told to be quiet, until all are loaded there */
} FerryVfioReport;

/** Opens a device by address, UUID, path or "vfio-user:SOCKET". */
FerryVfioStatus ferry_vfio_open(const char *name, FerryVfio **ret, char **error);

/** Closes it.  NULL is fine. */
void ferry_vfio_close(FerryVfio *device);

/** Whether its driver can migrate it: 1 or 0. */
int ferry_vfio_can_migrate(const FerryVfio *device);

/** Its description, JSON, as ferry_compat_facts_new() reads it; belongs to the device. */
const char *ferry_vfio_facts(const FerryVfio *device);

/** Puts another description in its place: the vendor's own, with a version, for example. */
FerryVfioStatus ferry_vfio_set_facts(FerryVfio *device, const char *facts, char **error);

/**
 * Sends the state of devices that run together; all are quiet before one is stopped.
 *
 * @fds: connected stream sockets, which stay the caller's; device i takes the i-th, modulo n_fds
 * @report: may be NULL
 *
 * On FERRY_VFIO_OK the devices are stopped and run at the target.  On everything but
 * FERRY_VFIO_IN_DOUBT they run here, or the sentence says what they are in.
 */
FerryVfioStatus ferry_vfio_send(FerryVfio *const *devices,
                                size_t n_devices,
                                const int *fds,
                                size_t n_fds,
                                const FerryVfioOptions *options,
                                FerryVfioReport *report,
                                char **error);

/** Receives what ferry_vfio_send() sends, into devices of the same number and order. */
FerryVfioStatus ferry_vfio_receive(FerryVfio *const *devices,
                                   size_t n_devices,
                                   const int *fds,
                                   size_t n_fds,
                                   const FerryVfioOptions *options,
                                   FerryVfioReport *report,
                                   char **error);

/** Writes a device's state to a file descriptor; the device is stopped then. */
FerryVfioStatus ferry_vfio_save(FerryVfio *device,
                                int fd,
                                const FerryVfioOptions *options,
                                FerryVfioReport *report,
                                char **error);

/** Loads what was saved, and runs. */
FerryVfioStatus ferry_vfio_load(FerryVfio *device,
                                int fd,
                                const FerryVfioOptions *options,
                                FerryVfioReport *report,
                                char **error);

/** Brings a device to RUNNING from wherever it is, by reset if need be. */
FerryVfioStatus ferry_vfio_run(FerryVfio *device, char **error);

void ferry_vfio_string_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
