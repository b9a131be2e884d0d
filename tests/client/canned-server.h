#pragma once

#include <glib.h>

/**
 * A server on a Unix socket that answers every connection's first request with the same bytes and
 * hangs up: what no right ferryd would send can be sent with it.
 */
typedef struct _CannedServer CannedServer;

/** @answer: (nullable): sent after the request's end; NULL: silent until the caller hangs up */
CannedServer *canned_server_new(const char *answer);

/** Returns: (transfer none): where it listens */
const char *canned_server_path(const CannedServer *self);

/** Ends it.  Returns: (transfer full): all that it was sent */
char *canned_server_end(CannedServer *self);
