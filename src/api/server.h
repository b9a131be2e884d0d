#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "api/handler.h"
#include "client/identity.h"

/**
 * The HTTP server: a Unix socket for tools of this host, and TLS 1.3 with client certificates for
 * other hosts.  There is no plain TCP.  A thread for each connection, so that handlers may block.
 *
 * What a caller may do to it is bounded: headers of 16 KiB, a body of max_body_bytes, an absolute
 * time for a request to arrive and for an answer to be taken, a number of connections, and of those
 * from strangers.  A TLS client is a stranger until its certificate is judged, which is within the
 * handshake: one that we do not believe gets no byte of HTTP.
 */
typedef struct _FerryServer FerryServer;

/** Strings and the identity must outlive the server. */
typedef struct {
    const char *socket_path;       /* NULL: no Unix socket */
    const char *listen;            /* "HOST:PORT" or "*:PORT"; NULL: no TLS */
    const FerryIdentity *identity; /* needed with @listen */
    unsigned max_connections;
    unsigned max_strangers, max_strangers_one; /* in all; from one address */
    int64_t arrive_ms, send_ms, idle_ms;
    size_t max_body_bytes;
} FerryServerConfig;

/** The limits that ferryd has; socket, listen and identity are the caller's to add. */
extern const FerryServerConfig ferry_server_defaults;

/** Returns: (transfer full): a server that does not listen yet */
FerryServer *ferry_server_new(const FerryServerConfig *config);

/** Stops it, waiting for as long as handlers take, and frees it; NULL is fine. */
void ferry_server_free(FerryServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryServer, ferry_server_free)

/**
 * Adds rows, before the start.
 *
 * @routes: static; the last row's method is NULL
 * @data: what their handlers are given; must outlive the server
 */
void ferry_server_add(FerryServer *self, const FerryRoute *routes, void *data);

/**
 * Listens; from its return on connections are answered.
 *
 * Returns: false with FERRY_ERROR_EXISTS when another ferryd answers on the socket, else
 *          FERRY_ERROR_INVALID, FERRY_ERROR_DENIED, FERRY_ERROR_IO or FERRY_ERROR_EXHAUSTED, naming
 *          the address
 */
bool ferry_server_start(FerryServer *self, GError **error);

/** Returns: the TCP port it listens on, 0 if it does not */
uint16_t ferry_server_port(const FerryServer *self);

/** Returns: how many connections are open */
unsigned ferry_server_connections(FerryServer *self);

/**
 * Listens no more, shuts idle connections down, tells handlers that they are over
 * (ferry_request_is_over()) and waits for them.
 *
 * Returns: whether all have ended in time.  If not, the server can't be freed in bounded time: end
 *          the process.
 */
bool ferry_server_stop(FerryServer *self, int64_t timeout_ms);
