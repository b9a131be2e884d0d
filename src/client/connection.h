#pragma once

#include <curl/curl.h>

#include "client/client.h"

/* What client.c, events.c and tunnel.c share: where a connection goes, libcurl's set-up, errors. */

typedef struct _FerryTunnel FerryTunnel;

struct _FerryClient {
    CURL *curl;
    char *base;              /* "http://ferryd" or "https://NAME:PORT" */
    char *label;             /* "ferryd at /run/ferry/ferryd.sock", "ferryd of beta (10.0.0.2:1)" */
    char *socket_path;       /* NULL for a peer */
    const FerryIdentity *me; /* NULL for a Unix socket */
    struct curl_slist *route; /* NAME:PORT is at HOST:PORT; NULL for a Unix socket */
    GPtrArray *tunnels;       /* of FerryTunnel */
};

/** One request's state: errors that libcurl's callbacks found, and libcurl's own text. */
typedef struct {
    const FerryClient *client;
    CURL *curl;
    char *url;
    char text[CURL_ERROR_SIZE];
    GError *refusal; /* why our own check turned the server's certificate away */
} FerryExchange;

void ferry_exchange_clear(FerryExchange *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryExchange, ferry_exchange_clear)

/**
 * Sets all but method, body and what to do with the answer on @curl, a fresh or reset handle.
 *
 * @timeout_ms: for all of it; 0 for none but that of connecting
 */
void ferry_exchange_start(FerryExchange *self,
                          const FerryClient *client,
                          CURL *curl,
                          const char *path,
                          int64_t timeout_ms);

/** Puts libcurl's failure @code into @error, by the table in client.h.  Returns: false */
bool ferry_exchange_failed(FerryExchange *self, CURLcode code, GError **error);

/**
 * Puts what ferryd answered instead of a success into @error.
 *
 * @body: (nullable): the answer's JSON, if it had any
 *
 * Returns: false
 */
bool ferry_problem_to_error(const FerryClient *client,
                            unsigned status,
                            const json_t *body,
                            GError **error);

/** Ends the tunnel's thread and frees it. */
void ferry_tunnel_free(FerryTunnel *self);
