#include "xml/document.h"

#include "base/error.h"

typedef struct {
    const char *name;
    const char *text;
    const char *message; /* NULL: it is read */
} Row;

#define TOO_LONG "<a>0123456789012345678901234567890123456789012345678901234567890123456789</a>"

/* clang-format off */
static const Row rows[] = {
    { "good", "<a/>", NULL },
    { "prolog-and-comment", "<?xml version='1.0'?><!-- c --><a>x</a>", NULL },
    { "empty", "", "thing is not XML: line 1: Document is empty" },
    { "no-xml", "a", "thing is not XML: line 1: Start tag expected, '<' not found" },
    { "cut", "<a>\n<b>", "thing is not XML: line 2: Premature end of data in tag b line 2" },
    { "mismatch", "<a>\n</b>", "thing is not XML: line 2: Opening and ending tag mismatch: a line 1 and b" },
    { "after-the-end", "<a/>x", "thing is not XML: line 1: Extra content at the end of the document" },
    { "not-utf-8", "<a>\xff</a>", "thing is not XML: line 1: Input is not proper UTF-8, indicate encoding !\nBytes: 0xFF 0x3C 0x2F 0x61" },
    { "unknown-entity", "<a>&b;</a>", "thing is not XML: line 1: Entity 'b' not defined" },
    { "other-root", "<!-- c -->\n<b/>", "thing is not what it should be: line 2: the outermost element is <b> and not <a>" },
    { "other-namespace", "<a xmlns='urn:x'/>", "thing is not what it should be: line 1: the outermost element is <a> and not <a>" },
    { "doctype", "<!DOCTYPE a><a/>", "thing has a DOCTYPE: take it out, ferry reads no document type" },
    { "doctype-file", "<!DOCTYPE a SYSTEM '/etc/passwd'><a/>", "thing has a DOCTYPE: take it out, ferry reads no document type" },
    { "entities", "<!DOCTYPE a [<!ENTITY b 'bbb'><!ENTITY c '&b;&b;'>]><a>&c;</a>", "thing has a DOCTYPE: take it out, ferry reads no document type" },
    { "too-long", TOO_LONG, "thing is longer than 72 bytes, the most that ferry reads" },
};
/* clang-format on */

static void
test_parse(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(GError) error = NULL;
    const bool ok = ferry_document_parse(row->text, 72, "thing", "a", &document, &error);

    g_assert_cmpint(ok, ==, row->message == NULL);
    g_assert_cmpint(document != NULL, ==, ok);
    if (!ok)
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error != NULL ? error->message : NULL, ==, row->message);
}

/* libxml2's own limit: 256 levels. */
static void
test_refuses_depth(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < 1000; i++)
        g_string_append(text, "<a>");
    g_assert_false(ferry_document_parse(text->str, 1 << 20, "thing", "a", &document, &error));
    g_assert_nonnull(strstr(error->message, "Excessive depth in document: 256"));
    g_assert_null(document);
}

static void
test_walk(void)
{
    static const char text[] =
        "<a> t <!-- c --><b k='v' x:k='w' xmlns:x='urn:x'> text </b><x:c xmlns:x='urn:x'/><c/></a>";
    g_autoptr(xmlDoc) document = NULL;
    const xmlNode *root = NULL;
    const xmlNode *b = NULL;
    const xmlNode *c = NULL;
    g_autofree char *value = NULL;
    g_autofree char *inner = NULL;

    g_assert_true(ferry_document_parse(text, sizeof(text), "thing", "a", &document, NULL));
    root = xmlDocGetRootElement(document);
    b = ferry_document_first(root);
    g_assert_true(ferry_document_is(b, "b"));
    value = ferry_document_attribute(b, "k");
    g_assert_cmpstr(value, ==, "v");
    inner = ferry_document_text(b);
    g_assert_cmpstr(inner, ==, "text");
    c = ferry_document_child(root, "c");
    g_assert_true(c == ferry_document_next(ferry_document_next(b))); /* not the one in urn:x */
    g_assert_null(ferry_document_next(c));
    g_assert_null(ferry_document_child(c, "d"));
    g_assert_null(ferry_document_first(NULL));
    g_assert_null(ferry_document_attribute(NULL, "k"));
    g_assert_null(ferry_document_attribute(b, "none"));
    g_assert_null(ferry_document_text(NULL));
}

static void
test_format(void)
{
    static const char text[] = "<a>\n  <b k=\"&lt;&quot;\">x &amp; y</b>\n</a>";
    g_autoptr(xmlDoc) document = NULL;
    g_autofree char *out = NULL;

    g_assert_true(ferry_document_parse(text, sizeof(text), "thing", "a", &document, NULL));
    out = ferry_document_format(xmlDocGetRootElement(document));
    g_assert_cmpstr(out, ==, text);
}

static void
test_refuse(void)
{
    static const char text[] = "<a>\n<x:b xmlns:x='urn:x'/>\n</a>";
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_document_parse(text, sizeof(text), "thing", "a", &document, NULL));
    g_assert_false(ferry_document_refuse(
        &error, ferry_document_first(xmlDocGetRootElement(document)), "%d is %s", 7, "odd"));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "line 2, <x:b>: 7 is odd");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/document/parse/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_parse);
    }
    g_test_add_func("/document/refuses-depth", test_refuses_depth);
    g_test_add_func("/document/walk", test_walk);
    g_test_add_func("/document/format", test_format);
    g_test_add_func("/document/refuse", test_refuse);
    return g_test_run();
}
