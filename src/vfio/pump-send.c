/* The source's half of the pump; the order of things is in vfio/pump.h. */
#include "base/error.h"
#include "vfio/source.h"
#include "vfio/uapi.h"

#define TICK_MS 5

static void
pump_init(Source *pump, FerryVfioDevice *const *devices, FerryChannel *const *channels)
{
    pump->lanes = g_new0(SourceLane, pump->crew.n_lanes);
    pump->wires = g_new0(SourceWire, pump->crew.n_wires);
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        SourceLane *lane = &pump->lanes[i];

        lane->pump = pump;
        lane->index = i;
        lane->save.device = devices[i];
        ferry_frame_track_init(&lane->track);
        ferry_queue_init(&lane->free);
        pump_crew_fill(&pump->crew, i, &lane->free);
    }
    for (unsigned i = 0; i < pump->crew.n_wires; i++) {
        pump->wires[i].pump = pump;
        pump->wires[i].channel = channels[i];
        ferry_queue_init(&pump->wires[i].queue);
    }
}

static void
pump_clear(Source *pump)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        ferry_frame_track_clear(&pump->lanes[i].track);
        ferry_queue_clear(&pump->lanes[i].free);
    }
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        ferry_queue_clear(&pump->wires[i].queue);
    pump_crew_clear(&pump->crew);
    g_free(pump->lanes);
    g_free(pump->wires);
}

static void
fill_row(const void *half, unsigned index, FerryProgress *row)
{
    const Source *pump = half;
    const SourceLane *lane = &pump->lanes[index];

    *row = (FerryProgress){ .device = lane->save.device->transport->name,
                            .stage = pump->stopping ? "stop-copy" : "pre-copy",
                            .bytes = lane->moved_bytes,
                            .forecast = ferry_estimate_forecast(&lane->estimate) };
}

/* What the caller does again and again: false when it is over. */
static bool
look_around(Source *pump, GError **error)
{
    if (!pump_crew_check_cancelled(&pump->crew, error) || !source_take_answers(pump, error))
        return false;
    pump_crew_show(&pump->crew, fill_row, pump);
    return true;
}

/* One device: does it want to be stopped now? */
static FerrySwitch
judge_one(Source *pump, SourceLane *lane)
{
    const FerryLimits limits = { .max_downtime_ms = pump->crew.options.max_downtime_ms,
                                 .precopy_ms = pump->crew.options.precopy_ms };
    int64_t now_ms = pump_crew_now_ms(&pump->crew);

    (void)pthread_mutex_lock(&pump->crew.latch.lock);
    FerrySample sample = lane->sample;
    sample.moved_bytes = lane->moved_bytes;
    int loaded = lane->initial_done && (!pump->crew.two_way || lane->acked_round == lane->round);
    (void)pthread_mutex_unlock(&pump->crew.latch.lock);
    sample.now_ms = now_ms;
    ferry_estimate_add(&lane->estimate, &sample);
    if ((lane->save.device->flags & FERRY_MIG_PRE_COPY) == 0)
        return FERRY_SWITCH_BEST; /* all comes after the stop */

    FerryForecast forecast = ferry_estimate_forecast(&lane->estimate);
    return ferry_estimate_decide(&forecast, &limits, now_ms - pump->crew.start_ms, loaded);
}

/* Each device is judged for itself; the stop is for all, so it waits for the last that may still
 * get better.  The worst reason is the one that counts. */
static FerrySwitch
judge(Source *pump)
{
    FerrySwitch all = FERRY_SWITCH_NOW;

    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        FerrySwitch one = judge_one(pump, &pump->lanes[i]);

        if (one == FERRY_SWITCH_WAIT)
            all = FERRY_SWITCH_WAIT;
        else if (all != FERRY_SWITCH_WAIT)
            all = MAX(all, one);
    }
    return all;
}

static void
start_lanes(Source *pump)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        pump_crew_start(&pump->crew, &pump->lanes[i].thread, source_lane_thread, &pump->lanes[i]);
}

static void
join_lanes(Source *pump)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        pump_crew_join(pump->lanes[i].thread);
}

/* The stop is due: may it be as long as it will be? */
static bool
too_long(const Source *pump, FerrySwitch why)
{
    for (unsigned i = 0; i < pump->crew.n_lanes && pump->crew.options.strict_downtime; i++) {
        FerryForecast forecast = ferry_estimate_forecast(&pump->lanes[i].estimate);

        if (why != FERRY_SWITCH_NOW &&
            forecast.downtime_ms_high > pump->crew.options.max_downtime_ms)
            return true;
    }
    return false;
}

static bool
run_precopy(Source *pump, FerryPumpReport *report, GError **error)
{
    FerrySwitch why = FERRY_SWITCH_WAIT;
    bool ok = true;

    start_lanes(pump);
    while (ok && why == FERRY_SWITCH_WAIT && !ferry_latch_failed(&pump->crew.latch)) {
        (void)pump_crew_wait(&pump->crew, TICK_MS);
        ok = look_around(pump, error);
        why = ok ? judge(pump) : why;
    }
    (void)pthread_mutex_lock(&pump->crew.latch.lock);
    pump->stopping = true;
    (void)pthread_cond_broadcast(&pump->crew.latch.changed);
    (void)pthread_mutex_unlock(&pump->crew.latch.lock);
    join_lanes(pump);
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        report->devices[i].why = why;
        report->devices[i].forecast = ferry_estimate_forecast(&pump->lanes[i].estimate);
    }
    if (too_long(pump, why))
        report->outcome = FERRY_PUMP_NOT_CONVERGED;
    return ok && !ferry_latch_failed(&pump->crew.latch);
}

static bool
run_stop(Source *pump, GError **error)
{
    g_autofree FerrySave **saves = g_new0(FerrySave *, pump->crew.n_lanes);
    g_autoptr(GError) local = NULL;

    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        saves[i] = &pump->lanes[i].save;
    if (!ferry_save_stop_all(saves, pump->crew.n_lanes, error))
        return false;
    start_lanes(pump);
    while (pump_crew_wait(&pump->crew, TICK_MS) > 0)
        if (!look_around(pump, &local)) {
            ferry_latch_fail(&pump->crew.latch, g_steal_pointer(&local));
            break;
        }
    join_lanes(pump);
    return !ferry_latch_failed(&pump->crew.latch);
}

static void
start_wires(Source *pump)
{
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        g_assert(
            pthread_create(&pump->wires[i].thread, NULL, source_wire_thread, &pump->wires[i]) == 0);
}

static void
end_wires(Source *pump)
{
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        ferry_queue_close(&pump->wires[i].queue);
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        pump_crew_join(pump->wires[i].thread);
}

/* Everything was sent: the other side loads, this one stops for good, the other side runs. */
static bool
hand_over(Source *pump, FerryPumpReport *report, int64_t stop_us, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!source_expect(pump, FERRY_VFIO_ANSWER_LOADED, error))
        return false;
    report->downtime_us = g_get_monotonic_time() - stop_us;
    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        if (!ferry_save_finish(&pump->lanes[i].save, error))
            return false;
    if (!source_tell(pump, FERRY_FRAME_COMMIT, &local) ||
        !source_expect(pump, FERRY_VFIO_ANSWER_RUNNING, &local))
        pump_report_doubt(report, local);
    return true;
}

/* The devices run again, the receivers are told; what they said before goes first. */
static void
give_up(Source *pump, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        g_autoptr(GError) local = NULL;
        FerrySave *save = &pump->lanes[i].save;

        if (save->open && !ferry_save_abort(save, &local) && error != NULL)
            g_prefix_error(error, "%s may not run: %s; first: ", save->device->transport->name,
                           local->message);
    }
    (void)source_tell(pump, FERRY_FRAME_ABORT, NULL); /* or the receiver times out */
}

static bool
begin(Source *pump, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        SourceLane *lane = &pump->lanes[i];
        FerrySize size = { 0 };

        if (!ferry_save_begin(&lane->save, lane->save.device, error) ||
            !ferry_vfio_device_data_size(lane->save.device, &size, error))
            return false;
        lane->sample.stop = size;
        lane->last_push_ms = pump_crew_now_ms(&pump->crew);
    }
    return true;
}

static bool
transfer(Source *pump, FerryPumpReport *report, GError **error)
{
    int64_t stop_us = 0;
    bool ok = begin(pump, error);

    if (!ok)
        return false;
    pump->crew.start_ms = pump->free_ms = pump_crew_now_ms(&pump->crew);
    start_wires(pump);
    ok = run_precopy(pump, report, error);
    stop_us = g_get_monotonic_time(); /* a stop may be shorter than a tick of the clock */
    if (ok && report->outcome == FERRY_PUMP_DONE)
        ok = run_stop(pump, error);
    if (!ok) /* so that the channels drop what they have; kept only if nothing failed before */
        ferry_latch_fail(&pump->crew.latch,
                         g_error_new(FERRY_ERROR, FERRY_ERROR_CANCELLED, "ended"));
    end_wires(pump);
    if (ok && !ferry_latch_failed(&pump->crew.latch))
        return report->outcome != FERRY_PUMP_DONE || hand_over(pump, report, stop_us, error);
    if (*error == NULL)
        g_propagate_error(error, g_error_copy(pump->crew.latch.error));
    return false;
}

bool
ferry_pump_send(FerryVfioDevice *const *devices,
                const char *const *metas,
                size_t n_devices,
                FerryChannel *const *channels,
                size_t n_channels,
                const FerryPumpOptions *options,
                FerryPumpReport *ret,
                GError **error)
{
    Source pump = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(GError) local = NULL;

    pump_crew_init(&pump.crew, options, n_devices, channels, n_channels, &report);
    pump_init(&pump, devices, channels);
    bool ok = source_introduce(&pump, metas, &local) && source_ask_leave(&pump, &report, &local) &&
              (report.outcome != FERRY_PUMP_DONE || transfer(&pump, &report, &local));
    report.total_ms = pump_crew_now_ms(&pump.crew) - pump.crew.start_ms;
    for (unsigned i = 0; i < n_devices; i++) {
        report.devices[i].precopy_bytes = pump.lanes[i].save.precopy_bytes;
        report.devices[i].stop_bytes = pump.lanes[i].save.stop_bytes;
        report.devices[i].n_frames = pump.lanes[i].track.n_frames;
    }
    if (!ok)
        source_prefer_their_words(&pump, &local);
    if (!ok || report.outcome == FERRY_PUMP_NOT_CONVERGED)
        give_up(&pump, ok ? NULL : &local);
    pump_clear(&pump);
    if (!ok) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    *ret = report;
    report = (FerryPumpReport){ 0 };
    return true;
}
