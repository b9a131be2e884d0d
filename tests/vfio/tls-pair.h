#pragma once

#include "vfio/tls.h"

/** Certificates in a folder, and two ends of a connection that use them. */

/** Two authorities, each of which is its own and only certificate: "host" and "stranger". */
typedef struct {
    char *folder;
    FerryTlsFiles host;
    FerryTlsFiles stranger;
} TlsPair;

/** One end, made in a thread of its own: a handshake needs both. */
typedef struct {
    int fd;
    FerryTlsSide side;
    const char *host;
    const FerryTlsFiles *files;
    int timeout_ms;
    FerryChannel *channel;
    GError *error;
} TlsEnd;

/** For g_test_add(). */
void tls_pair_set_up(TlsPair *f, gconstpointer data);
void tls_pair_tear_down(TlsPair *f, gconstpointer data);

/** Shakes hands over a socket pair; each end has a channel or an error then. */
void tls_pair_connect(TlsEnd *client, TlsEnd *server);
/** The same where both have the host's files, so that it works. */
void tls_pair_connect_good(const TlsPair *f, TlsEnd *client, TlsEnd *server);
/** Makes one end, for pthread_create(); the other one does the same meanwhile. */
void *tls_end_shake(void *end);
void tls_end_clear(TlsEnd *end);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TlsEnd, tls_end_clear)
