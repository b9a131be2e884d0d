#include "xml/scan.h"

#include <stdbool.h>
#include <string.h>

/* One scan under way. */
typedef struct {
    const char *text;
    GArray *spans; /* of FerrySpan */
    GArray *open;  /* of guint: those of spans whose end tag is still to come */
} Scan;

/* What is no element, and how it ends. */
static const struct {
    const char *begin;
    const char *end;
} others[] = {
    { "<!--", "-->" },
    { "<![CDATA[", "]]>" },
    { "<?", "?>" },
};

/* Returns: (nullable): behind the comment, CDATA or instruction at @at; @at when there is none */
static const char *
skip_other(const char *at)
{
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (g_str_has_prefix(at, others[i].begin)) {
            const char *end = strstr(at + strlen(others[i].begin), others[i].end);

            return end != NULL ? end + strlen(others[i].end) : NULL;
        }
    return at;
}

/* Returns: (nullable): the ">" of the start tag at @at; one in a quoted value is none */
static const char *
find_tag_end(const char *at)
{
    for (char quote = '\0'; *at != '\0'; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '>')
            return at;
    }
    return NULL;
}

static const char *
open_span(Scan *self, const char *at)
{
    const char *end = find_tag_end(at);
    const guint number = self->spans->len;
    FerrySpan span = { 0 };

    if (end == NULL)
        return NULL;
    span.begin = (size_t)(at - self->text);
    span.content = span.close = span.end = (size_t)(end + 1 - self->text);
    if (end[-1] == '/')
        span.close -= 2;
    else
        g_array_append_val(self->open, number);
    g_array_append_val(self->spans, span);
    return end + 1;
}

static const char *
close_span(Scan *self, const char *at)
{
    const char *end = strchr(at, '>');
    FerrySpan *span = NULL;

    if (end == NULL || self->open->len == 0)
        return NULL;
    span = &g_array_index(self->spans, FerrySpan,
                          g_array_index(self->open, guint, self->open->len - 1));
    g_array_set_size(self->open, self->open->len - 1);
    span->close = (size_t)(at - self->text);
    span->end = (size_t)(end + 1 - self->text);
    return end + 1;
}

static const char *
scan_one(Scan *self, const char *at)
{
    const char *behind = skip_other(at);

    if (behind != at)
        return behind;
    return at[1] == '/' ? close_span(self, at) : open_span(self, at);
}

GArray *
ferry_scan_elements(const char *text)
{
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(FerrySpan));
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));
    Scan self = { text, spans, open };

    for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at, '<')) {
        at = scan_one(&self, at);
        if (at == NULL)
            return NULL;
    }
    return open->len == 0 ? g_steal_pointer(&spans) : NULL;
}
