#pragma once

#include <stdbool.h>

#include <glib.h>

/** Where to: HOST:PORT, [V6]:PORT, or a path with a slash for a Unix socket. */

/** How long, and who may end it earlier: a signal handler sets it. */
typedef struct {
    int timeout_ms;
    const int *cancelled; /* (nullable) */
} ToolWait;

/**
 * The host of HOST:PORT, which a certificate must name.
 *
 * @ret: (out) (transfer full) (nullable): NULL for a Unix socket
 */
bool tool_address_host(const char *address, char **ret, GError **error);

/** Returns: a connected socket, or -1 */
int tool_address_connect(const char *address, const ToolWait *wait, GError **error);

/** Waits for one connection; a Unix socket's name appears when it can be connected to, and goes
 *  afterwards.  Returns: a connected socket, or -1 */
int tool_address_accept(const char *address, const ToolWait *wait, GError **error);
