#pragma once

#include "vfio/transport.h"

/** How to talk to a vfio-user server; all zero means the defaults. */
typedef struct {
    int timeout_ms;     /* for each reply; 0: 30 s */
    unsigned depth;     /* requests of state data under way at once, 1 to 16; 0: 4 */
    size_t read_bytes;  /* asked for at once; 0: the negotiated maximum */
    size_t write_bytes; /* sent at once; 0: 32 KiB, as some servers lose data above 36,520 bytes */
} FerryUserOptions;

/**
 * Connects to a vfio-user server and agrees on a version.
 *
 * Reads and writes of state data are pipelined, answers come in the order of the requests.  Before
 * any other call all answers due are collected; data read ahead is kept and given out first.
 *
 * Returns: (transfer full): NULL with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED,
 *          FERRY_ERROR_TIMEOUT or FERRY_ERROR_PEER
 */
FerryTransport *ferry_user_open(const char *path, const FerryUserOptions *options, GError **error);

/** The same over a connected stream socket, which is taken over on success and on failure. */
FerryTransport *
ferry_user_open_fd(int fd, const char *name, const FerryUserOptions *options, GError **error);
