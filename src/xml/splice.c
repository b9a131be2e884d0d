#include "xml/splice.h"

#include <string.h>

#include "base/error.h"
#include "xml/document.h"
#include "xml/scan.h"

typedef struct {
    const xmlNode *node;
    FerrySpan at;
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

/* Returns: whether there is one in @places for each element of @document */
static bool
match_nodes(FerrySplice *self, xmlDoc *document, const GArray *places)
{
    xmlNode *node = xmlDocGetRootElement(document);

    for (guint i = 0; i < places->len; i++) {
        Span *span = g_new0(Span, 1);

        g_ptr_array_add(self->spans, span);
        if (node == NULL)
            return false;
        span->at = g_array_index(places, FerrySpan, i);
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
    g_autoptr(GArray) places = ferry_scan_elements(text);

    self->text = text;
    self->spans = g_ptr_array_new_with_free_func(span_free);
    self->edits = g_array_new(FALSE, FALSE, sizeof(Edit));
    g_array_set_clear_func(self->edits, edit_clear);
    if (places != NULL && match_nodes(self, document, places))
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
    size_t at = span->at.begin + strcspn(self->text + span->at.begin, " \t\r\n/>");
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
    const size_t tag_end = span->at.content - (self->text[span->at.content - 2] == '/' ? 2 : 1);
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
    size_t from = line_indent(self->text, span->at.begin);

    if (!is_line_start(self->text, from))
        from = span->at.begin;
    else
        from -= from > 1 && self->text[from - 2] == '\r' ? 2 : 1;
    add_edit(self, from, span->at.end - from, g_strdup(""));
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
        return indent_at(self, span_of(child)->at.begin);
    own = indent_at(self, span->at.begin);
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
    g_autofree char *indent = indent_at(self, span->at.begin);
    g_autoptr(GString) out = g_string_new(NULL);

    append_line(out, xml, indent);
    add_edit(self, span->at.end, 0, g_string_free(g_steal_pointer(&out), FALSE));
}

/* An empty element, <a/>, gets an end tag. */
static void
add_to_empty(FerrySplice *self, const Span *span, GString *out)
{
    const char *name = self->text + span->at.begin + 1;
    g_autofree char *indent = indent_at(self, span->at.begin);

    g_string_prepend(out, ">");
    if (indent != NULL)
        g_string_append_printf(out, "\n%s", indent);
    g_string_append_printf(out, "</%.*s>", (int)strcspn(name, " \t\r\n/>"), name);
    add_edit(self, span->at.close, 2, g_strdup(out->str));
}

static void
add_children(FerrySplice *self, const Span *span)
{
    g_autofree char *indent = child_indent(self, span);
    g_autoptr(GString) out = g_string_new(NULL);

    for (guint i = 0; i < span->added->len; i++)
        append_line(out, g_ptr_array_index(span->added, i), indent);
    if (span->at.close < span->at.content)
        return add_to_empty(self, span, out);
    add_edit(self, MAX(trim(self->text, span->at.close), span->at.content), 0, g_strdup(out->str));
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
