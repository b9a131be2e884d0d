#include "hook/tag.h"

#include <glib.h>

typedef struct {
    const char *name;
    const char *xml;
    const char *expected; /* each tag as "depth:text", those of an element's end after a slash */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nested",      "<a><b/><c>t</c></a>",                      "0:<a> 1:<b/> 1:<c> 1:</c> 0:</a>" },
    { "two-roots",   "<a/><b></b>",                              "0:<a/> 0:<b> 0:</b>" },
    { "opaque",      "<?x <i> ?><!-- <c> --><a><![CDATA[<d>]]></a>", "0:<a> 0:</a>" },
    { "quoted",      "<a b='>' c=\"'<d>'\"><e/></a>",            "0:<a b='>' c=\"'<d>'\"> 1:<e/> 0:</a>" },
    { "empty",       "",                                         "" },
    { "text",        "a > b",                                    "" },
    { "cut",         "<a><b",                                    "0:<a>" },
    { "cut-comment", "<a><!-- <b>",                              "0:<a>" },
    { "doctype",     "<a><!DOCTYPE x><b/>",                      "0:<a>" },
    { "too-many-ends", "<a></a></a><b>",                         "0:<a> 0:</a>" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GString) seen = g_string_new(NULL);
    HookTags tags = { .at = row->xml };
    HookTag tag = { 0 };

    while (hook_tags_next(&tags, &tag)) {
        g_string_append_printf(seen, "%s%u:%.*s", seen->len > 0 ? " " : "", tag.depth,
                               (int)(tag.end - tag.begin) + 1, tag.begin);
        g_assert_cmpint(tag.closes, ==, tag.begin[1] == '/');
        g_assert_cmpint(tag.is_empty, ==, !tag.closes && tag.end[-1] == '/');
    }
    g_assert_cmpstr(seen->str, ==, row->expected);
}

static void
test_name(void)
{
    HookTags tags = { .at = "<a:b c='d'/>" };
    HookTag tag = { 0 };

    g_assert_true(hook_tags_next(&tags, &tag));
    g_assert_true(hook_tag_is(&tag, "a:b"));
    g_assert_false(hook_tag_is(&tag, "a"));
    g_assert_false(hook_tag_is(&tag, "a:bb"));
}

typedef struct {
    const char *name;
    const char *xml;
    const char *expected; /* "name=value" */
} AttributesRow;

/* clang-format off */
static const AttributesRow attributes[] = {
    { "none",          "<a>",                          "" },
    { "none-empty",    "<a />",                        "" },
    { "two",           "<a b='c' d=\"e\">",            "b=c d=e" },
    { "spaces",        "<a\n b = 'c'\td= ''/>",        "b=c d=" },
    { "other-quote",   "<a b=\"it's\">",               "b=it's" },
    { "slash",         "<a b='/'/>",                   "b=/" },
    { "no-value",      "<a b>",                        "" },
    { "unquoted",      "<a b=c d='e'>",                "b=e" }, /* no XML: what comes of it does not matter */
};
/* clang-format on */

static void
test_attributes(gconstpointer data)
{
    const AttributesRow *row = data;
    g_autoptr(GString) seen = g_string_new(NULL);
    HookTags tags = { .at = row->xml };
    HookTag tag = { 0 };
    HookSpan name, value;
    const char *at = NULL;

    g_assert_true(hook_tags_next(&tags, &tag));
    while (hook_tag_next_attribute(&tag, &at, &name, &value)) {
        char text[16];

        hook_span_copy(value, text, sizeof(text));
        g_assert_true(hook_span_is(value, text));
        g_string_append_printf(seen, "%s%.*s=%s", seen->len > 0 ? " " : "", (int)name.length,
                               name.text, text);
    }
    g_assert_cmpstr(seen->str, ==, row->expected);
}

static void
test_copy_is_cut(void)
{
    char text[4] = "xxx";

    hook_span_copy((HookSpan){ "abcdef", 6 }, text, sizeof(text));
    g_assert_cmpstr(text, ==, "abc");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/tag/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *path = g_strconcat("/tag/attributes/", attributes[i].name, NULL);
        g_test_add_data_func(path, &attributes[i], test_attributes);
    }
    g_test_add_func("/tag/name", test_name);
    g_test_add_func("/tag/copy-is-cut", test_copy_is_cut);
    return g_test_run();
}
