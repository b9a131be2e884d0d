/* test: the conformance tester's front. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tool/tool.h"
#include "vfio/conform.h"

static bool
parse_register(const char *text, FerryConformOptions *options, GError **error)
{
    char *end = NULL;

    if (text == NULL)
        return true;
    options->region = (uint32_t)g_ascii_strtoull(text, &end, 0);
    if (end != text && *end == ':') {
        const char *offset = end + 1;

        options->offset = g_ascii_strtoull(offset, &end, 0);
        options->has_register = end != offset && *end == '\0';
    }
    if (!options->has_register)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--register=%s: expected REGION:OFFSET", text);
    return options->has_register != 0;
}

static void
print_table(const GPtrArray *rows, const unsigned *counts)
{
    for (guint i = 0; i < rows->len; i++) {
        const FerryCheckRow *row = g_ptr_array_index(rows, i);

        (void)printf("%-4s %-32s %s\n", ferry_check_result_name(row->result), row->id, row->seen);
        if (row->result == FERRY_CHECK_FAIL)
            (void)printf("     %-32s demanded by %s\n", "", row->demand);
    }
    (void)printf("%u checks: %u passed, %u failed, %u notes, %u skipped\n", rows->len,
                 counts[FERRY_CHECK_PASS], counts[FERRY_CHECK_FAIL], counts[FERRY_CHECK_NOTE],
                 counts[FERRY_CHECK_SKIP]);
}

static void
print_json(const GPtrArray *rows, const unsigned *counts)
{
    json_t *root = json_object();
    json_t *list = json_array();
    char *text = NULL;

    for (guint i = 0; i < rows->len; i++) {
        const FerryCheckRow *row = g_ptr_array_index(rows, i);
        g_autofree char *result = g_ascii_strdown(ferry_check_result_name(row->result), -1);

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", row->id, "result",
                                              result, "demand", row->demand, "seen", row->seen));
    }
    json_object_set_new(root, "checks", list);
    for (unsigned i = 0; i < FERRY_CHECK_N_RESULTS; i++) {
        g_autofree char *name = g_ascii_strdown(ferry_check_result_name((FerryCheckResult)i), -1);

        json_object_set_new(root, name, json_integer(counts[i]));
    }
    text = json_dumps(root, JSON_INDENT(2));
    (void)printf("%s\n", text);
    free(text);
    json_decref(root);
}

static int
print(const GPtrArray *rows, const ToolOptions *options)
{
    unsigned counts[FERRY_CHECK_N_RESULTS] = { 0 };

    for (guint i = 0; i < rows->len; i++)
        counts[((const FerryCheckRow *)g_ptr_array_index(rows, i))->result]++;
    if (options->json)
        print_json(rows, counts);
    else
        print_table(rows, counts);
    return counts[FERRY_CHECK_FAIL] > 0 ? 1 : 0;
}

static int
print_list(const ToolOptions *options)
{
    g_autoptr(GPtrArray) rows = ferry_conform_list();

    if (options->json)
        return print(rows, options);
    for (guint i = 0; i < rows->len; i++) {
        const FerryCheckRow *row = g_ptr_array_index(rows, i);

        (void)printf("%-32s %s\n", row->id, row->demand);
    }
    return 0;
}

int
tool_test(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(ToolDevice) peer = { 0 };
    g_autoptr(GPtrArray) rows = NULL;
    int status = 0;
    FerryConformOptions conform = { .only = options->only,
                                    .flags = options->unsafe ? FERRY_CONFORM_UNSAFE
                                                             : FERRY_CONFORM_SAFE };

    if (options->list)
        return print_list(options);
    if (!parse_register(options->reg, &conform, error) ||
        !tool_device_open(&tool, arguments[0], options, error) ||
        (options->peer != NULL && !tool_device_open(&peer, options->peer, options, error)))
        return 0;
    if (tool.device->flags == 0) {
        g_autofree char *why = ferry_vfio_device_why_not(tool.device);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED, "%s cannot migrate: %s",
                    arguments[0], why);
        return 0;
    }
    conform.peer = peer.device;
    conform.cancelled = options->pump.cancelled;
    rows = ferry_conform_run(tool.device, &conform);
    if (rows->len == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--only=%s names no check: see \"ferry-vfio test --list\"", options->only);
        return 0;
    }
    status = print(rows, options);
    if (__atomic_load_n(options->pump.cancelled, __ATOMIC_RELAXED) != 0)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED, "cancelled; %s runs", arguments[0]);
    return status;
}
