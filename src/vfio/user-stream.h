#pragma once

#include "vfio/transport.h"
#include "vfio/user-link.h"

/**
 * The state data of a vfio-user device, pipelined.  Private to the client (user*.c).
 *
 *   read   asks ahead: up to `depth` MIG_DATA_READ are under way, the oldest answer is received
 *          straight into the caller's buffer (`left` bytes of it may remain in the socket, then
 *          `padding`)
 *   write  sends up to `depth` MIG_DATA_WRITE before it waits for the oldest answer
 *   other  settles both first: data that was read ahead goes to `stash`, a failed write's errno
 *          to `write_code`
 */
typedef struct {
    UserLink *link;
    unsigned depth;
    size_t read_bytes;
    size_t write_bytes;

    unsigned n_reads; /* under way; ids count up, so the oldest is known */
    uint16_t read_id;
    size_t left;
    size_t padding;
    GByteArray *stash;
    size_t stash_used;

    unsigned n_writes;
    uint16_t write_id;
    int write_code; /* first errno of a write since the last settle */
} UserStream;

bool user_stream_read(UserStream *self, void *buf, size_t size, FerryIo *ret, GError **error);
bool
user_stream_write(UserStream *self, const void *buf, size_t size, FerryIo *ret, GError **error);

/** Collects all answers due, so that another request can be made. */
bool user_stream_settle(UserStream *self, GError **error);

/** Collects the writes' answers.  @ret_code: 0 or the errno of the first that failed */
bool user_stream_settle_writes(UserStream *self, int *ret_code, GError **error);

/** Forgets the session's data, what was read ahead too. */
void user_stream_drop(UserStream *self);
