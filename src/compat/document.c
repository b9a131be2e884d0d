#include "compat/document.h"

#include <string.h>

typedef enum { HEADER_NONE, HEADER_SELF, HEADER_COMPATIBLE } Header;

/* The document being read: the body that is open, and the result so far. */
typedef struct {
    const char *text;
    FerryTextDocument *document;
    FerryNotationFault *fault;
    Header open;
    size_t header; /* of the open body: its offset */
    size_t body;
    uint64_t budget;
} Reader;

static FerryTextDocument *
document_new(void)
{
    FerryTextDocument *self = g_new0(FerryTextDocument, 1);

    self->entries = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_entry_free);
    return self;
}

void
ferry_text_document_free(FerryTextDocument *self)
{
    if (self == NULL)
        return;
    ferry_entry_free(self->self);
    g_ptr_array_unref(self->entries);
    g_free(self);
}

static bool
fail(Reader *self, FerryNotationCode code, size_t offset)
{
    *self->fault = (FerryNotationFault){ code, offset };
    return false;
}

/* Reads the open body, now that its end is known. */
static bool
close_body(Reader *self, size_t end)
{
    FerryEntry *entry = NULL;
    bool is_self = self->open == HEADER_SELF;

    if (self->open == HEADER_NONE)
        return true;
    if (end - self->body > FERRY_ENTRY_TEXT_MAX)
        return fail(self, FERRY_NOTATION_TOO_LONG, self->body + FERRY_ENTRY_TEXT_MAX);
    entry = ferry_notation_parse_body(
        self->text, self->body, end, is_self ? FERRY_BODY_PLAIN : FERRY_BODY_ENTRY,
        is_self ? FERRY_EXPANSIONS_MAX : self->budget, self->header, self->fault);
    if (entry == NULL)
        return false;
    if (is_self) {
        self->document->self = entry;
        return true;
    }
    self->budget -= entry->count;
    g_ptr_array_add(self->document->entries, entry);
    return true;
}

static bool
open_body(Reader *self, Header header, size_t offset, size_t body)
{
    if (header == HEADER_SELF && self->open != HEADER_NONE)
        return fail(self, FERRY_NOTATION_BAD_HEADER, offset);
    if (header == HEADER_COMPATIBLE && self->document->entries->len == FERRY_LIST_ENTRIES_MAX)
        return fail(self, FERRY_NOTATION_TOO_MANY_ENTRIES, offset);
    self->open = header;
    self->header = offset;
    self->body = body;
    return true;
}

static Header
header_of(const char *line, size_t size)
{
    static const struct {
        const char *text;
        Header header;
    } headers[] = { { "SELF:", HEADER_SELF }, { "COMPATIBLE:", HEADER_COMPATIBLE } };

    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        if (size == strlen(headers[i].text) && strncmp(line, headers[i].text, size) == 0)
            return headers[i].header;
    }
    return HEADER_NONE;
}

static bool
read_line(Reader *self, size_t start, size_t end, size_t next)
{
    size_t first = start;
    Header header = HEADER_NONE;

    while (first < end && strchr(" \t", self->text[first]) != NULL)
        first++;
    while (end > first && strchr(" \t", self->text[end - 1]) != NULL)
        end--;
    header = header_of(self->text + first, end - first);
    if (header != HEADER_NONE)
        return close_body(self, start) && open_body(self, header, first, next);
    if (self->open == HEADER_NONE && first < end && self->text[first] != '#')
        return fail(self, FERRY_NOTATION_BAD_HEADER, first);
    return true;
}

static bool
read_lines(Reader *self, size_t size)
{
    size_t start = 0;

    while (start < size) {
        const char *newline = memchr(self->text + start, '\n', size - start);
        size_t end = newline != NULL ? (size_t)(newline - self->text) : size;
        size_t next = newline != NULL ? end + 1 : size;

        if (!read_line(self, start, end, next))
            return false;
        start = next;
    }
    return close_body(self, size);
}

FerryTextDocument *
ferry_text_document_parse(const char *text, size_t size, FerryNotationFault *fault)
{
    g_autoptr(FerryTextDocument) document = document_new();
    Reader reader = {
        .text = text, .document = document, .fault = fault, .budget = FERRY_LIST_EXPANSIONS_MAX
    };
    size_t bad = ferry_notation_find_bad_char(text, MIN(size, FERRY_DOCUMENT_TEXT_MAX));

    if (size > FERRY_DOCUMENT_TEXT_MAX) {
        (void)fail(&reader, FERRY_NOTATION_TOO_LONG, FERRY_DOCUMENT_TEXT_MAX);
        return NULL;
    }
    if (bad != SIZE_MAX) {
        (void)fail(&reader, FERRY_NOTATION_BAD_CHAR, bad);
        return NULL;
    }
    if (!read_lines(&reader, size))
        return NULL;
    return g_steal_pointer(&document);
}

static bool
append_body(GString *text, const char *header, const FerryEntry *entry, const char **reason)
{
    g_autofree char *body = ferry_notation_format(entry, reason);

    if (body == NULL)
        return false;
    g_string_append_printf(text, "%s\n%s", header, body);
    return true;
}

char *
ferry_text_document_format(const FerryTextDocument *self, const char **reason)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (self->self != NULL && !append_body(text, "SELF:", self->self, reason))
        return NULL;
    for (guint i = 0; i < self->entries->len; i++) {
        if (!append_body(text, "COMPATIBLE:", self->entries->pdata[i], reason))
            return NULL;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
