#include "client/event-parser.h"

#include <string.h>

#include "base/error.h"

struct _FerryEventParser {
    FerryEventFunc func;
    void *data;
    GString *line; /* the unfinished one */
    GString *name;
    GString *text; /* each line of data with a newline after it */
};

FerryEventParser *
ferry_event_parser_new(FerryEventFunc func, void *data)
{
    FerryEventParser *self = g_new0(FerryEventParser, 1);

    self->func = func;
    self->data = data;
    self->line = g_string_new(NULL);
    self->name = g_string_new(NULL);
    self->text = g_string_new(NULL);
    return self;
}

void
ferry_event_parser_free(FerryEventParser *self)
{
    if (self == NULL)
        return;
    g_string_free(self->line, TRUE);
    g_string_free(self->name, TRUE);
    g_string_free(self->text, TRUE);
    g_free(self);
}

/* An empty line ends an event; one without data is none. */
static bool
dispatch(FerryEventParser *self)
{
    bool go_on = true;

    if (self->text->len > 0) {
        g_string_truncate(self->text, self->text->len - 1);
        go_on = self->func(self->data, self->name->len > 0 ? self->name->str : "message",
                           self->text->str);
    }
    g_string_truncate(self->name, 0);
    g_string_truncate(self->text, 0);
    return go_on;
}

/* The value after "FIELD:" and one optional blank; NULL if the line is another field. */
static const char *
value_of(const char *line, const char *field)
{
    size_t length = strlen(field);

    if (strncmp(line, field, length) != 0 || line[length] != ':')
        return NULL;
    return line[length + 1] == ' ' ? line + length + 2 : line + length + 1;
}

static bool
take_line(FerryEventParser *self)
{
    const char *value = NULL;

    if (self->line->len > 0 && self->line->str[self->line->len - 1] == '\r')
        g_string_truncate(self->line, self->line->len - 1);
    if (self->line->len == 0)
        return dispatch(self);
    if ((value = value_of(self->line->str, "event")) != NULL) {
        g_string_assign(self->name, value);
    } else if ((value = value_of(self->line->str, "data")) != NULL) {
        g_string_append(self->text, value);
        g_string_append_c(self->text, '\n');
    }
    return true;
}

bool
ferry_event_parser_feed(FerryEventParser *self, const char *data, size_t length, GError **error)
{
    const char *end = data + length;

    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline != NULL ? newline : end;

        if (self->line->len + self->text->len + (size_t)(stop - data) > FERRY_EVENT_MAX_BYTES) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "an event is longer than %d bytes",
                        FERRY_EVENT_MAX_BYTES);
            return false;
        }
        g_string_append_len(self->line, data, stop - data);
        if (newline == NULL)
            return true;
        data = newline + 1;
        if (!take_line(self))
            return false;
        g_string_truncate(self->line, 0);
    }
    return true;
}
