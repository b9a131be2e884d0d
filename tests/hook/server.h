#pragma once

#include <glib.h>

/** A ferryd of the tests: takes one connection at its socket, reads a request, says what it was
 * told to. */
typedef struct _Server Server;

typedef enum {
    SERVER_READS,  /* the whole request, then says its answer and hangs up */
    SERVER_HANGS,  /* reads, says its answer, and holds the line until it is freed */
    SERVER_CLOSES, /* says its answer and hangs up without reading */
} ServerManner;

Server *server_new(const char *socket_path, ServerManner manner, const char *answer);

/** Ends it.  Returns: (transfer full): the request that came; "" for none */
char *server_end(Server *self);
