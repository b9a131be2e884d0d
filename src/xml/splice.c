/*
 * Where elements begin and end in the text is found by a scan of its own: libxml2 records it only
 * through a field that is deprecated, and sorts it by address.  The scan needs to know little, for
 * the text is well-formed and has no DOCTYPE: libxml2 has read it.
 */
#include "xml/splice.h"

#include <string.h>

#include "base/error.h"
#include "xml/document.h"

typedef struct {
    const xmlNode *node;
    size_t begin;     /* of "<name" */
    size_t content;   /* behind the start tag */
    size_t close;     /* of "</name>", or of the "/>" of an empty element */
    size_t end;       /* behind the element */
    GPtrArray *added; /* (nullable) of char *: what is to be appended */
} Span;

typedef struct {
    size_t at;
    size_t length; /* that much is taken out */
    char *text;    /* and this put in its place */
} Edit;

struct _FerrySplice {
    const char *text;
    GPtrArray *spans; /* of Span, in the order of the document */
    GArray *edits;    /* of Edit */
};

static void
span_free(void *data)
{
    Span *span = data;

    g_clear_pointer(&span->added, g_ptr_array_unref);
    g_free(span);
}

static void
edit_clear(void *data)
{
    g_free(((Edit *)data)->text);
}

void
ferry_splice_free(FerrySplice *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->spans);
    g_array_unref(self->edits);
    g_free(self);
}

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
open_span(FerrySplice *self, const char *at, GPtrArray *open)
{
    const char *end = find_tag_end(at);
    Span *span = NULL;

    if (end == NULL)
        return NULL;
    span = g_new0(Span, 1);
    span->begin = (size_t)(at - self->text);
    span->content = (size_t)(end + 1 - self->text);
    span->close = span->end = span->content;
    g_ptr_array_add(self->spans, span);
    if (end[-1] == '/')
        span->close -= 2;
    else
        g_ptr_array_add(open, span);
    return end + 1;
}

static const char *
close_span(FerrySplice *self, const char *at, GPtrArray *open)
{
    const char *end = strchr(at, '>');
    Span *span = NULL;

    if (end == NULL || open->len == 0)
        return NULL;
    span = g_ptr_array_steal_index(open, open->len - 1);
    span->close = (size_t)(at - self->text);
    span->end = (size_t)(end + 1 - self->text);
    return end + 1;
}

static const char *
scan_one(FerrySplice *self, const char *at, GPtrArray *open)
{
    const char *behind = skip_other(at);

    if (behind != at)
        return behind;
    return at[1] == '/' ? close_span(self, at, open) : open_span(self, at, open);
}

static bool
scan(FerrySplice *self)
{
    g_autoptr(GPtrArray) open = g_ptr_array_new();
    const char *at = strchr(self->text, '<');

    while (at != NULL) {
        at = scan_one(self, at, open);
        if (at == NULL)
            return false;
        at = strchr(at, '<');
    }
    return open->len == 0;
}

/* In the order of the document, as start tags stand in the text. */
static xmlNode *
next_element(xmlNode *node)
{
    xmlNode *next = ferry_document_first(node);

    while (next == NULL && node != NULL && node->type == XML_ELEMENT_NODE) {
        next = ferry_document_next(node);
        node = node->parent;
    }
    return next;
}

static bool
match_nodes(FerrySplice *self, xmlDoc *document)
{
    xmlNode *node = xmlDocGetRootElement(document);

    for (guint i = 0; i < self->spans->len; i++) {
        Span *span = g_ptr_array_index(self->spans, i);

        if (node == NULL)
            return false;
        span->node = node;
        node->_private = span;
        node = next_element(node);
    }
    return node == NULL;
}

FerrySplice *
ferry_splice_new(const char *text, xmlDoc *document, GError **error)
{
    g_autoptr(FerrySplice) self = g_new0(FerrySplice, 1);

    self->text = text;
    self->spans = g_ptr_array_new_with_free_func(span_free);
    self->edits = g_array_new(FALSE, FALSE, sizeof(Edit));
    g_array_set_clear_func(self->edits, edit_clear);
    if (scan(self) && match_nodes(self, document))
        return g_steal_pointer(&self);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "the XML is not in the encoding that its first line says: save it as UTF-8");
    return NULL;
}

static void
add_edit(FerrySplice *self, size_t at, size_t length, char *text)
{
    const Edit edit = { .at = at, .length = length, .text = text };

    g_array_append_val(self->edits, edit);
}

static const Span *
span_of(const xmlNode *node)
{
    return node->_private;
}

/* One attribute in a start tag. */
typedef struct {
    size_t before; /* of the space before it */
    size_t name, name_end;
    size_t value, value_end; /* between the quotes */
} Place;

static size_t
skip(const char *text, size_t at, const char *chars)
{
    return at + strspn(text + at, chars);
}

/* @at: (inout): behind the name or attribute before; Returns: whether there is one more */
static bool
next_place(const char *text, size_t *at, Place *ret)
{
    Place place = { .before = *at, .name = skip(text, *at, " \t\r\n") };

    if (text[place.name] == '/' || text[place.name] == '>')
        return false;
    place.name_end = place.name + strcspn(text + place.name, "= \t\r\n");
    place.value = skip(text, place.name_end, "= \t\r\n") + 1;
    place.value_end = (size_t)(strchr(text + place.value, text[place.value - 1]) - text);
    *at = place.value_end + 1;
    *ret = place;
    return true;
}

static bool
find_place(const FerrySplice *self, const Span *span, const char *name, Place *ret)
{
    size_t at = span->begin + strcspn(self->text + span->begin, " \t\r\n/>");
    Place place = { 0 };

    while (next_place(self->text, &at, &place))
        if (place.name_end - place.name == strlen(name) &&
            strncmp(self->text + place.name, name, strlen(name)) == 0) {
            *ret = place;
            return true;
        }
    return false;
}

void
ferry_splice_set(FerrySplice *self, const xmlNode *node, const char *name, const char *value)
{
    const Span *span = span_of(node);
    g_autofree char *escaped = value != NULL ? g_markup_escape_text(value, -1) : NULL;
    const size_t tag_end = span->content - (self->text[span->content - 2] == '/' ? 2 : 1);
    Place place = { 0 };

    if (find_place(self, span, name, &place)) {
        if (value == NULL)
            add_edit(self, place.before, place.value_end + 1 - place.before, g_strdup(""));
        else
            add_edit(self, place.value, place.value_end - place.value, g_steal_pointer(&escaped));
    } else if (value != NULL) {
        add_edit(self, tag_end, 0, g_strdup_printf(" %s='%s'", name, escaped));
    }
}

/* Returns: start of the white space that ends at @at */
static size_t
trim(const char *text, size_t at)
{
    while (at > 0 && strchr(" \t\r\n", text[at - 1]) != NULL)
        at--;
    return at;
}

/* Returns: where the white space on the line before @at starts; its line end, when it has no more
 * than that, is before */
static size_t
line_indent(const char *text, size_t at)
{
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
        at--;
    return at;
}

static bool
is_line_start(const char *text, size_t at)
{
    return at > 0 && text[at - 1] == '\n';
}

void
ferry_splice_remove(FerrySplice *self, const xmlNode *node)
{
    const Span *span = span_of(node);
    size_t from = line_indent(self->text, span->begin);

    if (!is_line_start(self->text, from))
        from = span->begin;
    else
        from -= from > 1 && self->text[from - 2] == '\r' ? 2 : 1;
    add_edit(self, from, span->end - from, g_strdup(""));
}

/* Returns: (transfer full) (nullable): what stands before @at on its line, when that is space */
static char *
indent_at(const FerrySplice *self, size_t at)
{
    const size_t from = line_indent(self->text, at);

    return is_line_start(self->text, from) ? g_strndup(self->text + from, at - from) : NULL;
}

/* Returns: (transfer full) (nullable): how the children of @span are indented; NULL: not at all */
static char *
child_indent(const FerrySplice *self, const Span *span)
{
    const xmlNode *child = ferry_document_first(span->node);
    g_autofree char *own = NULL;

    if (child != NULL)
        return indent_at(self, span_of(child)->begin);
    own = indent_at(self, span->begin);
    return own != NULL ? g_strconcat(own, "  ", NULL) : NULL;
}

/* @indent: (nullable) */
static void
append_line(GString *out, const char *xml, const char *indent)
{
    g_auto(GStrv) lines = g_strsplit(xml, "\n", -1);

    for (size_t i = 0; lines[i] != NULL; i++) {
        if (indent != NULL)
            g_string_append_printf(out, "\n%s", indent);
        g_string_append(out, indent != NULL ? lines[i] : g_strchug(lines[i]));
    }
}

void
ferry_splice_append(FerrySplice *self, const xmlNode *parent, const char *xml)
{
    Span *span = parent->_private;

    (void)self;
    if (span->added == NULL)
        span->added = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(span->added, g_strdup(xml));
}

void
ferry_splice_insert_after(FerrySplice *self, const xmlNode *node, const char *xml)
{
    const Span *span = span_of(node);
    g_autofree char *indent = indent_at(self, span->begin);
    g_autoptr(GString) out = g_string_new(NULL);

    append_line(out, xml, indent);
    add_edit(self, span->end, 0, g_string_free(g_steal_pointer(&out), FALSE));
}

/* An empty element, <a/>, gets an end tag. */
static void
add_to_empty(FerrySplice *self, const Span *span, GString *out)
{
    const char *name = self->text + span->begin + 1;
    g_autofree char *indent = indent_at(self, span->begin);

    g_string_prepend(out, ">");
    if (indent != NULL)
        g_string_append_printf(out, "\n%s", indent);
    g_string_append_printf(out, "</%.*s>", (int)strcspn(name, " \t\r\n/>"), name);
    add_edit(self, span->close, 2, g_strdup(out->str));
}

static void
add_children(FerrySplice *self, const Span *span)
{
    g_autofree char *indent = child_indent(self, span);
    g_autoptr(GString) out = g_string_new(NULL);

    for (guint i = 0; i < span->added->len; i++)
        append_line(out, g_ptr_array_index(span->added, i), indent);
    if (span->close < span->content)
        return add_to_empty(self, span, out);
    add_edit(self, MAX(trim(self->text, span->close), span->content), 0, g_strdup(out->str));
}

static int
compare_edits(const void *a, const void *b)
{
    const Edit *one = a, *other = b;

    return (one->at > other->at) - (one->at < other->at);
}

char *
ferry_splice_finish(FerrySplice *self)
{
    g_autoptr(GString) out = g_string_new(NULL);
    size_t done = 0;

    for (guint i = 0; i < self->spans->len; i++) {
        const Span *span = g_ptr_array_index(self->spans, i);

        if (span->added != NULL)
            add_children(self, span);
    }
    g_array_sort(self->edits, compare_edits); /* a stable one: see its documentation */
    for (guint i = 0; i < self->edits->len; i++) {
        const Edit *edit = &g_array_index(self->edits, Edit, i);

        if (edit->at > done)
            g_string_append_len(out, self->text + done, (gssize)(edit->at - done));
        g_string_append(out, edit->text);
        done = MAX(done, edit->at + edit->length);
    }
    g_string_append(out, self->text + done);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
