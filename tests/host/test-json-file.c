#include "host/json-file.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "tree.h"

typedef struct {
    const char *name, *text;
    const char *message; /* NULL: it is read */
} Row;

static const Row rows[] = {
    { "object", "{\"a\": [1, \"[[[\", \"\\\"{\"]}", NULL },
    { "empty", "", "line 1: '[' or '{' expected near end of file" },
    { "third-line", "{\n\"a\": 1,\n\"b\" 2}", "line 3: ':' expected near '2'" },
    { "key-twice", "{\"a\": 1,\n\"a\": 2}", "line 2: duplicate object key near '\"a\"'" },
    { "open-string", "{\"a\\", "line 1: invalid escape near '\"a\\'" },
    { "not-utf-8", "{\"\xff\": 1}", "line 1: unable to decode byte 0xff near '\"'" },
};

static void
test_parse(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GError) error = NULL;
    json_t *json = ferry_json_file_parse(row->text, &error);

    if (row->message == NULL) {
        g_assert_no_error(error);
        g_assert_nonnull(json);
        json_decref(json);
        return;
    }
    g_assert_null(json);
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
}

/* @n brackets, on line 2 */
static char *
nested(unsigned n)
{
    g_autofree char *open = g_strnfill(n, '[');
    g_autofree char *close = g_strnfill(n, ']');

    return g_strconcat("\n", open, close, NULL);
}

static void
test_depth(void)
{
    g_autofree char *most = nested(FERRY_JSON_FILE_MAX_DEPTH);
    g_autofree char *more = nested(FERRY_JSON_FILE_MAX_DEPTH + 1);
    g_autoptr(GError) error = NULL;
    json_t *json = ferry_json_file_parse(most, &error);

    g_assert_no_error(error);
    json_decref(json);
    g_assert_null(ferry_json_file_parse(more, &error));
    g_assert_cmpstr(error->message, ==, "line 2: nested more than 64 levels deep");
}

static void
test_length(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *long_text = g_strnfill(FERRY_JSON_FILE_MAX_BYTES * 2, ' ');
    g_autofree char *read = NULL;
    g_autoptr(GError) error = NULL;

    tree_file(tree, "long", long_text);
    read = ferry_json_file_text(tree->root, "long", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(read), ==, FERRY_JSON_FILE_MAX_BYTES + 1);
    g_assert_null(ferry_json_file_parse(read, &error));
    g_assert_cmpstr(error->message, ==, "it is longer than 65536 bytes");
}

static void
test_no_file(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *pipe = g_build_filename(tree->path, "pipe", NULL);
    g_autoptr(GError) absent = NULL;
    g_autoptr(GError) other = NULL;

    g_assert_null(ferry_json_file_text(tree->root, "absent", &absent));
    g_assert_error(absent, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    g_assert_null(ferry_json_file_text(tree->root, "pipe", &other));
    g_assert_error(other, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(other->message, ==, "pipe is no regular file");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/json-file/parse/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_parse);
    }
    g_test_add_func("/json-file/depth", test_depth);
    g_test_add_func("/json-file/length", test_length);
    g_test_add_func("/json-file/no-file", test_no_file);
    return g_test_run();
}
