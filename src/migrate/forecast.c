#include "migrate/forecast.h"

#include "migrate/objection.h"

/* "make bench-vfio": TLS 1.13 GiB/s over one connection, with a processor at each end for it. */
#define CONNECTION_BPS  (UINT64_C(1) << 30)
#define CONNECTIONS_MAX 8 /* each is a busy thread on both hosts */

static json_t *
number_or_null(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

/* Rounded up: a state that takes any time takes a millisecond. */
static int64_t
ms_for(int64_t bytes, uint64_t rate_bps)
{
    return bytes < 0 || rate_bps == 0
               ? -1
               : (int64_t)(((double)bytes * 1000.0 + (double)rate_bps - 1) / (double)rate_bps);
}

static int64_t
mean_of(const FerryForecastKnown *known)
{
    int64_t sum_ms = 0;

    for (unsigned i = 0; i < known->n_moves; i++)
        sum_ms += known->moves_ms[i];
    return known->n_moves == 0 ? -1 : sum_ms / (int64_t)known->n_moves;
}

/* M4: the sum over the devices.  One without a figure leaves the sum without one. */
static json_t *
list_devices(const FerryPlan *plan, uint64_t rate_bps, int64_t *ret_bytes)
{
    json_t *devices = json_array();

    *ret_bytes = 0;
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);

        if (need->way != FERRY_WAY_STATE)
            continue;
        json_array_append_new(
            devices, json_pack("{s:s, s:o, s:s?, s:o}", "alias", need->alias, "bytes",
                               number_or_null(need->state_bytes), "basis", need->state_basis, "ms",
                               number_or_null(ms_for(need->state_bytes, rate_bps))));
        *ret_bytes = need->state_bytes < 0 || *ret_bytes < 0 ? -1 : *ret_bytes + need->state_bytes;
    }
    return devices;
}

static char *
describe(const FerryForecastKnown *known, int64_t mean_ms, int64_t device_bytes, int64_t device_ms)
{
    g_autofree char *size =
        device_bytes < 0 ? NULL
                         : g_format_size_full((guint64)device_bytes, G_FORMAT_SIZE_IEC_UNITS);

    if (known->n_moves == 1)
        return g_strdup_printf("about %" G_GINT64_FORMAT " ms, as in the last move of it",
                               (gint64)mean_ms);
    if (mean_ms >= 0)
        return g_strdup_printf("about %" G_GINT64_FORMAT " ms, as in the last %u moves of it",
                               (gint64)mean_ms, known->n_moves);
    if (device_ms > 0)
        return g_strdup_printf("at least %" G_GINT64_FORMAT
                               " ms, for %s of devices' state; for the "
                               "handover itself no figure yet",
                               (gint64)device_ms, size);
    return g_strdup(device_bytes < 0 ? "no figure yet: the size of a device's state is not known"
                                     : "no figure yet: the guest was not moved before");
}

json_t *
ferry_forecast(const FerryPlan *plan, const FerryForecastKnown *known)
{
    int64_t device_bytes = 0;
    json_t *devices = list_devices(plan, known->rate_bps, &device_bytes);
    int64_t device_ms = device_bytes == 0 ? 0 : ms_for(device_bytes, known->rate_bps);
    int64_t mean_ms = mean_of(known);
    const char *basis = mean_ms >= 0 ? "measured" : device_ms > 0 ? "computed" : NULL;
    g_autofree char *message = describe(known, mean_ms, device_bytes, device_ms);

    return json_pack("{s:o, s:s?, s:I, s:o, s:o, s:o, s:o, s:s}", "blackout_ms",
                     number_or_null(mean_ms >= 0    ? mean_ms
                                    : device_ms > 0 ? device_ms
                                                    : -1),
                     "basis", basis, "limit_ms", (json_int_t)plan->max_downtime_ms, "rate_bps",
                     known->rate_bps == 0 ? json_null() : json_integer((json_int_t)known->rate_bps),
                     "device_bytes", number_or_null(device_bytes), "device_ms",
                     number_or_null(device_ms), "devices", devices, "message", message);
}

static char *
per_device(const json_t *forecast)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *device = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(forecast, "devices"), i, device)
    {
        g_autofree char *size = g_format_size_full(
            (guint64)json_integer_value(json_object_get(device, "bytes")), G_FORMAT_SIZE_IEC_UNITS);

        g_string_append_printf(text, "%s%s %s (%s), %" G_GINT64_FORMAT " ms", i > 0 ? "; " : "",
                               json_string_value(json_object_get(device, "alias")), size,
                               json_string_value(json_object_get(device, "basis")),
                               (gint64)json_integer_value(json_object_get(device, "ms")));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void
ferry_forecast_object(const json_t *forecast, json_t *reasons)
{
    int64_t device_ms = json_integer_value(json_object_get(forecast, "device_ms"));
    int64_t limit_ms = json_integer_value(json_object_get(forecast, "limit_ms"));
    g_autofree char *each = NULL;
    g_autofree char *rate = NULL;

    if (device_ms <= limit_ms)
        return;
    each = per_device(forecast);
    rate = g_format_size_full((guint64)json_integer_value(json_object_get(forecast, "rate_bps")),
                              G_FORMAT_SIZE_IEC_UNITS);
    ferry_object(reasons, "blackout-too-long",
                 "the guest would stand still for about %" G_GINT64_FORMAT " ms, and its limit is "
                 "%" G_GINT64_FORMAT
                 " ms: %s, at %s/s.  Allow more (--max-downtime %" G_GINT64_FORMAT
                 "s), or use a faster link or a driver that copies before the stop",
                 (gint64)device_ms, (gint64)limit_ms, each, rate, (gint64)(device_ms / 800 + 1));
}

unsigned
ferry_forecast_connections(const json_t *forecast, uint64_t bandwidth_bps)
{
    uint64_t rate_bps = (uint64_t)json_integer_value(json_object_get(forecast, "rate_bps"));

    if (bandwidth_bps > 0)
        rate_bps = MIN(rate_bps, bandwidth_bps);
    return (unsigned)CLAMP(rate_bps / CONNECTION_BPS, 1, CONNECTIONS_MAX);
}
