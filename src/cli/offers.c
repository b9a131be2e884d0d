#include "cli/offers.h"

#include "cli/table.h"

static const FerryColumn device_columns[] = {
    { "alias", "DEVICE", FERRY_CELL_TEXT },    { "way", "WAY", FERRY_CELL_TEXT },
    { "verdict", "VERDICT", FERRY_CELL_TEXT }, { "slot.name", "SLOT", FERRY_CELL_TEXT },
    { "slot.pool", "POOL", FERRY_CELL_TEXT },  { "why", "BECAUSE", FERRY_CELL_TEXT },
    { NULL, NULL, FERRY_CELL_TEXT },
};

/* "loaded 3 times, last 2026-01-31T…; refused once" of each device's best candidate, if there is
 * anything to tell. */
static void
print_loads(FILE *stream, const json_t *device)
{
    const json_t *best = json_array_get(json_object_get(device, "candidates"), 0);
    const json_t *loads = json_object_get(best, "loads");
    json_int_t success = json_integer_value(json_object_get(loads, "success"));
    json_int_t rejected = json_integer_value(json_object_get(loads, "rejected"));
    const char *last = json_string_value(json_object_get(loads, "last"));
    const char *alias = json_string_value(json_object_get(device, "alias"));
    g_autofree char *line = NULL;
    g_autofree char *clean = NULL;

    if (success + rejected <= 0 || last == NULL || alias == NULL)
        return;
    line = g_strdup_printf("%s: such a state was loaded there %" JSON_INTEGER_FORMAT
                           " times and refused %" JSON_INTEGER_FORMAT " times, last %s",
                           alias, success, rejected, last);
    clean = ferry_table_printable(line);
    fprintf(stream, "%s\n", clean);
}

static const FerryColumn value_columns[] = {
    { "alias", "DEVICE", FERRY_CELL_TEXT },  { "candidate", "CANDIDATE", FERRY_CELL_TEXT },
    { "key", "KEY", FERRY_CELL_TEXT },       { "source", "SOURCE", FERRY_CELL_TEXT },
    { "target", "TARGET", FERRY_CELL_TEXT }, { "severity", "VERDICT", FERRY_CELL_TEXT },
    { NULL, NULL, FERRY_CELL_TEXT },
};

/* The values of a device's best candidate, which comes first. */
static void
add_values(const json_t *device, json_t *rows)
{
    const json_t *best = json_array_get(json_object_get(device, "candidates"), 0);
    const json_t *finding = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(best, "findings"), i, finding)
    {
        json_t *row = json_copy((json_t *)finding);

        json_object_set(row, "alias", json_object_get(device, "alias"));
        json_object_set(row, "candidate", json_object_get(best, "name"));
        json_array_append_new(rows, row);
    }
}

void
ferry_offers_print_values(FILE *stream, const json_t *devices)
{
    const json_t *device = NULL;
    json_t *rows = json_array();
    g_autofree char *values = NULL;
    size_t i = 0;

    json_array_foreach(devices, i, device) add_values(device, rows);
    values = ferry_table_format(value_columns, rows);
    if (json_array_size(rows) > 0)
        fprintf(stream, "\n%s", values);
    json_decref(rows);
}

void
ferry_offers_print(FILE *stream, const json_t *devices)
{
    const json_t *device = NULL;
    g_autofree char *table = NULL;
    size_t i = 0;

    if (json_array_size(devices) == 0)
        return;
    table = ferry_table_format(device_columns, devices);
    fprintf(stream, "\n%s", table);
    json_array_foreach(devices, i, device) print_loads(stream, device);
    ferry_offers_print_values(stream, devices);
}
