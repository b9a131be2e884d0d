#include "cli/offers.h"

#include "cli/table.h"

static const FerryColumn device_columns[] = {
    { "alias", "DEVICE", FERRY_CELL_TEXT },    { "way", "WAY", FERRY_CELL_TEXT },
    { "verdict", "VERDICT", FERRY_CELL_TEXT }, { "slot.name", "SLOT", FERRY_CELL_TEXT },
    { "slot.pool", "POOL", FERRY_CELL_TEXT },  { "why", "BECAUSE", FERRY_CELL_TEXT },
    { NULL, NULL, FERRY_CELL_TEXT },
};

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
ferry_offers_print(FILE *stream, const json_t *devices)
{
    const json_t *device = NULL;
    json_t *rows = NULL;
    g_autofree char *table = NULL;
    g_autofree char *values = NULL;
    size_t i = 0;

    if (json_array_size(devices) == 0)
        return;
    rows = json_array();
    table = ferry_table_format(device_columns, devices);
    fprintf(stream, "\n%s", table);
    json_array_foreach(devices, i, device) add_values(device, rows);
    values = ferry_table_format(value_columns, rows);
    if (json_array_size(rows) > 0)
        fprintf(stream, "\n%s", values);
    json_decref(rows);
}
