#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * Makes the Unix socket at @path, of mode 0660 and of the group "ferry" where that exists, and its
 * folder (0755).  What a ferryd that was killed left there is replaced.
 *
 * @ret_fd: (out) (transfer full): listening, not blocking
 *
 * Returns: false with FERRY_ERROR_EXISTS when somebody answers there, FERRY_ERROR_INVALID when the
 *          path is too long for a socket, or FERRY_ERROR_DENIED, FERRY_ERROR_IO or
 *          FERRY_ERROR_EXHAUSTED
 */
bool ferry_listen_unix(const char *path, int *ret_fd, GError **error);

/**
 * Listens on TCP.
 *
 * @address: "HOST:PORT"; "*" is every address of this host; port 0 is a free one
 * @ret_fd: (out) (transfer full): listening, not blocking
 * @ret_port: (out): the port
 *
 * Returns: false with FERRY_ERROR_INVALID when it is malformed, unknown or not of this host, or
 *          FERRY_ERROR_EXISTS when the port is taken, FERRY_ERROR_DENIED, FERRY_ERROR_IO or
 *          FERRY_ERROR_EXHAUSTED
 */
bool ferry_listen_tcp(const char *address, int *ret_fd, uint16_t *ret_port, GError **error);
