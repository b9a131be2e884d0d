#pragma once

#include <sys/uio.h>

#include "vfio/deadline.h"

/**
 * A way for frames: a connected socket, a pipe, a file, or TLS over a socket.  Each call returns
 * within the channel's timeout (a regular file's own system calls aside).
 *
 * One thread may send while another receives; two may not do the same at once.
 */
typedef struct _FerryChannel FerryChannel;

typedef struct {
    bool (*send)(void *data, struct iovec *parts, size_t n_parts, GError **error);
    /** Exactly @size bytes; @ret_n is less only at the end of the stream. */
    bool (*recv)(void *data, void *buf, size_t size, size_t *ret_n, GError **error);
    /** Whether recv would find something at once. */
    bool (*pending)(void *data);
    /** Ends both directions, for failing paths: whoever waits on either side returns; what was
     *  sent before still arrives. */
    void (*stop)(void *data);
    void (*free)(void *data);
} FerryChannelOps;

/** May the receiver answer?  A file cannot be answered to. */
typedef enum { FERRY_CHANNEL_ONE_WAY, FERRY_CHANNEL_TWO_WAY } FerryChannelKind;

struct _FerryChannel {
    const FerryChannelOps *ops;
    void *data;
    FerryChannelKind kind;
    char *name;        /* for messages */
    uint64_t received; /* bytes, so a damaged place can be named */
};

/**
 * @fd: (transfer full): made non-blocking unless it is a regular file
 * @timeout_ms: without a byte moving
 */
FerryChannel *ferry_channel_new_fd(int fd, FerryChannelKind kind, const char *name, int timeout_ms);
void ferry_channel_free(FerryChannel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryChannel, ferry_channel_free)

/**
 * Receives exactly @size bytes and counts them.
 *
 * Returns: false with FERRY_ERROR_PEER when the stream ends before, naming the offset
 */
bool ferry_channel_recv(FerryChannel *self, void *buf, size_t size, GError **error);
