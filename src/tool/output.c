#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "tool/tool.h"

#define EXIT_REFUSED  1
#define EXIT_UNKNOWN  21
#define EXIT_IN_DOUBT 23

static void
print_value(const char *prefix, const char *key, const json_t *value)
{
    g_autofree char *name =
        prefix[0] != '\0' ? g_strdup_printf("%s.%s", prefix, key) : g_strdup(key);
    size_t i = 0;
    const char *inner = NULL;
    json_t *item = NULL;

    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, inner, item) print_value(name, inner, item);
        return;
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            g_autofree char *index = g_strdup_printf("%zu", i);

            print_value(name, index, item);
        }
        return;
    }
    if (json_is_string(value)) {
        g_autofree char *safe = g_strescape(json_string_value(value), "\"'\\");

        (void)printf("%s: %s\n", name, safe);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);

        (void)printf("%s: %s\n", name, text);
        free(text);
    }
}

void
tool_print(const json_t *object, const ToolOptions *options)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (options->json) {
        char *text = json_dumps(object, JSON_INDENT(2));

        (void)printf("%s\n", text);
        free(text);
        return;
    }
    json_object_foreach((json_t *)object, key, value) print_value("", key, value);
}

static json_t *
device_row(const FerryPumpDevice *device)
{
    const FerryForecast *forecast = &device->forecast;
    json_t *row = json_pack("{s:I, s:I, s:I}", "precopy_bytes", (json_int_t)device->precopy_bytes,
                            "stop_bytes", (json_int_t)device->stop_bytes, "frames",
                            (json_int_t)device->n_frames);

    if (forecast->rate_bps > 0) {
        json_object_set_new(row, "trend", json_string(ferry_trend_name(forecast->trend)));
        json_object_set_new(row, "stopped_because", json_string(ferry_switch_name(device->why)));
        json_object_set_new(row, "rate_bps", json_integer((json_int_t)forecast->rate_bps));
        json_object_set_new(row, "dirty_bps", json_integer((json_int_t)forecast->dirty_bps));
        json_object_set_new(row, "predicted_downtime_ms", json_integer(forecast->downtime_ms_high));
    }
    return row;
}

int
tool_report(const FerryPumpReport *report, const ToolOptions *options, FerryVerdictLevel level)
{
    static const struct {
        const char *name;
        int exit_code;
    } outcomes[] = {
        [FERRY_PUMP_DONE] = { "done", 0 },
        [FERRY_PUMP_REFUSED] = { "refused", EXIT_REFUSED },
        [FERRY_PUMP_NOT_CONVERGED] = { "not-converged", EXIT_REFUSED },
        [FERRY_PUMP_IN_DOUBT] = { "in-doubt", EXIT_IN_DOUBT },
    };
    json_t *root =
        json_pack("{s:s, s:I, s:I}", "outcome", outcomes[report->outcome].name, "total_ms",
                  (json_int_t)report->total_ms, "memory_bytes", (json_int_t)report->memory_bytes);
    json_t *devices = json_array();
    json_t *reasons = json_array();

    /* Only the source knows it. */
    if (report->downtime_us > 0)
        json_object_set_new(root, "downtime_ms", json_integer((report->downtime_us + 999) / 1000));
    for (size_t i = 0; i < report->n_devices; i++)
        json_array_append_new(devices, device_row(&report->devices[i]));
    for (char **reason = report->reasons; reason != NULL && *reason != NULL; reason++)
        json_array_append_new(reasons, json_string(*reason));
    json_object_set_new(root, "devices", devices);
    json_object_set_new(root, "reasons", reasons);
    if (options->pump.watch.show != NULL)
        (void)fprintf(stderr, "\r\033[K");
    if (!options->quiet || report->outcome != FERRY_PUMP_DONE)
        tool_print(root, options);
    json_decref(root);
    if (report->outcome == FERRY_PUMP_REFUSED && level == FERRY_VERDICT_UNKNOWN)
        return EXIT_UNKNOWN;
    return outcomes[report->outcome].exit_code;
}

static void
show(void *data, const FerryProgress *rows, size_t n_rows)
{
    (void)data;
    (void)fprintf(stderr, "\r\033[K");
    for (size_t i = 0; i < n_rows; i++) {
        const FerryForecast *forecast = &rows[i].forecast;

        (void)fprintf(stderr, "%s%s %s %.1f MiB %.1f MiB/s", i > 0 ? " | " : "", rows[i].device,
                      rows[i].stage, (double)rows[i].bytes / 1048576.0,
                      (double)forecast->rate_bps / 1048576.0);
        if (forecast->left.known)
            (void)fprintf(stderr, ", left %.1f MiB", (double)forecast->left.bytes / 1048576.0);
        if (forecast->eta_ms_low >= 0)
            (void)fprintf(stderr, ", %" PRId64 "-%" PRId64 " s", forecast->eta_ms_low / 1000,
                          (forecast->eta_ms_high + 999) / 1000);
        (void)fprintf(stderr, " (%s)", ferry_trend_name(forecast->trend));
    }
    (void)fflush(stderr);
}

FerryPumpWatch
tool_progress(const ToolOptions *options)
{
    if (options->quiet || !isatty(STDERR_FILENO))
        return (FerryPumpWatch){ 0 };
    return (FerryPumpWatch){ .show = show };
}
