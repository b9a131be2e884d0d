/* The target's half of the pump; the order of things is in vfio/pump.h. */
#include <string.h>

#include "base/error.h"
#include "vfio/stream.h"
#include "vfio/target.h"

#define TICK_MS 20

static void
pump_init(Target *pump, FerryVfioDevice *const *devices, FerryChannel *const *channels)
{
    pump->lanes = g_new0(TargetLane, pump->crew.n_lanes);
    pump->wires = g_new0(TargetWire, pump->crew.n_wires);
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        TargetLane *lane = &pump->lanes[i];

        lane->pump = pump;
        lane->index = i;
        lane->load.device = devices[i];
        ferry_frame_track_init(&lane->track);
        ferry_queue_init(&lane->free);
        ferry_queue_init(&lane->filled);
        pump_crew_fill(&pump->crew, i, &lane->free);
    }
    for (unsigned i = 0; i < pump->crew.n_wires; i++) {
        pump->wires[i] = (TargetWire){ .pump = pump, .index = i, .channel = channels[i] };
        (void)pthread_mutex_init(&pump->wires[i].send_lock, NULL);
    }
}

static void
pump_clear(Target *pump)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        ferry_frame_track_clear(&pump->lanes[i].track);
        ferry_queue_clear(&pump->lanes[i].free);
        ferry_queue_clear(&pump->lanes[i].filled);
    }
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        (void)pthread_mutex_destroy(&pump->wires[i].send_lock);
    pump_crew_clear(&pump->crew);
    g_free(pump->lanes);
    g_free(pump->wires);
}

/* The first frame of device @index, and what the check says of it. */
static bool
meet(Target *pump,
     unsigned index,
     FerryPumpCheck check,
     void *check_data,
     GPtrArray *reasons,
     GError **error)
{
    FerryChannel *channel = pump->wires[index % pump->crew.n_wires].channel;
    g_autofree char *text = g_malloc(FERRY_FRAME_MAX_TEXT + 1);
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    FerryFrame frame = { 0 };
    uint64_t offset = 0;

    if (!ferry_stream_recv_header(channel, &frame, header, &offset, error) ||
        !ferry_frame_track_receive(&pump->lanes[index].track, &frame, header, offset, error) ||
        !ferry_stream_recv_payload(channel, &frame, offset, text, FERRY_FRAME_MAX_TEXT, error))
        return false;
    if (frame.device != index) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the stream describes device %u where device %u of %zu is due", frame.device,
                    index, pump->crew.n_lanes);
        return false;
    }
    text[frame.length] = '\0';
    if (memchr(text, '\0', frame.length) != NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the description at byte %" G_GUINT64_FORMAT " has a 0 byte within", offset);
        return false;
    }
    return check(check_data, index, text, reasons, error);
}

static void
answer_all(Target *pump, const FerryVfioAnswer *what)
{
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        (void)target_answer(&pump->wires[i], what, NULL); /* a source that is gone needs none */
}

/* Tells the source why it is over; whoever called reports the same error here. */
static void
answer_failed(Target *pump, const GError *error)
{
    char *reasons[] = { error->message, NULL };

    answer_all(pump, &(FerryVfioAnswer){ .kind = FERRY_VFIO_ANSWER_FAILED, .reasons = reasons });
}

static bool
answer_each(Target *pump, FerryVfioAnswerKind kind, GError **error)
{
    FerryVfioAnswer what = { .kind = kind };

    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        if (!target_answer(&pump->wires[i], &what, error))
            return false;
    return true;
}

static bool
meet_all(Target *pump,
         FerryPumpCheck check,
         void *check_data,
         FerryPumpReport *report,
         GError **error)
{
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        if (!meet(pump, i, check, check_data, reasons, error))
            return false;
    if (reasons->len == 0)
        return answer_each(pump, FERRY_VFIO_ANSWER_ACCEPTED, error);

    g_ptr_array_add(reasons, NULL);
    report->outcome = FERRY_PUMP_REFUSED;
    report->reasons = (char **)g_ptr_array_free(g_steal_pointer(&reasons), FALSE);
    answer_all(pump,
               &(FerryVfioAnswer){ .kind = FERRY_VFIO_ANSWER_REFUSED, .reasons = report->reasons });
    return true;
}

static void
fill_row(const void *half, unsigned index, FerryProgress *row)
{
    const TargetLane *lane = &((const Target *)half)->lanes[index];

    *row = (FerryProgress){ .device = lane->load.device->transport->name,
                            .stage = "loading",
                            .bytes = lane->loaded_bytes,
                            .forecast = { .downtime_ms_low = -1,
                                          .downtime_ms_high = -1,
                                          .eta_ms_low = -1,
                                          .eta_ms_high = -1 } };
}

static void
stop_channels(Target *pump)
{
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        pump->wires[i].channel->ops->stop(pump->wires[i].channel->data);
}

/* Whoever waits for a chunk has nothing more to wait for. */
static void
wake_lanes(Target *pump)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        ferry_queue_close(&pump->lanes[i].free);
        ferry_queue_close(&pump->lanes[i].filled);
    }
}

/* Waits for all threads; when one fails the source is told, and those that wait are woken. */
static bool
wait_for_threads(Target *pump)
{
    bool told = false;

    while (pump_crew_wait(&pump->crew, TICK_MS) > 0) {
        g_autoptr(GError) local = NULL;

        if (!pump_crew_check_cancelled(&pump->crew, &local))
            ferry_latch_fail(&pump->crew.latch, g_steal_pointer(&local));
        if (ferry_latch_failed(&pump->crew.latch) && !told) {
            told = true;
            answer_failed(pump, pump->crew.latch.error); /* set once, so no lock */
            stop_channels(pump);
            wake_lanes(pump);
        }
        pump_crew_show(&pump->crew, fill_row, pump);
    }
    if (pump->crew.latch.error != NULL && !told)
        answer_failed(pump, pump->crew.latch.error);
    return pump->crew.latch.error == NULL;
}

static bool
run_threads(Target *pump, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        pump_crew_start(&pump->crew, &pump->lanes[i].thread, target_lane_thread, &pump->lanes[i]);
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        pump_crew_start(&pump->crew, &pump->wires[i].thread, target_wire_thread, &pump->wires[i]);
    bool ok = wait_for_threads(pump);
    for (unsigned i = 0; i < pump->crew.n_wires; i++)
        pump_crew_join(pump->wires[i].thread);
    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        pump_crew_join(pump->lanes[i].thread);
    if (!ok)
        g_propagate_error(error, g_error_copy(pump->crew.latch.error));
    return ok;
}

/* The source says that its devices are stopped for good; or it is lost, and nobody knows. */
static bool
wait_for_commit(Target *pump, FerryPumpReport *report, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_wires && pump->crew.two_way; i++) {
        uint8_t header[FERRY_FRAME_HEADER_BYTES];
        FerryFrame frame = { 0 };
        uint64_t offset = 0;
        g_autoptr(GError) local = NULL;

        if (!ferry_stream_recv_header(pump->wires[i].channel, &frame, header, &offset, &local)) {
            pump_report_doubt(report, local);
            return true;
        }
        if (frame.type != FERRY_FRAME_COMMIT)
            return target_read_abort(&pump->wires[i], &frame, offset, error);
    }
    return true;
}

static bool
finish(Target *pump, FerryPumpReport *report, GError **error)
{
    g_autofree FerryLoad **loads = g_new0(FerryLoad *, pump->crew.n_lanes);

    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        loads[i] = &pump->lanes[i].load;
        if (!ferry_load_finish(loads[i], error)) {
            answer_failed(pump, *error);
            return false;
        }
    }
    if (!answer_each(pump, FERRY_VFIO_ANSWER_LOADED, error) ||
        !wait_for_commit(pump, report, error))
        return false;
    if (report->outcome != FERRY_PUMP_DONE)
        return true;
    if (!pump->crew.options.stay_stopped && !ferry_load_run_all(loads, pump->crew.n_lanes, error)) {
        answer_failed(pump, *error);
        return false;
    }
    answer_all(pump, &(FerryVfioAnswer){ .kind = FERRY_VFIO_ANSWER_RUNNING });
    return true;
}

static void
give_up(Target *pump, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        FerryLoad *load = &pump->lanes[i].load;
        g_autoptr(GError) local = NULL;

        if (load->device->state == FERRY_MIG_STATE_RUNNING)
            continue;
        if (!ferry_load_abort(load, &local))
            g_prefix_error(error, "%s may not run: %s; first: ", load->device->transport->name,
                           local->message);
    }
}

static bool
transfer(Target *pump, FerryPumpReport *report, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++)
        if (!ferry_load_begin(&pump->lanes[i].load, pump->lanes[i].load.device, error)) {
            answer_failed(pump, *error);
            return false;
        }
    return run_threads(pump, error) && finish(pump, report, error);
}

bool
ferry_pump_receive(FerryVfioDevice *const *devices,
                   size_t n_devices,
                   FerryChannel *const *channels,
                   size_t n_channels,
                   FerryPumpCheck check,
                   void *check_data,
                   const FerryPumpOptions *options,
                   FerryPumpReport *ret,
                   GError **error)
{
    Target pump = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(GError) local = NULL;

    pump_crew_init(&pump.crew, options, n_devices, channels, n_channels, &report);
    pump_init(&pump, devices, channels);
    bool met = meet_all(&pump, check, check_data, &report, &local);
    bool ok = met && (report.outcome != FERRY_PUMP_DONE || transfer(&pump, &report, &local));
    report.total_ms = pump_crew_now_ms(&pump.crew) - pump.crew.start_ms;
    for (unsigned i = 0; i < n_devices; i++) {
        report.devices[i].stop_bytes = pump.lanes[i].load.bytes;
        report.devices[i].n_frames = pump.lanes[i].track.n_frames;
    }
    if (!ok && met)
        give_up(&pump, &local);
    if (!ok && !met)
        answer_failed(&pump, local);
    if (!ok)
        stop_channels(&pump);
    pump_clear(&pump);
    if (!ok) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    *ret = report;
    report = (FerryPumpReport){ 0 };
    return true;
}
