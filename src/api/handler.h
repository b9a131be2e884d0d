#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "client/identity.h"

/**
 * What a resource of the HTTP API is made of: a row that says method, path and who may call it, and
 * a function that answers.
 *
 * A handler runs in the thread of its connection and may take long; the server waits for it.  It
 * must be safe to run beside itself.
 */

/** One request; all of it belongs to the server and lives as long as the call. */
typedef struct {
    const char *method;
    const char *const *segments; /* what stood for each {} of the path, decoded; never empty */
    const json_t *body;          /* an object; NULL when none was sent */
    const FerryPeerName *caller; /* on the Unix socket: name "local", role operate */
    const GHashTable *query;     /* see ferry_request_query() */
    const char *key;             /* (nullable): the header Idempotency-Key, unchecked */
    const void *connection;      /* see ferry_request_is_over() */
} FerryRequest;

/** Returns: (transfer none) (nullable): the decoded value of "?key=value" */
const char *ferry_request_query(const FerryRequest *self, const char *key);

/** True once the caller has hung up or the server is to stop.  Whoever waits for something asks at
 * least once a second, and gives up. */
bool ferry_request_is_over(const FerryRequest *self);

/** What to answer; set exactly once by a handler that returns true. */
typedef struct _FerryResponse FerryResponse;

/** @body: (transfer full) (nullable) */
void ferry_response_json(FerryResponse *self, unsigned status, json_t *body);

/** 409 with the problem type "refused".  @reasons: (transfer full): an array of objects */
void ferry_response_refused(FerryResponse *self, const char *detail, json_t *reasons);

typedef enum {
    FERRY_NEXT_EVENT,   /* @ret is set */
    FERRY_NEXT_NOTHING, /* not within the time: ask again */
    FERRY_NEXT_END,     /* no more events */
} FerryNext;

/** An event's name (transfer none, static) and data (transfer full). */
typedef struct {
    const char *name;
    json_t *data;
} FerryEvent;

/** Waits at most @timeout_ms for the next event. */
typedef FerryNext (*FerryNextFunc)(void *data, int64_t timeout_ms, FerryEvent *ret);

/** Answers with server-sent events until @next says the end, the caller hangs up or the server
 * stops.  @data_free: (nullable) */
void ferry_response_events(FerryResponse *self,
                           FerryNextFunc next,
                           void *data,
                           GDestroyNotify data_free);

/**
 * The connection's far side is the caller.  @fd blocks, belongs to the server, and is shut down
 * when the server stops; the connection ends when this returns.
 */
typedef void (*FerryUpgradeFunc)(int fd, void *data);

/**
 * Switches the connection to another protocol and runs @func in a thread of its own.  When the
 * request asked for another protocol or none, that is answered with 426, and @func is not called.
 *
 * @protocol: static; @data_free: (nullable)
 */
void ferry_response_upgrade(FerryResponse *self,
                            const char *protocol,
                            FerryUpgradeFunc func,
                            void *data,
                            GDestroyNotify data_free);

/** Returns: false with an error, which is answered as a problem of its code */
typedef bool (*FerryHandler)(void *data,
                             const FerryRequest *request,
                             FerryResponse *response,
                             GError **error);

/** A row; a table ends with a row whose method is NULL. */
typedef struct {
    const char *method;
    const char *path; /* "/v1/jobs/{}/cancel": each {} is one segment */
    FerryRole needed;
    FerryHandler run;
} FerryRoute;
