#pragma once

#include <microhttpd.h>

#include "api/connections.h"
#include "api/route.h"
#include "api/server.h"

/* What server.c, call.c, response.c, stream.c and upgrade.c share. */

struct _FerryServer {
    FerryServerConfig config;
    GArray *tables; /* of FerryRouteTable; fixed from the start on */
    FerryConnections *connections;
    struct MHD_Daemon *local, *remote; /* NULL unless it listens there */
    uint16_t port;
    bool stopped;
};

/** One connection: libmicrohttpd's socket context. */
typedef struct {
    FerryServer *server;
    FerryConnection *entry;
    FerryPeerName *caller; /* NULL until its first request, by which it has shown who it is */
    gnutls_session_t tls;  /* NULL on the Unix socket */
} FerryVisit;

/** A switch of protocol that was queued and not made yet. */
typedef struct _FerryUpgrade FerryUpgrade;

/** Frees @self and its data; NULL is fine. */
void ferry_upgrade_free(FerryUpgrade *self);

/** One request: libmicrohttpd's request context. */
typedef struct {
    FerryVisit *visit;
    GString *body;
    bool is_known;     /* the first of libmicrohttpd's calls is over */
    bool is_too_large; /* the rest of the body is read and dropped */
    bool is_upgraded;
    FerryUpgrade *upgrade; /* NULL unless there is one to come */
} FerryCall;

void ferry_call_free(FerryCall *self);

/** libmicrohttpd's MHD_AccessHandlerCallback; @data: the server */
enum MHD_Result ferry_call_handle(void *data,
                                  struct MHD_Connection *mhd,
                                  const char *url,
                                  const char *method,
                                  const char *version,
                                  const char *upload,
                                  size_t *upload_size,
                                  void **context);

typedef enum {
    FERRY_RESPONSE_NONE,
    FERRY_RESPONSE_JSON,
    FERRY_RESPONSE_EVENTS,
    FERRY_RESPONSE_UPGRADE
} FerryResponseKind;

struct _FerryResponse {
    FerryResponseKind kind;
    unsigned status;
    json_t *body;
    char *allow; /* with a 405 */
    const char *protocol;
    FerryNextFunc next;
    FerryUpgradeFunc upgrade;
    void *data;
    GDestroyNotify data_free;
};

void ferry_response_clear(FerryResponse *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryResponse, ferry_response_clear)

/** Answers with a problem; @problem: (transfer full) */
void ferry_response_problem(FerryResponse *self, json_t *problem);

/** Hands it to libmicrohttpd; @self is empty afterwards. */
enum MHD_Result
ferry_response_queue(FerryResponse *self, FerryCall *call, struct MHD_Connection *mhd);

/** Returns: (transfer full): a response that streams @self's events and owns its data */
struct MHD_Response *ferry_stream_new(FerryResponse *self, FerryVisit *visit);

/** Returns: (transfer full): a response that switches the protocol; @call owns @self's data */
struct MHD_Response *ferry_upgrade_new(FerryResponse *self, FerryCall *call);
