#pragma once

#include <stdbool.h>

#include <glib.h>

/** A Unix socket for one client, mode 0600, gone once that client is there.  One thread's. */
typedef struct {
    int fd;     /* -1: nobody is waited for; readable when the client is there */
    char *path; /* (nullable) */
} FerryRelaySocket;

/**
 * What is left at @path of a ferryd that died is replaced.
 *
 * @ret: (out): to be cleared; untouched on failure
 *
 * Returns: false with FERRY_ERROR_INVALID (path too long), FERRY_ERROR_DENIED, FERRY_ERROR_IO ...
 */
bool ferry_relay_socket_listen(const char *path, FerryRelaySocket *ret, GError **error);

/** Returns: (transfer full): the client, nobody else being let in; -1: it has gone again */
int ferry_relay_socket_accept(FerryRelaySocket *self);

/** Waits for nobody any more.  No effect twice. */
void ferry_relay_socket_clear(FerryRelaySocket *self);
