#include "client/event-parser.h"

#include <string.h>

#include "base/error.h"

typedef struct {
    GString *seen; /* "name=text;" for each event */
    unsigned stop_after;
} Listener;

static bool
listen_to(void *data, const char *name, const char *text)
{
    Listener *self = data;

    g_string_append_printf(self->seen, "%s=%s;", name, text);
    return self->stop_after == 0 || --self->stop_after > 0;
}

typedef struct {
    const char *name;
    const char *stream;
    const char *seen;
} Row;

static const Row rows[] = {
    { "one", "event: job\ndata: {}\n\n", "job={};" },
    { "two", "event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", "a=1;b=2;" },
    { "no-name", "data: 1\n\n", "message=1;" },
    { "name-is-forgotten", "event: a\ndata: 1\n\ndata: 2\n\n", "a=1;message=2;" },
    { "no-data-no-event", "event: a\n\ndata: 2\n\n", "message=2;" },
    { "lines-are-joined", "data: 1\ndata: 2\n\n", "message=1\n2;" },
    { "comment", ": nothing new\n\ndata: 1\n\n", "message=1;" },
    { "comment-within", "event: a\n: nothing new\ndata: 1\n\n", "a=1;" },
    { "crlf", "event: a\r\ndata: 1\r\n\r\n", "a=1;" },
    { "no-blank-after-colon", "event:a\ndata:1\n\n", "a=1;" },
    { "only-one-blank-goes", "data:  1\n\n", "message= 1;" },
    { "unknown-fields", "id: 7\nretry: 1\nfoo\ndata: 1\n\n", "message=1;" },
    { "unfinished", "event: a\ndata: 1\n", "" },
    { "empty-data", "data:\n\n", "message=;" },
};

/* However it is cut: whole, and byte by byte. */
static void
test_row(gconstpointer data)
{
    const Row *row = data;

    for (size_t step = 1; step <= strlen(row->stream); step += strlen(row->stream) - 1) {
        Listener listener = { .seen = g_string_new(NULL) };
        g_autoptr(FerryEventParser) parser = ferry_event_parser_new(listen_to, &listener);

        for (size_t i = 0; i < strlen(row->stream); i += step)
            g_assert_true(ferry_event_parser_feed(parser, row->stream + i,
                                                  MIN(step, strlen(row->stream) - i), NULL));
        g_assert_cmpstr(listener.seen->str, ==, row->seen);
        g_string_free(listener.seen, TRUE);
    }
}

static void
test_stop(void)
{
    static const char stream[] = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
    Listener listener = { .seen = g_string_new(NULL), .stop_after = 2 };
    g_autoptr(FerryEventParser) parser = ferry_event_parser_new(listen_to, &listener);
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_event_parser_feed(parser, stream, strlen(stream), &error));
    g_assert_no_error(error);
    g_assert_cmpstr(listener.seen->str, ==, "message=1;message=2;");
    g_string_free(listener.seen, TRUE);
}

/* A stream that never ends a line, or an event, must not take all memory. */
static void
test_too_long(gconstpointer data)
{
    const char *piece = data;
    Listener listener = { .seen = g_string_new(NULL) };
    g_autoptr(FerryEventParser) parser = ferry_event_parser_new(listen_to, &listener);
    g_autoptr(GError) error = NULL;
    size_t sent = 0;

    while (sent <= 2 * FERRY_EVENT_MAX_BYTES &&
           ferry_event_parser_feed(parser, piece, strlen(piece), &error))
        sent += strlen(piece);
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "an event is longer than 1048576 bytes");
    g_string_free(listener.seen, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/event-parser/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/event-parser/stop", test_stop);
    g_test_add_data_func("/event-parser/endless-line", "data: no newline ", test_too_long);
    g_test_add_data_func("/event-parser/endless-event", "data: 0123456789abcdef0123456789\n",
                         test_too_long);
    return g_test_run();
}
