#pragma once

#include "vfio/channel.h"

/** TLS 1.3 with certificates on both sides, over a connected socket. */
typedef enum { FERRY_TLS_CLIENT, FERRY_TLS_SERVER } FerryTlsSide;

/** PEM files: who may sign, and who we are. */
typedef struct {
    const char *ca;
    const char *cert;
    const char *key;
} FerryTlsFiles;

/**
 * Makes the connection safe.
 *
 * @fd: (transfer full): taken, on failure too
 * @host: (nullable): the name that must be in the server's certificate; NULL checks the chain only
 *
 * Returns: (transfer full): NULL with FERRY_ERROR_NOT_FOUND or FERRY_ERROR_INVALID (the files),
 *          FERRY_ERROR_DENIED (a certificate does not hold), FERRY_ERROR_PEER or
 *          FERRY_ERROR_TIMEOUT
 */
FerryChannel *ferry_tls_channel_new(int fd,
                                    FerryTlsSide side,
                                    const char *host,
                                    const FerryTlsFiles *files,
                                    const char *name,
                                    int timeout_ms,
                                    GError **error);
