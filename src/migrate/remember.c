#include "migrate/remember.h"

#include <string.h>

/* What QEMU says where a device does not take its state: "load of migration failed: Bad address",
 * "error while loading state for instance 0x0 of device '0000:00:02.0/vfio'". */
static const char *const refusals[] = { "load of migration failed", "error while loading state" };

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

FerryResult
ferry_remember_result(const json_t *report)
{
    const json_t *reason = NULL;
    size_t i = 0;

    if (g_strcmp0(text_of(report, "outcome"), "migrated") == 0)
        return FERRY_RESULT_SUCCESS;
    json_array_foreach(json_object_get(report, "reasons"), i, reason)
    {
        const char *message = text_of(reason, "message");

        for (size_t j = 0; j < G_N_ELEMENTS(refusals) && message != NULL; j++)
            if (strstr(message, refusals[j]) != NULL)
                return FERRY_RESULT_REJECTED;
    }
    return FERRY_RESULT_FAILED;
}

static int64_t
number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) && json_integer_value(value) > 0 ? json_integer_value(value) : -1;
}

static unsigned
count_states(const FerryPlan *plan)
{
    unsigned n = 0;

    for (guint i = 0; i < plan->needs->len; i++)
        n += ((FerryPlanNeed *)g_ptr_array_index(plan->needs, i))->way == FERRY_WAY_STATE;
    return n;
}

/* libvirt has one sum for all devices: with several of them, none has a figure of its own. */
static void
add_devices(FerryStore *store, const FerryPlan *plan, FerryHistoryRow row, int64_t device_bytes)
{
    row.blackout_ms = -1;
    row.rate_bps = -1;
    row.bytes = count_states(plan) == 1 ? device_bytes : -1;
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);

        if (need->way != FERRY_WAY_STATE || need->source_print == NULL ||
            need->target_print == NULL)
            continue;
        row.alias = need->alias;
        row.source_print = need->source_print;
        row.target_print = need->target_print;
        (void)ferry_history_add(store, &row, NULL);
    }
}

void
ferry_remember(FerryStore *store, const FerryClock *clock, FerryJob *job, const FerryPlan *plan)
{
    json_t *report = ferry_job_json(job);
    const json_t *progress = json_object_get(report, "progress");
    const FerryJobIdentity *here = ferry_job_identity(job);
    char none[] = "";
    FerryHistoryRow row = { .job = plan->job,
                            .alias = none,
                            .guest_uuid = plan->guest_uuid,
                            .peer = here->side == FERRY_SIDE_SOURCE ? plan->target : plan->source,
                            .source_print = none,
                            .target_print = none,
                            .result = ferry_remember_result(report),
                            .bytes = number_of(progress, "sent_bytes"),
                            .blackout_ms = number_of(report, "blackout_ms"),
                            .rate_bps = number_of(progress, "best_rate_bps"),
                            .wall_us = clock->wall_us(clock) };

    /* A job that was refused or cancelled never asked a device. */
    if (row.result != FERRY_RESULT_FAILED) {
        (void)ferry_history_add(store, &row, NULL);
        add_devices(store, plan, row, number_of(progress, "device_bytes"));
    }
    json_decref(report);
}
