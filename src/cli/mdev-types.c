#include "cli/mdev-types.h"

#include <stdbool.h>

#include "cli/table.h"

static void
add_row(json_t *rows, const json_t *parent, const json_t *type)
{
    const bool is_first = type == json_array_get(json_object_get(parent, "types"), 0);
    json_t *row = json_deep_copy(type);

    if (is_first)
        (void)json_object_set(row, "parent", json_object_get(parent, "name"));
    else
        (void)json_object_set_new(row, "parent", json_string("   or"));
    (void)json_array_append_new(rows, row);
}

/* Its note says why it has none. */
static void
add_empty(json_t *rows, const json_t *parent)
{
    json_t *row = json_object();

    (void)json_object_set(row, "parent", json_object_get(parent, "name"));
    (void)json_object_set(row, "name", json_object_get(parent, "note"));
    (void)json_array_append_new(rows, row);
}

char *
ferry_mdev_types_page(const json_t *parents)
{
    static const FerryColumn columns[] = {
        { "parent", "PARENT", FERRY_CELL_TEXT },  { "type", "TYPE", FERRY_CELL_TEXT },
        { "available", "LEFT", FERRY_CELL_TEXT }, { "device_api", "API", FERRY_CELL_TEXT },
        { "name", "NAME", FERRY_CELL_TEXT },      { "description", "DETAIL", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    json_t *rows = json_array();
    const json_t *parent = NULL;
    const json_t *type = NULL;
    size_t i = 0;
    size_t n = 0;
    char *page = NULL;

    json_array_foreach(parents, i, parent)
    {
        const json_t *types = json_object_get(parent, "types");

        json_array_foreach(types, n, type) add_row(rows, parent, type);
        if (json_array_size(types) == 0)
            add_empty(rows, parent);
    }
    page = ferry_table_format(columns, rows);
    json_decref(rows);
    return page;
}
