#include "cli/table.h"

#include <stdlib.h>

#include "cli/quantity.h"

char *
ferry_table_printable(const char *text)
{
    g_autoptr(GString) clean = g_string_new(NULL);

    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
            c = '?';
        g_string_append_unichar(clean, c);
    }
    return g_string_free(g_steal_pointer(&clean), FALSE);
}

static char *
text_of(const json_t *value)
{
    if (json_is_string(value))
        return ferry_table_printable(json_string_value(value));
    if (json_is_boolean(value))
        return g_strdup(json_is_true(value) ? "yes" : "no");
    if (value == NULL || json_is_null(value))
        return g_strdup("-");
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = ferry_table_printable(dumped);
    free(dumped); /* jansson's allocator, not GLib's */
    return text;
}

static char *
list_of(const json_t *array)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    size_t i = 0;
    json_t *value = NULL;

    if (json_array_size(array) == 0)
        return g_strdup("-");
    json_array_foreach(array, i, value) g_ptr_array_add(texts, text_of(value));
    g_ptr_array_add(texts, NULL);
    return g_strjoinv(", ", (char **)texts->pdata);
}

static const json_t *
value_at(const json_t *object, const char *key)
{
    g_auto(GStrv) parts = g_strsplit(key, ".", -1);

    for (size_t i = 0; parts[i]; i++)
        object = json_object_get(object, parts[i]);
    return object;
}

static char *
cell_of(const FerryColumn *column, const json_t *object)
{
    const json_t *value = value_at(object, column->key);

    if (column->cell == FERRY_CELL_BYTES && json_is_integer(value))
        return ferry_quantity_format_bytes((uint64_t)json_integer_value(value));
    if (column->cell == FERRY_CELL_RATE && json_is_integer(value)) {
        g_autofree char *bytes = ferry_quantity_format_bytes((uint64_t)json_integer_value(value));
        return g_strconcat(bytes, "/s", NULL);
    }
    if (column->cell == FERRY_CELL_TIME && json_is_integer(value))
        return ferry_quantity_format_time((uint64_t)json_integer_value(value));
    if (column->cell == FERRY_CELL_LIST && json_is_array(value))
        return list_of(value);
    return text_of(value);
}

/* Characters on a terminal; East Asian ones take two places. */
static size_t
width_of(const char *text)
{
    size_t width = 0;

    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

static void
append_line(GString *text, char *const *cells, const size_t *widths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_string_append(text, cells[i]);
        if (i + 1 < n)
            g_string_append_printf(text, "%*s", (int)(widths[i] - width_of(cells[i]) + 2), "");
    }
    g_string_append_c(text, '\n');
}

static GStrv
headings_of(const FerryColumn *columns, size_t n)
{
    GStrv cells = g_new0(char *, n + 1);

    for (size_t i = 0; i < n; i++)
        cells[i] = g_strdup(columns[i].heading);
    return cells;
}

static GStrv
cells_of(const FerryColumn *columns, size_t n, const json_t *row)
{
    GStrv cells = g_new0(char *, n + 1);

    for (size_t i = 0; i < n; i++)
        cells[i] = cell_of(&columns[i], row);
    return cells;
}

char *
ferry_table_format(const FerryColumn *columns, const json_t *rows)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree size_t *widths = NULL;
    size_t n = 0;
    size_t i = 0;
    json_t *row = NULL;

    while (columns[n].key)
        n++;
    widths = g_new0(size_t, n);
    g_ptr_array_add(lines, headings_of(columns, n));
    json_array_foreach(rows, i, row) g_ptr_array_add(lines, cells_of(columns, n, row));
    for (size_t line = 0; line < lines->len; line++)
        for (size_t column = 0; column < n; column++)
            widths[column] =
                MAX(widths[column], width_of(((GStrv)g_ptr_array_index(lines, line))[column]));
    for (size_t line = 0; line < lines->len; line++)
        append_line(text, g_ptr_array_index(lines, line), widths, n);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
ferry_table_format_one(const FerryColumn *columns, const json_t *object)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t width = 0;

    for (const FerryColumn *column = columns; column->key; column++)
        width = MAX(width, width_of(column->heading));
    for (const FerryColumn *column = columns; column->key; column++) {
        g_autofree char *cell = cell_of(column, object);
        const json_t *value = value_at(object, column->key);
        if (value == NULL || json_is_null(value))
            continue;
        g_string_append_printf(text, "%s:%*s%s\n", column->heading,
                               (int)(width - width_of(column->heading) + 1), "", cell);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void
ferry_table_print_json(FILE *stream, const json_t *document)
{
    /* A failure to write shows in ferror(), which main looks at. */
    (void)json_dumpf(document, stream, JSON_INDENT(2) | JSON_ENCODE_ANY);
    (void)fputc('\n', stream);
}

void
ferry_table_print(FerryPrint print,
                  const FerryColumn *columns,
                  const char *key,
                  const json_t *document)
{
    g_autofree char *text = NULL;

    if (print == FERRY_PRINT_JSON) {
        ferry_table_print_json(stdout, document);
        return;
    }
    text = ferry_table_format(columns, json_object_get(document, key));
    (void)fputs(text, stdout);
}
