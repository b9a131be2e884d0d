/* The target's half of the pump; the order of things is in vfio/pump.h. */
#include <string.h>

#include "base/error.h"
#include "vfio/answer.h"
#include "vfio/latch.h"
#include "vfio/load.h"
#include "vfio/pump.h"
#include "vfio/queue.h"
#include "vfio/stream.h"

#define TICK_MS     20
#define PROGRESS_MS 100

typedef struct _Pump Pump;

/* One device.  Its thread owns load; the channel's thread owns the track. */
typedef struct {
    Pump *pump;
    unsigned index;
    FerryLoad load;
    pthread_t thread;
    FerryFrameTrack track;
    FerryQueue free;
    FerryQueue filled;
    uint64_t loaded_bytes; /* under the latch */
} Lane;

typedef struct {
    Pump *pump;
    unsigned index;
    FerryChannel *channel;
    pthread_mutex_t send_lock; /* the devices' threads answer over it */
    pthread_t thread;
} Wire;

struct _Pump {
    FerryPumpOptions options;
    const FerryClock *clock;
    FerryLatch latch;
    Lane *lanes;
    size_t n_lanes;
    Wire *wires;
    size_t n_wires;
    unsigned n_working; /* threads; under the latch */
    bool two_way;
    int64_t start_ms;
    int64_t shown_ms;
};

static int64_t
now_ms(const Pump *pump)
{
    return pump->clock->now_ms(pump->clock);
}

static bool
answer(Wire *wire, const FerryAnswer *what, GError **error)
{
    g_autofree char *text = ferry_answer_format(what);

    if (!wire->pump->two_way)
        return true;
    (void)pthread_mutex_lock(&wire->send_lock);
    bool ok = ferry_stream_send_answer(wire->channel, text, error);
    (void)pthread_mutex_unlock(&wire->send_lock);
    return ok;
}

static void
thread_ends(Pump *pump, GError *error)
{
    if (error != NULL)
        ferry_latch_fail(&pump->latch, error);
    (void)pthread_mutex_lock(&pump->latch.lock);
    pump->n_working--;
    (void)pthread_cond_broadcast(&pump->latch.changed);
    (void)pthread_mutex_unlock(&pump->latch.lock);
}

/* --- the channel's thread --- */

static bool
read_abort(Wire *wire, const FerryFrame *frame, uint64_t offset, GError **error)
{
    g_autofree char *text = g_malloc0(frame->length + 1u);

    if (!ferry_stream_recv_payload(wire->channel, frame, offset, text, frame->length, error))
        return false;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "the source gave up; its device runs on there");
    return false;
}

static bool
check_total(const Lane *lane, GError **error)
{
    if (lane->track.data_bytes <= lane->pump->options.max_state_bytes)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED,
                "the stream has more than %" G_GUINT64_FORMAT
                " bytes of state for %s, the limit: it may never end",
                lane->pump->options.max_state_bytes, lane->load.device->transport->name);
    return false;
}

/* A free chunk of the device; NULL when the pump has failed. */
static FerryChunk *
take_free(Lane *lane)
{
    FerryChunk *chunk = NULL;

    while (!ferry_latch_failed(&lane->pump->latch))
        if (ferry_queue_pop(&lane->free, 100, &chunk) == FERRY_QUEUE_GOT)
            return chunk;
    return NULL;
}

/* Receives one frame and hands it to its device.  @left counts the devices still to end. */
static bool
recv_frame(Wire *wire, unsigned *left, GError **error)
{
    Pump *pump = wire->pump;
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    uint8_t totals[FERRY_FRAME_END_BYTES];
    FerryFrame frame = { 0 };
    uint64_t offset = 0;

    if (!ferry_stream_recv_header(wire->channel, &frame, header, &offset, error))
        return false;
    if (frame.type == FERRY_FRAME_ABORT)
        return read_abort(wire, &frame, offset, error);
    if (frame.device >= pump->n_lanes || frame.device % pump->n_wires != wire->index ||
        frame.type == FERRY_FRAME_COMMIT || frame.type == FERRY_FRAME_ANSWER) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the stream has a frame of type %u for device %u at byte %" G_GUINT64_FORMAT
                    ", which does not belong there",
                    frame.type, frame.device, offset);
        return false;
    }

    Lane *lane = &pump->lanes[frame.device];
    FerryChunk *chunk = take_free(lane);
    if (chunk == NULL)
        return true;
    if (frame.type == FERRY_FRAME_END) /* what has to be in it: all before it */
        ferry_frame_track_end(&lane->track, totals);
    bool ok = ferry_frame_track_receive(&lane->track, &frame, header, offset, error) &&
              check_total(lane, error) &&
              ferry_stream_recv_payload(wire->channel, &frame, offset, chunk->data, chunk->capacity,
                                        error);
    if (ok && frame.type == FERRY_FRAME_END && memcmp(chunk->data, totals, sizeof totals) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the stream is damaged at byte %" G_GUINT64_FORMAT
                    ": the totals or the digest at its end are not those of what came",
                    offset);
        ok = false;
    }
    chunk->frame = frame;
    ferry_queue_push(ok ? &lane->filled : &lane->free, chunk);
    *left -= ok && frame.type == FERRY_FRAME_END;
    return ok;
}

static void *
wire_thread(void *data)
{
    Wire *wire = data;
    Pump *pump = wire->pump;
    g_autoptr(GError) error = NULL;
    unsigned left = 0;

    for (size_t i = wire->index; i < pump->n_lanes; i += pump->n_wires)
        left++;
    while (left > 0 && !ferry_latch_failed(&pump->latch))
        if (!recv_frame(wire, &left, &error))
            break;
    thread_ends(pump, g_steal_pointer(&error));
    return NULL;
}

/* --- the device's thread --- */

static bool
acknowledge(Lane *lane, const FerryChunk *chunk, GError **error)
{
    const FerryTransport *transport = lane->load.device->transport;
    FerryAnswer ack = { .kind = FERRY_ANSWER_ACKED,
                        .device = lane->index,
                        .round = (unsigned)(chunk->data[0] | chunk->data[1] << 8 |
                                            chunk->data[2] << 16) };
    int code = 0;

    /* Loaded means that the device took it, not that it is on the way. */
    if (!transport->ops->stream_settle(transport->data, &code, error))
        return false;
    if (code != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "%s refused its state: %s", transport->name,
                    g_strerror(code));
        return false;
    }
    return answer(&lane->pump->wires[lane->index % lane->pump->n_wires], &ack, error);
}

/* @ret_end: set when the device's last frame was taken */
static bool
load_chunk(Lane *lane, const FerryChunk *chunk, bool *ret_end, GError **error)
{
    Pump *pump = lane->pump;

    switch (chunk->frame.type) {
    case FERRY_FRAME_DATA:
        if (!ferry_load_write(&lane->load, chunk->data, chunk->frame.length, error))
            return false;
        (void)pthread_mutex_lock(&pump->latch.lock);
        lane->loaded_bytes += chunk->frame.length;
        (void)pthread_mutex_unlock(&pump->latch.lock);
        return true;
    case FERRY_FRAME_INITIAL:
        return acknowledge(lane, chunk, error);
    case FERRY_FRAME_END:
        *ret_end = true;
        return true;
    default: /* PING */
        return true;
    }
}

static void *
lane_thread(void *data)
{
    Lane *lane = data;
    Pump *pump = lane->pump;
    g_autoptr(GError) error = NULL;
    FerryChunk *chunk = NULL;
    bool end = false;

    while (!end && error == NULL && !ferry_latch_failed(&pump->latch)) {
        if (ferry_queue_pop(&lane->filled, 100, &chunk) != FERRY_QUEUE_GOT)
            continue;
        (void)load_chunk(lane, chunk, &end, &error);
        ferry_queue_push_first(&lane->free, chunk);
    }
    thread_ends(pump, g_steal_pointer(&error));
    return NULL;
}

/* --- the caller's thread --- */

static void
pump_init(Pump *pump, FerryVfioDevice *const *devices, FerryChannel *const *channels)
{
    unsigned n_chunks = ferry_pump_chunks_each(&pump->options, pump->n_lanes);

    ferry_latch_init(&pump->latch);
    pump->lanes = g_new0(Lane, pump->n_lanes);
    pump->wires = g_new0(Wire, pump->n_wires);
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        Lane *lane = &pump->lanes[i];

        lane->pump = pump;
        lane->index = i;
        lane->load.device = devices[i];
        ferry_frame_track_init(&lane->track);
        ferry_queue_init(&lane->free);
        ferry_queue_init(&lane->filled);
        for (unsigned c = 0; c < n_chunks; c++)
            ferry_queue_push(&lane->free, ferry_chunk_new(i, pump->options.chunk_bytes));
    }
    for (unsigned i = 0; i < pump->n_wires; i++) {
        pump->wires[i] = (Wire){ .pump = pump, .index = i, .channel = channels[i] };
        (void)pthread_mutex_init(&pump->wires[i].send_lock, NULL);
    }
}

static void
pump_clear(Pump *pump)
{
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        ferry_frame_track_clear(&pump->lanes[i].track);
        ferry_queue_clear(&pump->lanes[i].free);
        ferry_queue_clear(&pump->lanes[i].filled);
    }
    for (unsigned i = 0; i < pump->n_wires; i++)
        (void)pthread_mutex_destroy(&pump->wires[i].send_lock);
    ferry_latch_clear(&pump->latch);
    g_free(pump->lanes);
    g_free(pump->wires);
}

/* The first frame of device @index, and what the check says of it. */
static bool
meet(Pump *pump,
     unsigned index,
     FerryPumpCheck check,
     void *check_data,
     GPtrArray *reasons,
     GError **error)
{
    FerryChannel *channel = pump->wires[index % pump->n_wires].channel;
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
                    index, pump->n_lanes);
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
answer_all(Pump *pump, const FerryAnswer *what)
{
    for (unsigned i = 0; i < pump->n_wires; i++)
        (void)answer(&pump->wires[i], what, NULL); /* a source that is gone needs none */
}

/* Tells the source why it is over; whoever called reports the same error here. */
static void
answer_failed(Pump *pump, const GError *error)
{
    char *reasons[] = { error->message, NULL };

    answer_all(pump, &(FerryAnswer){ .kind = FERRY_ANSWER_FAILED, .reasons = reasons });
}

static bool
answer_each(Pump *pump, FerryAnswerKind kind, GError **error)
{
    FerryAnswer what = { .kind = kind };

    for (unsigned i = 0; i < pump->n_wires; i++)
        if (!answer(&pump->wires[i], &what, error))
            return false;
    return true;
}

static bool
meet_all(Pump *pump,
         FerryPumpCheck check,
         void *check_data,
         FerryPumpReport *report,
         GError **error)
{
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < pump->n_lanes; i++)
        if (!meet(pump, i, check, check_data, reasons, error))
            return false;
    if (reasons->len == 0)
        return answer_each(pump, FERRY_ANSWER_ACCEPTED, error);

    g_ptr_array_add(reasons, NULL);
    report->outcome = FERRY_PUMP_REFUSED;
    report->reasons = (char **)g_ptr_array_free(g_steal_pointer(&reasons), FALSE);
    answer_all(pump, &(FerryAnswer){ .kind = FERRY_ANSWER_REFUSED, .reasons = report->reasons });
    return true;
}

static void
show_progress(Pump *pump)
{
    const FerryPumpWatch *watch = &pump->options.watch;
    g_autofree FerryProgress *rows = NULL;

    if (watch->show == NULL || now_ms(pump) - pump->shown_ms < PROGRESS_MS)
        return;
    pump->shown_ms = now_ms(pump);
    rows = g_new0(FerryProgress, pump->n_lanes);
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        (void)pthread_mutex_lock(&pump->latch.lock);
        rows[i].bytes = pump->lanes[i].loaded_bytes;
        (void)pthread_mutex_unlock(&pump->latch.lock);
        rows[i].device = pump->lanes[i].load.device->transport->name;
        rows[i].stage = "loading";
        rows[i].forecast.downtime_ms_low = rows[i].forecast.downtime_ms_high = -1;
        rows[i].forecast.eta_ms_low = rows[i].forecast.eta_ms_high = -1;
    }
    watch->show(watch->data, rows, pump->n_lanes);
}

static void
check_cancelled(Pump *pump)
{
    if (pump->options.cancelled != NULL &&
        __atomic_load_n(pump->options.cancelled, __ATOMIC_RELAXED) != 0)
        ferry_latch_fail(&pump->latch,
                         g_error_new(FERRY_ERROR, FERRY_ERROR_CANCELLED, "cancelled"));
}

/* Waits for all threads; when one fails the source is told, and those that wait are woken. */
static bool
wait_for_threads(Pump *pump)
{
    bool told = false;

    (void)pthread_mutex_lock(&pump->latch.lock);
    while (pump->n_working > 0) {
        ferry_latch_wait_locked(&pump->latch, TICK_MS);
        bool failed = pump->latch.error != NULL;
        (void)pthread_mutex_unlock(&pump->latch.lock);
        if (failed && !told) {
            told = true;
            answer_failed(pump, pump->latch.error); /* set once, so no lock */
            for (unsigned i = 0; i < pump->n_wires; i++)
                pump->wires[i].channel->ops->stop(pump->wires[i].channel->data);
        }
        check_cancelled(pump);
        show_progress(pump);
        (void)pthread_mutex_lock(&pump->latch.lock);
    }
    bool ok = pump->latch.error == NULL;
    (void)pthread_mutex_unlock(&pump->latch.lock);
    if (!ok && !told)
        answer_failed(pump, pump->latch.error);
    return ok;
}

static bool
run_threads(Pump *pump, GError **error)
{
    pump->n_working = (unsigned)(pump->n_lanes + pump->n_wires);
    for (unsigned i = 0; i < pump->n_lanes; i++)
        g_assert(pthread_create(&pump->lanes[i].thread, NULL, lane_thread, &pump->lanes[i]) == 0);
    for (unsigned i = 0; i < pump->n_wires; i++)
        g_assert(pthread_create(&pump->wires[i].thread, NULL, wire_thread, &pump->wires[i]) == 0);
    bool ok = wait_for_threads(pump);
    for (unsigned i = 0; i < pump->n_wires; i++)
        g_assert(pthread_join(pump->wires[i].thread, NULL) == 0);
    for (unsigned i = 0; i < pump->n_lanes; i++)
        g_assert(pthread_join(pump->lanes[i].thread, NULL) == 0);
    if (!ok)
        g_propagate_error(error, g_error_copy(pump->latch.error));
    return ok;
}

/* The source says that its devices are stopped for good; or it is lost, and nobody knows. */
static bool
wait_for_commit(Pump *pump, FerryPumpReport *report, GError **error)
{
    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++) {
        uint8_t header[FERRY_FRAME_HEADER_BYTES];
        FerryFrame frame = { 0 };
        uint64_t offset = 0;
        g_autoptr(GError) local = NULL;

        if (!ferry_stream_recv_header(pump->wires[i].channel, &frame, header, &offset, &local)) {
            const char *reasons[] = { local->message, NULL };

            report->outcome = FERRY_PUMP_IN_DOUBT;
            report->reasons = g_strdupv((char **)reasons);
            return true;
        }
        if (frame.type != FERRY_FRAME_COMMIT)
            return read_abort(&pump->wires[i], &frame, offset, error);
    }
    return true;
}

static bool
finish(Pump *pump, FerryPumpReport *report, GError **error)
{
    g_autofree FerryLoad **loads = g_new0(FerryLoad *, pump->n_lanes);

    for (unsigned i = 0; i < pump->n_lanes; i++) {
        loads[i] = &pump->lanes[i].load;
        if (!ferry_load_finish(loads[i], error)) {
            answer_failed(pump, *error);
            return false;
        }
    }
    if (!answer_each(pump, FERRY_ANSWER_LOADED, error) || !wait_for_commit(pump, report, error))
        return false;
    if (report->outcome != FERRY_PUMP_DONE)
        return true;
    if (!pump->options.stay_stopped && !ferry_load_run_all(loads, pump->n_lanes, error)) {
        answer_failed(pump, *error);
        return false;
    }
    answer_all(pump, &(FerryAnswer){ .kind = FERRY_ANSWER_RUNNING });
    return true;
}

static void
give_up(Pump *pump, GError **error)
{
    for (unsigned i = 0; i < pump->n_lanes; i++) {
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
transfer(Pump *pump, FerryPumpReport *report, GError **error)
{
    for (unsigned i = 0; i < pump->n_lanes; i++)
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
    Pump pump = { .options = ferry_pump_defaults(options, n_devices),
                  .clock = ferry_clock_system(),
                  .n_lanes = n_devices,
                  .n_wires = MIN(n_channels, n_devices),
                  .two_way = channels[0]->kind == FERRY_CHANNEL_TWO_WAY };
    g_auto(FerryPumpReport) report = { .n_devices = n_devices };
    g_autoptr(GError) local = NULL;
    bool ok = false;
    bool met = false;

    g_assert(n_devices > 0 && n_devices <= FERRY_FRAME_MAX_DEVICES && n_channels > 0);
    report.devices = g_new0(FerryPumpDevice, n_devices);
    report.memory_bytes = (uint64_t)ferry_pump_chunks_each(&pump.options, n_devices) * n_devices *
                          pump.options.chunk_bytes;
    pump_init(&pump, devices, channels);
    pump.start_ms = now_ms(&pump);
    met = meet_all(&pump, check, check_data, &report, &local);
    ok = met && (report.outcome != FERRY_PUMP_DONE || transfer(&pump, &report, &local));
    report.total_ms = now_ms(&pump) - pump.start_ms;
    for (unsigned i = 0; i < n_devices; i++) {
        report.devices[i].stop_bytes = pump.lanes[i].load.bytes;
        report.devices[i].n_frames = pump.lanes[i].track.n_frames;
    }
    if (!ok && met)
        give_up(&pump, &local);
    if (!ok && !met)
        answer_failed(&pump, local);
    for (unsigned i = 0; i < pump.n_wires && !ok; i++)
        channels[i]->ops->stop(channels[i]->data);
    pump_clear(&pump);
    if (!ok) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    *ret = report;
    report = (FerryPumpReport){ 0 };
    return true;
}
