#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "client/identity.h"

/**
 * One kept-alive connection to a ferryd, over its Unix socket or mutual TLS 1.3.
 *
 * One thread at a time uses it; nothing is called back from another thread.  It connects at the
 * first call, and again by itself when the other side closed it in between; a request that met
 * such a closed connection may be sent twice, so what is called must be idempotent.
 *
 * Errors of all calls below:
 *   FERRY_ERROR_PEER     no connection, it broke, or what came back is not ferryd's
 *   FERRY_ERROR_DENIED   the socket's permissions, or either side's certificate
 *   FERRY_ERROR_TIMEOUT  no answer within the time limit, on a connection that stands
 *   any other            what ferryd answered, with its own message
 */
typedef struct _FerryClient FerryClient;

/** A ferryd of this host.  Returns: (transfer full) */
FerryClient *ferry_client_new_unix(const char *socket_path);

/**
 * Another host's ferryd.  Its certificate must be of our authority, name @name and have the role
 * peer, wherever it answers.
 *
 * @me: our own identity; must outlive the client
 * @name: see ferry_host_name_is_valid()
 * @address: "HOST:PORT", with an IPv6 address in brackets
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when @name or @address is malformed
 */
bool ferry_client_new_peer(const FerryIdentity *me,
                           const char *name,
                           const char *address,
                           FerryClient **ret,
                           GError **error);

/** Ends its tunnels and closes its connection; NULL is fine. */
void ferry_client_free(FerryClient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryClient, ferry_client_free)

/** Checks "HOST:PORT".  Returns: false with FERRY_ERROR_INVALID */
bool ferry_address_check(const char *address, GError **error);

/** What ferryd answered: any 2xx, or a 409 that is a refusal, with the problem type "refused" and
 * its reasons in @body. */
typedef struct {
    unsigned status;
    json_t *body; /* NULL when the answer had none */
} FerryReply;

/** Drops the body; the struct is the caller's. */
void ferry_reply_clear(FerryReply *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryReply, ferry_reply_clear)

/**
 * One request, one answer.
 *
 * @path: with its query, percent-encoded: "/v1/guests/web"; see ferry_path_escape()
 * @body: (nullable) (transfer none)
 * @timeout_ms: above 0; for all of it, the connecting too
 * @ret: (out): untouched on failure
 */
bool ferry_client_call(FerryClient *self,
                       const char *method,
                       const char *path,
                       json_t *body,
                       int64_t timeout_ms,
                       FerryReply *ret,
                       GError **error);

/** Returns: (transfer full): @segment with all but letters, digits and "-._~" percent-encoded */
char *ferry_path_escape(const char *segment);

/**
 * @event: (nullable): its name; NULL when nothing came for a while (up to a second), so that the
 *         caller can look at flags of its own
 * @data: (nullable) (transfer none)
 *
 * Returns: false to stop listening
 */
typedef bool (*FerryClientEventFunc)(void *user_data, const char *event, json_t *data);

/**
 * Listens to a stream of server-sent events until ferryd ends it or @func returns false, which are
 * both a success.  @func must not use this client.
 */
bool ferry_client_events(FerryClient *self,
                         const char *path,
                         FerryClientEventFunc func,
                         void *user_data,
                         GError **error);

/**
 * Opens a connection of its own, switches it to @protocol by HTTP Upgrade and pumps it to a socket
 * pair in a thread.  EOF on one side reaches the other after what came before it; a socket cannot
 * be half closed through a tunnel.  The tunnel ends with the descriptor or with the client.
 *
 * @timeout_ms: until the switch
 * @ret_fd: (out) (transfer full): the caller's end
 */
bool ferry_client_tunnel(FerryClient *self,
                         const char *path,
                         const char *protocol,
                         int64_t timeout_ms,
                         int *ret_fd,
                         GError **error);
