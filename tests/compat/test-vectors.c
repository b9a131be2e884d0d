/* Every vector through the C API; a row that is not run makes the count wrong. */
#include <string.h>

#include "compat/vectors.h"

static json_t *
load(const char *path)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    FerryFault *fault = NULL;
    json_t *document = NULL;

    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    document = ferry_json_read_large(text, size, &fault);
    g_assert_nonnull(document);
    return document;
}

static size_t
count_rows(json_t *document)
{
    size_t n = 0;

    for (void *at = json_object_iter(document); at != NULL;
         at = json_object_iter_next(document, at))
        n += json_array_size(json_object_iter_value(at));
    return n;
}

static void
test_file(gconstpointer path)
{
    g_autoptr(json_t) document = load(path);
    g_autoptr(FerryVectorReport) report = ferry_vectors_run(document);

    for (guint i = 0; i < report->failures->len; i++)
        g_test_message("%s", (const char *)report->failures->pdata[i]);
    g_assert_cmpuint(report->failures->len, ==, 0);
    g_assert_cmpuint(report->n_passed, ==, count_rows(document));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 1; i < argc; i++) {
        g_autofree char *name = g_path_get_basename(argv[i]);
        g_autofree char *path = g_strconcat("/vectors/", name, NULL);
        g_test_add_data_func(path, argv[i], test_file);
    }
    return g_test_run();
}
