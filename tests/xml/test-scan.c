#include "xml/scan.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *text;
    const char
        *expected; /* each element's start tag, content and end tag; NULL: tags do not match */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "one",         "<a>x</a>", "[<a>|x|</a>]" },
    { "empty",       "<a/>", "[<a||/>]" },
    { "empty-with-space", "<a b='c' />", "[<a b='c' ||/>]" },
    { "nested",      "<a><b>x</b><c/></a>", "[<a>|<b>x</b><c/>|</a>][<b>|x|</b>][<c||/>]" },
    { "same-name",   "<a><a><a/></a></a>", "[<a>|<a><a/></a>|</a>][<a>|<a/>|</a>][<a||/>]" },
    { "around",      "<?xml version='1.0'?>\n<a/>\n", "[<a||/>]" },
    { "comment",     "<a><!-- <b> </a> --></a>", "[<a>|<!-- <b> </a> -->|</a>]" },
    { "cdata",       "<a><![CDATA[ </a> <b> ]] > ]]></a>", "[<a>|<![CDATA[ </a> <b> ]] > ]]>|</a>]" },
    { "instruction", "<a><?p <b> ?></a>", "[<a>|<?p <b> ?>|</a>]" },
    { "in-quotes",   "<a b='/>' c=\"'>\"><d e='>'/></a>", "[<a b='/>' c=\"'>\">|<d e='>'/>|</a>][<d e='>'||/>]" },
    { "end-with-space", "<a>x</a \n>", "[<a>|x|</a \n>]" },
    { "lines",       "<a\n b='c'\n>\n</a>", "[<a\n b='c'\n>|\n|</a>]" },
    { "no-utf8",     "<a>\xe4</a>", "[<a>|\xe4|</a>]" },
    { "nothing",     "", "" },
    { "text",        "a > b", "" },
    { "not-closed",  "<a><b></a>", NULL },
    { "closed-twice", "<a/></a>", NULL },
    { "tag-cut",     "<a", NULL },
    { "quote-cut",   "<a b='>", NULL },
    { "end-cut",     "<a></a", NULL },
    { "comment-cut", "<a><!-- </a>", NULL },
    { "cdata-cut",   "<a><![CDATA[ ]></a>", NULL },
};
/* clang-format on */

static void
append_part(GString *out, const char *text, size_t from, size_t to)
{
    g_assert_cmpuint(from, <=, to);
    g_assert_cmpuint(to, <=, strlen(text));
    g_string_append_len(out, text + from, (gssize)(to - from));
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GArray) spans = ferry_scan_elements(row->text);
    g_autoptr(GString) out = g_string_new(NULL);

    if (row->expected == NULL) {
        g_assert_null(spans);
        return;
    }
    g_assert_nonnull(spans);
    for (guint i = 0; i < spans->len; i++) {
        const FerrySpan *span = &g_array_index(spans, FerrySpan, i);
        const size_t start = MIN(span->content, span->close); /* an empty element has one tag */

        g_string_append_c(out, '[');
        append_part(out, row->text, span->begin, start);
        g_string_append_c(out, '|');
        append_part(out, row->text, start, span->close);
        g_string_append_c(out, '|');
        append_part(out, row->text, span->close, span->end);
        g_string_append_c(out, ']');
    }
    g_assert_cmpstr(out->str, ==, row->expected);
}

/* Elements that are open at once may be any number. */
static void
test_deep(void)
{
    const unsigned depth = 5000;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) spans = NULL;

    for (unsigned i = 0; i < depth; i++)
        g_string_append(text, "<a>");
    for (unsigned i = 0; i < depth; i++)
        g_string_append(text, "</a>");
    spans = ferry_scan_elements(text->str);
    g_assert_cmpuint(spans->len, ==, depth);
    for (guint i = 0; i < depth; i++) {
        const FerrySpan *span = &g_array_index(spans, FerrySpan, i);

        g_assert_cmpuint(span->begin, ==, 3 * i);
        g_assert_cmpuint(span->end, ==, text->len - 4 * i);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/scan/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/scan/deep", test_deep);
    return g_test_run();
}
