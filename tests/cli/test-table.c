#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

static const FerryColumn columns[] = {
    { "name", "NAME", FERRY_CELL_TEXT },
    { "memory_bytes", "MEMORY", FERRY_CELL_BYTES },
    { "degraded", "DEGRADED", FERRY_CELL_LIST },
    { NULL, NULL, FERRY_CELL_TEXT },
};

typedef struct {
    const char *name;
    const char *rows;
    const char *text;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "no-rows", "[]", "NAME  MEMORY  DEGRADED\n" },
    { "one",
      "[{\"name\": \"web\", \"memory_bytes\": 268435456, \"degraded\": [\"a\", \"b\"]}]",
      "NAME  MEMORY     DEGRADED\n"
      "web   256.0 MiB  a, b\n" },
    { "absent-and-null",
      "[{\"name\": null, \"degraded\": []}, {}]",
      "NAME  MEMORY  DEGRADED\n"
      "-     -       -\n"
      "-     -       -\n" },
    { "other-types-than-expected",
      "[{\"name\": 7, \"memory_bytes\": \"x\", \"degraded\": true}, {\"name\": {\"a\": 1}}]",
      "NAME     MEMORY  DEGRADED\n"
      "7        x       yes\n"
      "{\"a\":1}  -       -\n" },
    { "a-terminal-obeys-nothing", /* escape, newline, C1 control, line separator */
      "[{\"name\": \"a\\u001b[2Jb\\nc\\u009bd\\u2028e\"}]",
      "NAME          MEMORY  DEGRADED\n"
      "a?[2Jb?c?d?e  -       -\n" },
    { "wide-characters-take-two-places",
      "[{\"name\": \"\xe8\x88\xb9\"}, {\"name\": \"f\xc3\xa4hre\"}]",
      "NAME   MEMORY  DEGRADED\n"
      "\xe8\x88\xb9     -       -\n"
      "f\xc3\xa4hre  -       -\n" },
};
/* clang-format on */

static void
test_format(gconstpointer data)
{
    const Row *row = data;
    json_t *array = json_loads(row->rows, 0, NULL);
    g_autofree char *text = NULL;

    g_assert_nonnull(array);
    text = ferry_table_format(columns, array);
    g_assert_cmpstr(text, ==, row->text);
    json_decref(array);
}

/* One object, a line each; what it has not got is left out, and so is what lies deeper in it. */
static void
test_format_one(void)
{
    static const FerryColumn one[] = {
        { "name", "guest", FERRY_CELL_TEXT },
        { "progress.bytes", "sent", FERRY_CELL_BYTES },
        { "progress.rate_bps", "rate", FERRY_CELL_RATE },
        { "elapsed_ms", "how long", FERRY_CELL_TIME },
        { "job", "job", FERRY_CELL_TEXT },
        { "nothing.at.all", "nothing", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    json_t *object = json_loads("{\"name\": \"web\", \"job\": null, \"elapsed_ms\": 2400,"
                                "\"progress\": {\"bytes\": 1024, \"rate_bps\": 2048}}",
                                0, NULL);
    g_autofree char *text = ferry_table_format_one(one, object);

    g_assert_cmpstr(text, ==,
                    "guest:    web\nsent:     1.0 KiB\nrate:     2.0 KiB/s\nhow long: 2.4 s\n");
    json_decref(object);
}

/* JSON has the same rows, sizes as plain bytes, keys in their order. */
static void
test_json(void)
{
    json_t *document =
        json_loads("{\"guests\": [{\"name\": \"web\", \"memory_bytes\": 1024}]}", 0, NULL);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ferry_table_print_json(stream, document);
    g_assert_cmpint(fclose(stream), ==, 0);
    g_assert_cmpstr(text, ==,
                    "{\n  \"guests\": [\n    {\n      \"name\": \"web\",\n"
                    "      \"memory_bytes\": 1024\n    }\n  ]\n}\n");
    free(text);
    json_decref(document);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/table/format/%s", rows[i].name);
        g_test_add_data_func(path, &rows[i], test_format);
    }
    g_test_add_func("/table/format-one", test_format_one);
    g_test_add_func("/table/json", test_json);
    return g_test_run();
}
