#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * The open connections of a server and the time each may take for what it is at.  libmicrohttpd
 * knows only how long a connection was silent, so a client that sends one byte a second would hold
 * its thread for ever; and it counts the time that a handler takes as silence.
 *
 * One thread watches the deadlines; a connection whose time is up is shut down, and the thread that
 * serves it then sees EOF.  All functions may be called from any thread.
 */
typedef struct _FerryConnections FerryConnections;
typedef struct _FerryConnection FerryConnection;

/** What a connection is at; the first three have a time limit. */
typedef enum {
    FERRY_CONNECTION_ARRIVING, /* a request is: from the accept, or from its first line */
    FERRY_CONNECTION_SENDING,  /* an answer, or a piece of one, goes out */
    FERRY_CONNECTION_IDLE,     /* between two requests */
    FERRY_CONNECTION_WORKING,  /* a handler runs */
    FERRY_CONNECTION_UPGRADED, /* it is HTTP no more */
} FerryConnectionPhase;

typedef struct {
    int64_t phase_ms[FERRY_CONNECTION_WORKING];
    unsigned max_strangers;     /* connections that have not shown who they are, in all */
    unsigned max_strangers_one; /* the same, from one address */
} FerryConnectionLimits;

/** Returns: (transfer full): NULL with FERRY_ERROR_EXHAUSTED when there can be no thread */
FerryConnections *ferry_connections_new(const FerryConnectionLimits *limits, GError **error);

/** Ends the watching thread.  No connection may be left; NULL is fine. */
void ferry_connections_free(FerryConnections *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryConnections, ferry_connections_free)

/**
 * Asked before a connection is accepted: one more stranger from @address?
 *
 * @address: (nullable): NULL is nobody's, and always welcome
 */
bool ferry_connections_welcome(FerryConnections *self, const char *address);

/**
 * A connection was accepted; it is a stranger's, if it has an address, until it says who it is.
 *
 * @address: (nullable): NULL for a Unix socket
 * @fd: not ours, and open until ferry_connections_remove()
 *
 * Returns: (transfer none)
 */
FerryConnection *ferry_connections_add(FerryConnections *self, const char *address, int fd);

/** It is about to be closed. */
void ferry_connections_remove(FerryConnections *self, FerryConnection *connection);

/** It has shown who it is. */
void ferry_connections_know(FerryConnections *self, FerryConnection *connection);

/** What it is at from now on.  A first request began to arrive with the accept, so ARRIVING after
 * ARRIVING gains no time. */
void ferry_connections_enter(FerryConnections *self,
                             FerryConnection *connection,
                             FerryConnectionPhase phase);

/** True once it was shut down by us or by the other side, or all are to end. */
bool ferry_connections_is_over(FerryConnections *self, const FerryConnection *connection);

/**
 * Shuts down all that no handler works on, now and from now on; handlers see "over".
 *
 * Returns: whether no connection was left within @timeout_ms
 */
bool ferry_connections_end(FerryConnections *self, int64_t timeout_ms);

/** Returns: how many there are */
unsigned ferry_connections_count(FerryConnections *self);
