#pragma once

#include <sys/uio.h>

#include "vfio/deadline.h"

/** The non-blocking Unix socket under vfio-user: whole messages, deadlines, no stray descriptors.
 */

/**
 * Connects.  A server that takes one client at a time may have a full queue: tried again until the
 * deadline.
 *
 * Returns: the descriptor, or -1 with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED,
 *          FERRY_ERROR_TIMEOUT, FERRY_ERROR_INVALID (path too long) or FERRY_ERROR_IO
 */
int ferry_user_connect(const char *path, const FerryDeadline *deadline, GError **error);

/**
 * Sends a message with one sendmsg() as long as the socket has room (some servers read a body with
 * one recv()); what remains of a larger one follows.
 *
 * @parts: changed
 */
bool ferry_user_send(int fd,
                     struct iovec *parts,
                     size_t n_parts,
                     const FerryDeadline *deadline,
                     const char *name,
                     GError **error);

/**
 * Fills all parts.  Descriptors that come along are closed: we asked for none.
 *
 * @parts: changed
 */
bool ferry_user_recv(int fd,
                     struct iovec *parts,
                     size_t n_parts,
                     const FerryDeadline *deadline,
                     const char *name,
                     GError **error);
