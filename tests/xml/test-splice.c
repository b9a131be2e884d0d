#include "xml/splice.h"

#include "base/error.h"
#include "xml/document.h"

/* What the rows do to the element <b> of <a>. */
typedef enum {
    NOTHING,
    SET,
    TAKE,
    REMOVE,
    APPEND,
    APPEND_TWO,
    AFTER,
    REMOVE_APPEND,
    SET_APPEND
} Act;

typedef struct {
    const char *name;
    Act act;
    const char *text;
    const char *expected;
} Row;

#define HEAD "<?xml version=\"1.0\"?>\n<!-- <b> is no element here -->\n"

/* clang-format off */
static const Row rows[] = {
    { "nothing",         NOTHING, HEAD "<a >\r\n<b  k = \"&lt;'\" /><![CDATA[<b>]]></a >\n", HEAD "<a >\r\n<b  k = \"&lt;'\" /><![CDATA[<b>]]></a >\n" },
    { "set-new",         SET,     "<a><b/></a>",                    "<a><b k='x&apos;&lt;y'/></a>" },
    { "set-new-open",    SET,     "<a><b j='1'>t</b></a>",          "<a><b j='1' k='x&apos;&lt;y'>t</b></a>" },
    { "set-old",         SET,     "<a><b j='k' k = \"/>\" l=''/></a>", "<a><b j='k' k = \"x&apos;&lt;y\" l=''/></a>" },
    { "set-not-prefix",  SET,     "<a xmlns:n='u'><b n:k='1'/></a>", "<a xmlns:n='u'><b n:k='1' k='x&apos;&lt;y'/></a>" },
    { "take",            TAKE,    "<a><b j='1' k='2' l='3'/></a>",  "<a><b j='1' l='3'/></a>" },
    { "take-last",       TAKE,    "<a><b\n  k='2'/></a>",           "<a><b/></a>" },
    { "take-none",       TAKE,    "<a><b kk='2'/></a>",             "<a><b kk='2'/></a>" },
    { "remove-line",     REMOVE,  "<a>\n  <c/>\n  <b>t<d/></b>\n</a>", "<a>\n  <c/>\n</a>" },
    { "remove-crlf",     REMOVE,  "<a>\r\n  <b/>\r\n</a>",          "<a>\r\n</a>" },
    { "remove-inline",   REMOVE,  "<a>x <b/> y</a>",                "<a>x  y</a>" },
    { "append-empty",    APPEND,  "<a>\n  <b k='1'/>\n</a>",        "<a>\n  <b k='1'>\n    <new>\n      <in/>\n    </new>\n  </b>\n</a>" },
    { "append-no-lines", APPEND,  "<a><b/></a>",                    "<a><b><new><in/></new></b></a>" },
    { "append-behind",   APPEND,  "<a>\n  <b>\n      <c/> <!-- c -->\n  </b>\n</a>", "<a>\n  <b>\n      <c/> <!-- c -->\n      <new>\n        <in/>\n      </new>\n  </b>\n</a>" },
    { "append-to-space", APPEND,  "<a><b>  </b></a>",               "<a><b><new><in/></new>  </b></a>" },
    { "append-two",      APPEND_TWO, "<a>\n <b/>\n</a>",            "<a>\n <b>\n   <one/>\n   <two/>\n </b>\n</a>" },
    { "after",           AFTER,   "<a>\n\t<b>t</b>\n\t<c/>\n</a>",  "<a>\n\t<b>t</b>\n\t<new>\n\t  <in/>\n\t</new>\n\t<c/>\n</a>" },
    { "remove-append",   REMOVE_APPEND, "<a>\n  <b>\n    <c/>\n  </b>\n</a>", "<a>\n  <b>\n    <new>\n      <in/>\n    </new>\n  </b>\n</a>" },
    { "set-append",      SET_APPEND, "<a><b/></a>",                 "<a><b k='x&apos;&lt;y'><one/></b></a>" },
    { "prefixed",        APPEND_TWO, "<a><b xmlns='' xmlns:n='u'/></a>", "<a><b xmlns='' xmlns:n='u'><one/><two/></b></a>" },
};
/* clang-format on */

#define NEW "<new>\n  <in/>\n</new>"

static void
act_on(FerrySplice *splice, Act act, const xmlNode *b)
{
    if (act == SET || act == SET_APPEND)
        ferry_splice_set(splice, b, "k", "x'<y");
    if (act == TAKE)
        ferry_splice_set(splice, b, "k", NULL);
    if (act == REMOVE)
        ferry_splice_remove(splice, b);
    if (act == REMOVE_APPEND)
        ferry_splice_remove(splice, ferry_document_child(b, "c"));
    if (act == APPEND || act == REMOVE_APPEND)
        ferry_splice_append(splice, b, NEW);
    if (act == APPEND_TWO || act == SET_APPEND)
        ferry_splice_append(splice, b, "<one/>");
    if (act == APPEND_TWO)
        ferry_splice_append(splice, b, "<two/>");
    if (act == AFTER)
        ferry_splice_insert_after(splice, b, NEW);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerrySplice) splice = NULL;
    g_autofree char *out = NULL;

    g_assert_true(ferry_document_parse(row->text, 1000, "text", "a", &document, NULL));
    splice = ferry_splice_new(row->text, document, NULL);
    act_on(splice, row->act, ferry_document_child(xmlDocGetRootElement(document), "b"));
    out = ferry_splice_finish(splice);
    g_assert_cmpstr(out, ==, row->expected);
}

/* A tree of some other text, as a wrong encoding would give it. */
static void
test_other_text(void)
{
    static const char *const texts[] = { "<a/>", "<a><b/><b/></a>", "<a><b></a>", "<a", "<!-- " };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(xmlDoc) document = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(ferry_document_parse("<a><b/></a>", 1000, "text", "a", &document, NULL));
        g_assert_null(ferry_splice_new(texts[i], document, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_true(g_str_has_prefix(error->message, "the XML is not in the encoding"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/splice/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/splice/other-text", test_other_text);
    return g_test_run();
}
