#include "client/json.h"

#include <string.h>

#include "base/error.h"

typedef struct {
    const char *name;
    const char *text;
    const char *message; /* NULL: parses */
} Row;

static const Row rows[] = {
    { "object", "{\"a\": [1, 2.5, null, true]}", NULL },
    { "any-value", "3", NULL },
    { "brackets-in-a-string",
      "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", NULL },
    { "escaped-quote", "\"\\\"{\"", NULL },
    { "empty", "", "this is not JSON, line 1, column 0: unexpected token near end of file" },
    { "cut", "{\"a\": ", "this is not JSON, line 1, column 6: unexpected token near end of file" },
    { "second-line", "{\n  \"a\" 1\n}",
      "this is not JSON, line 2, column 7: ':' expected near '1'" },
    { "twice", "{\"a\": 1, \"a\": 2}",
      "this is not JSON, line 1, column 12: duplicate object key near '\"a\"'" },
    { "more-after-it", "{} {}",
      "this is not JSON, line 1, column 4: end of file expected near '{'" },
    { "zero-byte-escape", "\"\\u0000\"",
      "this is not JSON, line 1, column 8: \\u0000 is not allowed without JSON_ALLOW_NUL "
      "near '\"\\u0000\"'" },
    { "not-utf-8", "\"\xff\"",
      "this is not JSON, line 1, column 1: unable to decode byte 0xff near '\"'" },
    { "number-too-large", "1e999",
      "this is not JSON, line 1, column 5: real number overflow near "
      "'1e999'" },
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    json_t *value = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(ferry_json_parse(row->text, strlen(row->text), &value, &error), ==,
                    row->message == NULL);
    if (row->message == NULL) {
        g_assert_no_error(error);
        json_decref(value);
        return;
    }
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(value);
}

static char *
nest(unsigned depth)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < depth; i++)
        g_string_append_c(text, '[');
    for (unsigned i = 0; i < depth; i++)
        g_string_append_c(text, ']');
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
test_depth(void)
{
    g_autofree char *deepest = nest(FERRY_JSON_MAX_DEPTH);
    g_autofree char *deeper = nest(FERRY_JSON_MAX_DEPTH + 1);
    json_t *value = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_json_parse(deepest, strlen(deepest), &value, &error));
    json_decref(value);
    g_assert_false(ferry_json_parse(deeper, strlen(deeper), &value, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "the JSON is nested more than 64 levels deep");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/json/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/json/depth", test_depth);
    return g_test_run();
}
