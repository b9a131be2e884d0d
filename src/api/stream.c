#include <stdlib.h>
#include <string.h>

#include "api/serving.h"

/* A comment goes out when nothing else did, so that both ends and what lies between them know that
 * the other lives. */
#define SILENCE_MAX_MS 15000
/* How long a caller's hanging up may go unnoticed. */
#define SLICE_MS    1000
#define BLOCK_BYTES 4096

typedef struct {
    FerryVisit *visit;
    FerryNextFunc next;
    void *data;
    GDestroyNotify data_free;
    GString *pending; /* formatted, not yet taken by libmicrohttpd */
    size_t taken;
} Stream;

static void
format_event(GString *text, FerryEvent *event)
{
    char *json = json_dumps(event->data, JSON_COMPACT | JSON_ENCODE_ANY);

    g_string_printf(text, "event: %s\ndata: %s\n\n", event->name, json);
    free(json);
    json_decref(event->data);
}

/* Waits for something to send.  Returns: false at the end. */
static bool
fill(Stream *self)
{
    FerryServer *server = self->visit->server;
    int64_t silent_since = g_get_monotonic_time();

    while (!ferry_connections_is_over(server->connections, self->visit->entry)) {
        FerryEvent event = { 0 };
        FerryNext next = self->next(self->data, SLICE_MS, &event);

        if (next == FERRY_NEXT_END)
            return false;
        if (next == FERRY_NEXT_EVENT) {
            format_event(self->pending, &event);
            return true;
        }
        if (g_get_monotonic_time() - silent_since > SILENCE_MAX_MS * G_TIME_SPAN_MILLISECOND) {
            g_string_assign(self->pending, ": nothing new\n\n");
            return true;
        }
    }
    return false;
}

static ssize_t
read_stream(void *data, uint64_t position, char *buffer, size_t max)
{
    Stream *self = data;
    FerryConnections *connections = self->visit->server->connections;
    size_t n = 0;

    (void)position;
    if (self->taken == self->pending->len) {
        bool more = false;

        g_string_truncate(self->pending, 0);
        self->taken = 0;
        ferry_connections_enter(connections, self->visit->entry, FERRY_CONNECTION_WORKING);
        more = fill(self);
        ferry_connections_enter(connections, self->visit->entry, FERRY_CONNECTION_SENDING);
        if (!more)
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    n = MIN(max, self->pending->len - self->taken);
    memcpy(buffer, self->pending->str + self->taken, n);
    self->taken += n;
    return (ssize_t)n;
}

static void
free_stream(void *data)
{
    Stream *self = data;

    if (self->data_free != NULL)
        self->data_free(self->data);
    g_string_free(self->pending, TRUE);
    g_free(self);
}

struct MHD_Response *
ferry_stream_new(FerryResponse *self, FerryVisit *visit)
{
    Stream *stream = g_new0(Stream, 1);
    struct MHD_Response *response = NULL;

    stream->visit = visit;
    stream->next = self->next;
    stream->data = g_steal_pointer(&self->data);
    stream->data_free = self->data_free;
    stream->pending = g_string_new(NULL);
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, stream,
                                                 free_stream);
    if (response == NULL) {
        free_stream(stream);
        return NULL;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    return response;
}
