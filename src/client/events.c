#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/connection.h"
#include "client/event-parser.h"
#include "client/json.h"

/* ferryd sends a comment every 15 s, so a stream that is silent for longer than three is dead. */
#define SILENCE_MAX_S 50

typedef struct {
    FerryClientEventFunc func;
    void *data;
    CURL *curl;
    FerryEventParser *parser;
    GString *problem; /* the body of an answer that is no stream */
    GError *error;
    bool stopped;
} Stream;

/* One parsed event to the caller; false ends the transfer. */
static bool
on_event(void *data, const char *name, const char *text)
{
    Stream *self = data;
    g_autoptr(GError) cause = NULL;
    json_t *value = NULL;

    if (!ferry_json_parse(text, strlen(text), &value, &cause)) {
        g_set_error(&self->error, FERRY_ERROR, FERRY_ERROR_PEER, "event %s: %s", name,
                    cause->message);
        return false;
    }
    self->stopped = !self->func(self->data, name, value);
    json_decref(value);
    return !self->stopped;
}

static size_t
on_stream_body(char *data, size_t size, size_t n, void *user_data)
{
    Stream *self = user_data;
    long status = 0;

    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return ferry_event_parser_feed(self->parser, data, size * n, &self->error) ? size * n : 0;
    if (self->problem->len + size * n > FERRY_EVENT_MAX_BYTES)
        return 0;
    g_string_append_len(self->problem, data, (gssize)(size * n));
    return size * n;
}

/* libcurl calls this about once a second while nothing comes. */
static int
on_tick(void *user_data, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    Stream *self = user_data;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    if (!self->stopped)
        self->stopped = !self->func(self->data, NULL, NULL);
    return self->stopped ? 1 : 0;
}

static CURLcode
listen_to(FerryClient *client, Stream *self)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: text/event-stream");
    CURLcode code = CURLE_OK;

    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_stream_body);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, self);
    curl_easy_setopt(client->curl, CURLOPT_XFERINFOFUNCTION, on_tick);
    curl_easy_setopt(client->curl, CURLOPT_XFERINFODATA, self);
    curl_easy_setopt(client->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_MAX_S);
    code = curl_easy_perform(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

static bool
judge(FerryClient *client, FerryExchange *exchange, Stream *self, CURLcode code, GError **error)
{
    long status = 0;
    json_t *body = NULL;

    if (self->stopped)
        return true;
    if (self->error != NULL) {
        g_propagate_prefixed_error(error, g_steal_pointer(&self->error), "%s: ", client->label);
        return false;
    }
    if (code != CURLE_OK)
        return ferry_exchange_failed(exchange, code, error);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return true;
    (void)ferry_json_parse(self->problem->str, self->problem->len, &body, NULL); /* or no reason */
    ferry_problem_to_error(client, (unsigned)status, body, error);
    json_decref(body);
    return false;
}

bool
ferry_client_events(FerryClient *self,
                    const char *path,
                    FerryClientEventFunc func,
                    void *user_data,
                    GError **error)
{
    g_auto(FerryExchange) exchange = { 0 };
    Stream stream = { .func = func, .data = user_data, .curl = self->curl };
    CURLcode code = CURLE_OK;
    bool ok = false;

    stream.parser = ferry_event_parser_new(on_event, &stream);
    stream.problem = g_string_new(NULL);
    curl_easy_reset(self->curl);
    ferry_exchange_start(&exchange, self, self->curl, path, 0);
    code = listen_to(self, &stream);
    ok = judge(self, &exchange, &stream, code, error);
    ferry_event_parser_free(stream.parser);
    g_string_free(stream.problem, TRUE);
    g_clear_error(&stream.error);
    return ok;
}
