#pragma once

#include "vfio/user-socket.h"
#include "vfio/user-wire.h"

/** The connection to a vfio-user server: requests out, replies in, in step.  Private to the client
 *  (user*.c).  After the first GError it is out of step, and `broken` answers all later calls. */
typedef struct {
    int fd;
    char *name; /* "vfio-user server /run/x.sock" */
    int timeout_ms;
    uint16_t next_id;
    bool broken;
} UserLink;

/** Returns: false with FERRY_ERROR_PEER when the link is broken */
bool user_link_check(UserLink *self, GError **error);

/** Fills all parts, which are changed. */
bool user_link_recv_parts(UserLink *self,
                          struct iovec *parts,
                          size_t n_parts,
                          const FerryDeadline *deadline,
                          GError **error);

/** Receives exactly @size bytes. */
bool user_link_recv(UserLink *self,
                    void *buf,
                    size_t size,
                    const FerryDeadline *deadline,
                    GError **error);
bool user_link_skip(UserLink *self, size_t size, const FerryDeadline *deadline, GError **error);

/** @payload: at most two parts, after the header */
bool user_link_send(UserLink *self,
                    uint16_t id,
                    FerryUserCommand command,
                    struct iovec *payload,
                    size_t n_payload,
                    GError **error);

/**
 * The header of the reply to (@id, @command).  Commands of the server's own that come before are
 * refused.
 *
 * @ret_payload: (out): bytes that are still to be received
 * @ret_code: (out): 0 or the errno that the server answered
 */
bool user_link_reply(UserLink *self,
                     uint16_t id,
                     FerryUserCommand command,
                     size_t max_payload,
                     const FerryDeadline *deadline,
                     size_t *ret_payload,
                     int *ret_code,
                     GError **error);

/** Says that the server broke the protocol: always false, and the link is broken. */
bool user_link_fail(UserLink *self, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
