/* The source's half of the pump; the order of things is in vfio/pump.h. */
#include <string.h>

#include "base/error.h"
#include "vfio/answer.h"
#include "vfio/latch.h"
#include "vfio/pump.h"
#include "vfio/queue.h"
#include "vfio/stream.h"
#include "vfio/uapi.h"

#define TICK_MS     5
#define IDLE_MS     5
#define PROGRESS_MS 100
#define PING_MS     1000

typedef struct _Pump Pump;

/* One device.  Its thread owns save and the fields up to `thread`; the channel's thread owns the
 * track; what both and the caller need is under the latch. */
typedef struct {
    Pump *pump;
    unsigned index;
    FerrySave save;
    unsigned marked_round;
    int64_t last_push_ms;
    uint64_t pauses;
    pthread_t thread;
    FerryFrameTrack track;
    FerryQueue free;
    /* under the latch */
    FerrySample sample;
    uint64_t moved_bytes;
    int initial_done;
    unsigned round;
    /* the caller's own */
    FerryEstimate estimate;
    unsigned acked_round;
} Lane;

typedef struct {
    Pump *pump;
    FerryChannel *channel;
    FerryQueue queue;
    pthread_t thread;
    bool failed; /* its thread's own until that ends */
    bool loaded; /* the caller's own: the answer came while other channels were at work */
} Wire;

struct _Pump {
    FerryPumpOptions options;
    const FerryClock *clock;
    FerryLatch latch;
    Lane *lanes;
    size_t n_lanes;
    Wire *wires;
    size_t n_wires;
    unsigned n_reading; /* lanes at work; under the latch */
    bool stopping;      /* pre-copy is to end; under the latch */
    bool two_way;
    int64_t start_ms;
    int64_t shown_ms;
    uint64_t budget_sent; /* for the bandwidth limit; under the latch */
};

static int64_t
now_ms(const Pump *pump)
{
    return pump->clock->now_ms(pump->clock);
}

static bool
is_stopping(Pump *pump)
{
    (void)pthread_mutex_lock(&pump->latch.lock);
    bool stopping = pump->stopping || pump->latch.error != NULL;
    (void)pthread_mutex_unlock(&pump->latch.lock);
    return stopping;
}

/* --- the device's thread --- */

static void
publish(Lane *lane)
{
    const FerrySave *save = &lane->save;
    FerrySample sample = { .now_ms = now_ms(lane->pump),
                           .read_bytes = save->precopy_bytes + save->stop_bytes,
                           .pauses = lane->pauses,
                           .pending = { .bytes = save->initial.bytes + save->dirty.bytes,
                                        .known = save->initial.known } };
    FerryLatch *latch = &lane->pump->latch;

    (void)pthread_mutex_lock(&latch->lock);
    sample.stop = lane->sample.stop;
    lane->sample = sample;
    lane->initial_done = save->initial_done;
    lane->round = save->initial_round;
    (void)pthread_mutex_unlock(&latch->lock);
}

/* A free chunk, or NULL when the pump ends (or pre-copy, if that is what @while_running says). */
static FerryChunk *
take_free(Lane *lane)
{
    FerryChunk *chunk = NULL;

    for (;;) {
        FerryQueueAnswer answer = ferry_queue_pop(&lane->free, 100, &chunk);

        if (answer == FERRY_QUEUE_GOT)
            return chunk;
        if (answer == FERRY_QUEUE_CLOSED || ferry_latch_failed(&lane->pump->latch))
            return NULL;
    }
}

static void
push(Lane *lane, FerryChunk *chunk, FerryFrameType type, size_t length)
{
    Pump *pump = lane->pump;

    chunk->frame =
        (FerryFrame){ .type = type, .device = (uint16_t)lane->index, .length = (uint32_t)length };
    lane->last_push_ms = now_ms(pump);
    ferry_queue_push(&pump->wires[lane->index % pump->n_wires].queue, chunk);
}

static bool
check_limit(const Lane *lane, GError **error)
{
    uint64_t read = lane->save.precopy_bytes + lane->save.stop_bytes;

    if (read <= lane->pump->options.max_state_bytes)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED,
                "%s gave more than %" G_GUINT64_FORMAT
                " bytes of state, the limit: it may never end",
                lane->save.device->transport->name, lane->pump->options.max_state_bytes);
    return false;
}

/* Reads once into a free chunk.  @ret is FERRY_SAVE_END too when there is no chunk any more. */
static bool
read_once(Lane *lane, FerrySaveRead *ret, size_t *ret_n, GError **error)
{
    FerryChunk *chunk = take_free(lane);
    size_t n = 0;

    *ret = FERRY_SAVE_END;
    if (chunk == NULL)
        return true;
    if (!ferry_save_read(&lane->save, chunk->data, chunk->capacity, ret, &n, error) ||
        !check_limit(lane, error)) {
        ferry_queue_push_first(&lane->free, chunk);
        return false;
    }
    if (*ret == FERRY_SAVE_DATA)
        push(lane, chunk, FERRY_FRAME_DATA, n);
    else
        ferry_queue_push_first(&lane->free, chunk);
    *ret_n = n;
    return true;
}

/* A frame without data of the device: INITIAL with its round, PING, END. */
static void
push_mark(Lane *lane, FerryFrameType type, uint32_t value)
{
    FerryChunk *chunk = take_free(lane);
    uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24) };

    if (chunk == NULL)
        return;
    memcpy(chunk->data, bytes, sizeof bytes);
    push(lane, chunk, type, type == FERRY_FRAME_INITIAL ? sizeof bytes : 0);
}

/* One visit to the running device: within its budget, then a look at the figures. */
static bool
visit(Lane *lane, FerrySaveRead *ret, GError **error)
{
    const FerryBudget *budget = &lane->pump->options.visit;
    int64_t end_ms = now_ms(lane->pump) + budget->ms;
    uint64_t bytes = 0;

    *ret = FERRY_SAVE_DATA;
    while (*ret == FERRY_SAVE_DATA && bytes < budget->bytes && now_ms(lane->pump) < end_ms &&
           !is_stopping(lane->pump)) {
        size_t n = 0;

        if (!read_once(lane, ret, &n, error))
            return false;
        bytes += n;
    }
    lane->pauses += *ret == FERRY_SAVE_NOTHING_NOW;
    if (!ferry_save_poll(&lane->save, error))
        return false;
    if (lane->save.initial_done && lane->marked_round != lane->save.initial_round) {
        lane->marked_round = lane->save.initial_round;
        push_mark(lane, FERRY_FRAME_INITIAL, lane->marked_round);
    }
    if (lane->pump->two_way && now_ms(lane->pump) - lane->last_push_ms >= PING_MS)
        push_mark(lane, FERRY_FRAME_PING, 0);
    publish(lane);
    return true;
}

static bool
read_running(Lane *lane, GError **error)
{
    while (!is_stopping(lane->pump)) {
        FerrySaveRead got = FERRY_SAVE_DATA;

        if (!visit(lane, &got, error))
            return false;
        if (got == FERRY_SAVE_DATA)
            continue;
        (void)pthread_mutex_lock(&lane->pump->latch.lock);
        if (!lane->pump->stopping && lane->pump->latch.error == NULL)
            ferry_latch_wait_locked(&lane->pump->latch, IDLE_MS);
        (void)pthread_mutex_unlock(&lane->pump->latch.lock);
    }
    return true;
}

static bool
read_stopped(Lane *lane, GError **error)
{
    FerrySaveRead got = FERRY_SAVE_DATA;
    size_t n = 0;

    while (got == FERRY_SAVE_DATA)
        if (!read_once(lane, &got, &n, error))
            return false;
    if (lane->save.saw_end)
        push_mark(lane, FERRY_FRAME_END, 0);
    publish(lane);
    return true;
}

static void *
lane_thread(void *data)
{
    Lane *lane = data;
    Pump *pump = lane->pump;
    g_autoptr(GError) error = NULL;
    bool ok = lane->save.device->state == FERRY_MIG_STATE_STOP_COPY ? read_stopped(lane, &error)
                                                                    : read_running(lane, &error);

    if (!ok)
        ferry_latch_fail(&pump->latch, g_steal_pointer(&error));
    (void)pthread_mutex_lock(&pump->latch.lock);
    pump->n_reading--;
    (void)pthread_cond_broadcast(&pump->latch.changed);
    (void)pthread_mutex_unlock(&pump->latch.lock);
    return NULL;
}

/* --- the channel's thread --- */

/* Holds the sender back so that no more than the limit leaves; wakes when the pump fails. */
static void
keep_to_bandwidth(Pump *pump, size_t n)
{
    uint64_t limit = pump->options.bandwidth_bps;

    if (limit == 0)
        return;
    (void)pthread_mutex_lock(&pump->latch.lock);
    pump->budget_sent += n;
    int64_t due_ms = pump->start_ms + (int64_t)((double)pump->budget_sent * 1000.0 / (double)limit);
    while (pump->latch.error == NULL && now_ms(pump) < due_ms)
        ferry_latch_wait_locked(&pump->latch, (int)MIN(due_ms - now_ms(pump), 100));
    (void)pthread_mutex_unlock(&pump->latch.lock);
}

static bool
send_chunk(Wire *wire, FerryChunk *chunk, GError **error)
{
    Lane *lane = &wire->pump->lanes[chunk->lane];
    Pump *pump = wire->pump;

    if (chunk->frame.type == FERRY_FRAME_END) {
        ferry_frame_track_end(&lane->track, chunk->data);
        chunk->frame.length = FERRY_FRAME_END_BYTES;
    }
    keep_to_bandwidth(pump, chunk->frame.length);
    if (!ferry_stream_send(wire->channel, &lane->track, &chunk->frame, chunk->data, error))
        return false;
    (void)pthread_mutex_lock(&pump->latch.lock);
    lane->moved_bytes += chunk->frame.length;
    (void)pthread_mutex_unlock(&pump->latch.lock);
    return true;
}

static void *
wire_thread(void *data)
{
    Wire *wire = data;
    FerryLatch *latch = &wire->pump->latch;
    FerryChunk *chunk = NULL;
    FerryQueueAnswer answer = FERRY_QUEUE_TIMEOUT;

    while ((answer = ferry_queue_pop(&wire->queue, 1000, &chunk)) != FERRY_QUEUE_CLOSED) {
        g_autoptr(GError) error = NULL;

        if (answer == FERRY_QUEUE_TIMEOUT)
            continue; /* whoever ends the pump closes the queue */
        if (!ferry_latch_failed(latch) && !send_chunk(wire, chunk, &error)) {
            wire->failed = true;
            ferry_latch_fail(latch, g_steal_pointer(&error));
        }
        ferry_queue_push_first(&wire->pump->lanes[chunk->lane].free, chunk);
    }
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
        lane->save.device = devices[i];
        ferry_frame_track_init(&lane->track);
        ferry_queue_init(&lane->free);
        for (unsigned c = 0; c < n_chunks; c++)
            ferry_queue_push(&lane->free, ferry_chunk_new(i, pump->options.chunk_bytes));
    }
    for (unsigned i = 0; i < pump->n_wires; i++) {
        pump->wires[i].pump = pump;
        pump->wires[i].channel = channels[i];
        ferry_queue_init(&pump->wires[i].queue);
    }
}

static void
pump_clear(Pump *pump)
{
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        ferry_frame_track_clear(&pump->lanes[i].track);
        ferry_queue_clear(&pump->lanes[i].free);
    }
    for (unsigned i = 0; i < pump->n_wires; i++)
        ferry_queue_clear(&pump->wires[i].queue);
    ferry_latch_clear(&pump->latch);
    g_free(pump->lanes);
    g_free(pump->wires);
}

static bool
recv_answer(FerryChannel *channel, FerryAnswer *ret, GError **error)
{
    g_autofree char *text = NULL;

    return ferry_stream_recv_answer(channel, &text, error) && ferry_answer_parse(text, ret, error);
}

/* An answer that must be of @kind; a "failed" is the other side's error in its own words. */
static bool
expect_answer(FerryChannel *channel, FerryAnswerKind kind, GError **error)
{
    g_auto(FerryAnswer) answer = { 0 };

    if (!recv_answer(channel, &answer, error))
        return false;
    if (answer.kind == FERRY_ANSWER_ACKED && kind != FERRY_ANSWER_ACKED)
        return expect_answer(channel, kind, error); /* at most one a device and round */
    if (answer.kind == kind)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the receiver gave up: %s",
                answer.kind == FERRY_ANSWER_FAILED ? answer.reasons[0] : "it is out of step");
    return false;
}

static bool
introduce(Pump *pump, const char *const *metas, GError **error)
{
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        FerryFrame frame = { .type = FERRY_FRAME_META,
                             .device = (uint16_t)i,
                             .length = (uint32_t)strlen(metas[i]) };

        if (!ferry_stream_send(pump->wires[i % pump->n_wires].channel, &pump->lanes[i].track,
                               &frame, metas[i], error))
            return false;
    }
    return true;
}

/* Whether every channel's other end accepts; a refusal's reasons go to the report. */
static bool
ask_leave(Pump *pump, FerryPumpReport *report, GError **error)
{
    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++) {
        g_auto(FerryAnswer) answer = { 0 };

        if (!recv_answer(pump->wires[i].channel, &answer, error))
            return false;
        if (answer.kind == FERRY_ANSWER_REFUSED) {
            report->outcome = FERRY_PUMP_REFUSED;
            g_strfreev(report->reasons);
            report->reasons = g_steal_pointer(&answer.reasons);
        } else if (answer.kind != FERRY_ANSWER_ACCEPTED) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the receiver gave up: %s",
                        answer.reasons[0] != NULL ? answer.reasons[0] : "it is out of step");
            return false;
        }
    }
    return true;
}

static bool
take_answers(Pump *pump, GError **error)
{
    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++) {
        FerryChannel *channel = pump->wires[i].channel;

        while (channel->ops->pending(channel->data)) {
            g_auto(FerryAnswer) answer = { 0 };

            if (!recv_answer(channel, &answer, error))
                return false;
            if (answer.kind == FERRY_ANSWER_LOADED && pump->stopping) {
                pump->wires[i].loaded = true;
                continue;
            }
            if (answer.kind != FERRY_ANSWER_ACKED || answer.device >= pump->n_lanes) {
                g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the receiver gave up: %s",
                            answer.reasons[0] != NULL ? answer.reasons[0] : "it is out of step");
                return false;
            }
            pump->lanes[answer.device].acked_round = answer.round;
        }
    }
    return true;
}

static void
show_progress(Pump *pump, const char *stage)
{
    const FerryPumpWatch *watch = &pump->options.watch;
    g_autofree FerryProgress *rows = NULL;

    if (watch->show == NULL || now_ms(pump) - pump->shown_ms < PROGRESS_MS)
        return;
    pump->shown_ms = now_ms(pump);
    rows = g_new0(FerryProgress, pump->n_lanes);
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        Lane *lane = &pump->lanes[i];

        (void)pthread_mutex_lock(&pump->latch.lock);
        rows[i].bytes = lane->moved_bytes;
        (void)pthread_mutex_unlock(&pump->latch.lock);
        rows[i].device = lane->save.device->transport->name;
        rows[i].stage = stage;
        rows[i].forecast = ferry_estimate_forecast(&lane->estimate);
    }
    watch->show(watch->data, rows, pump->n_lanes);
}

static bool
check_cancelled(const Pump *pump, GError **error)
{
    if (pump->options.cancelled == NULL ||
        __atomic_load_n(pump->options.cancelled, __ATOMIC_RELAXED) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED, "cancelled; the device runs on");
    return false;
}

/* Each device is judged for itself; the stop is for all, so it waits for the last that may still
 * get better.  The worst reason is the one that counts. */
static FerrySwitch
judge(Pump *pump)
{
    FerryLimits limits = { .max_downtime_ms = pump->options.max_downtime_ms,
                           .precopy_ms = pump->options.precopy_ms };
    FerrySwitch all = FERRY_SWITCH_NOW;

    for (unsigned i = 0; i < pump->n_lanes; i++) {
        Lane *lane = &pump->lanes[i];
        bool precopy = (lane->save.device->flags & FERRY_MIG_PRE_COPY) != 0;

        (void)pthread_mutex_lock(&pump->latch.lock);
        FerrySample sample = lane->sample;
        sample.moved_bytes = lane->moved_bytes;
        int loaded = lane->initial_done && (!pump->two_way || lane->acked_round == lane->round);
        (void)pthread_mutex_unlock(&pump->latch.lock);
        sample.now_ms = now_ms(pump);
        ferry_estimate_add(&lane->estimate, &sample);

        FerryForecast forecast = ferry_estimate_forecast(&lane->estimate);
        FerrySwitch one = precopy ? ferry_estimate_decide(&forecast, &limits,
                                                          now_ms(pump) - pump->start_ms, loaded)
                                  : FERRY_SWITCH_BEST; /* all comes after the stop */
        if (one == FERRY_SWITCH_WAIT)
            all = FERRY_SWITCH_WAIT;
        else if (all != FERRY_SWITCH_WAIT)
            all = MAX(all, one);
    }
    return all;
}

static void
start_lanes(Pump *pump)
{
    (void)pthread_mutex_lock(&pump->latch.lock);
    pump->n_reading = (unsigned)pump->n_lanes;
    (void)pthread_mutex_unlock(&pump->latch.lock);
    for (unsigned i = 0; i < pump->n_lanes; i++)
        g_assert(pthread_create(&pump->lanes[i].thread, NULL, lane_thread, &pump->lanes[i]) == 0);
}

static void
join_lanes(Pump *pump)
{
    for (unsigned i = 0; i < pump->n_lanes; i++)
        g_assert(pthread_join(pump->lanes[i].thread, NULL) == 0);
}

/* Sleeps a tick; false when some thread failed (its error stays in the latch). */
static bool
tick(Pump *pump)
{
    (void)pthread_mutex_lock(&pump->latch.lock);
    if (pump->latch.error == NULL && pump->n_reading > 0)
        ferry_latch_wait_locked(&pump->latch, TICK_MS);
    bool ok = pump->latch.error == NULL;
    (void)pthread_mutex_unlock(&pump->latch.lock);
    return ok;
}

/* The stop is due: may it be as long as it will be? */
static bool
too_long(const Pump *pump, FerrySwitch why)
{
    for (unsigned i = 0; i < pump->n_lanes && pump->options.strict_downtime; i++) {
        FerryForecast forecast = ferry_estimate_forecast(&pump->lanes[i].estimate);

        if (why != FERRY_SWITCH_NOW && forecast.downtime_ms_high > pump->options.max_downtime_ms)
            return true;
    }
    return false;
}

static bool
run_precopy(Pump *pump, FerryPumpReport *report, GError **error)
{
    FerrySwitch why = FERRY_SWITCH_WAIT;
    g_autoptr(GError) local = NULL;

    start_lanes(pump);
    while (why == FERRY_SWITCH_WAIT && local == NULL && tick(pump)) {
        if (check_cancelled(pump, &local) && take_answers(pump, &local))
            why = judge(pump);
        show_progress(pump, "pre-copy");
    }
    (void)pthread_mutex_lock(&pump->latch.lock);
    pump->stopping = true;
    (void)pthread_cond_broadcast(&pump->latch.changed);
    (void)pthread_mutex_unlock(&pump->latch.lock);
    join_lanes(pump);
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        report->devices[i].why = why;
        report->devices[i].forecast = ferry_estimate_forecast(&pump->lanes[i].estimate);
    }
    if (too_long(pump, why))
        report->outcome = FERRY_PUMP_NOT_CONVERGED;
    return !ferry_latch_failed(&pump->latch);
}

static bool
run_stop(Pump *pump, GError **error)
{
    g_autofree FerrySave **saves = g_new0(FerrySave *, pump->n_lanes);
    g_autoptr(GError) local = NULL;
    unsigned n_reading = 1;

    for (unsigned i = 0; i < pump->n_lanes; i++)
        saves[i] = &pump->lanes[i].save;
    if (!ferry_save_stop_all(saves, pump->n_lanes, error))
        return false;
    start_lanes(pump);
    while (n_reading > 0 && tick(pump)) {
        if (!check_cancelled(pump, &local) || !take_answers(pump, &local)) {
            ferry_latch_fail(&pump->latch, g_steal_pointer(&local));
            break;
        }
        show_progress(pump, "stop-copy");
        (void)pthread_mutex_lock(&pump->latch.lock);
        n_reading = pump->n_reading;
        (void)pthread_mutex_unlock(&pump->latch.lock);
    }
    join_lanes(pump);
    return !ferry_latch_failed(&pump->latch);
}

static void
end_wires(Pump *pump)
{
    for (unsigned i = 0; i < pump->n_wires; i++)
        ferry_queue_close(&pump->wires[i].queue);
    for (unsigned i = 0; i < pump->n_wires; i++)
        g_assert(pthread_join(pump->wires[i].thread, NULL) == 0);
}

/* Everything was sent: the other side loads, this one stops for good, the other side runs. */
static bool
hand_over(Pump *pump, FerryPumpReport *report, int64_t stop_ms, GError **error)
{
    g_autoptr(GError) local = NULL;

    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++)
        if (!pump->wires[i].loaded &&
            !expect_answer(pump->wires[i].channel, FERRY_ANSWER_LOADED, error))
            return false;
    report->downtime_ms = now_ms(pump) - stop_ms;
    for (unsigned i = 0; i < pump->n_lanes; i++)
        if (!ferry_save_finish(&pump->lanes[i].save, error))
            return false;
    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++) {
        FerryFrameTrack none;
        FerryFrame frame = { .type = FERRY_FRAME_COMMIT };

        ferry_frame_track_init(&none);
        bool sent = ferry_stream_send(pump->wires[i].channel, &none, &frame, "", &local);
        ferry_frame_track_clear(&none);
        if (!sent)
            break;
    }
    for (unsigned i = 0; i < pump->n_wires && pump->two_way && local == NULL; i++)
        (void)expect_answer(pump->wires[i].channel, FERRY_ANSWER_RUNNING, &local);
    if (local != NULL) {
        const char *reasons[] = { local->message, NULL };

        report->outcome = FERRY_PUMP_IN_DOUBT;
        report->reasons = g_strdupv((char **)reasons);
    }
    return true;
}

/* The devices run again, the receivers are told; what they said before goes first. */
static void
give_up(Pump *pump, GError **error)
{
    for (unsigned i = 0; i < pump->n_lanes; i++) {
        g_autoptr(GError) local = NULL;
        FerrySave *save = &pump->lanes[i].save;

        if (save->open && !ferry_save_abort(save, &local) && error != NULL && *error != NULL)
            g_prefix_error(error, "%s may not run: %s; first: ", save->device->transport->name,
                           local->message);
    }
    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++) {
        FerryFrameTrack none;
        FerryFrame frame = { .type = FERRY_FRAME_ABORT };

        if (pump->wires[i].failed)
            continue;
        ferry_frame_track_init(&none);
        (void)ferry_stream_send(pump->wires[i].channel, &none, &frame, "",
                                NULL); /* or it times out */
        ferry_frame_track_clear(&none);
    }
}

/* A broken connection is the receiver's refusal more often than not: its words are better. */
static void
prefer_their_words(Pump *pump, GError **error)
{
    for (unsigned i = 0; i < pump->n_wires && pump->two_way; i++) {
        FerryChannel *channel = pump->wires[i].channel;
        g_autoptr(GError) theirs = NULL;

        if (error == NULL || !g_error_matches(*error, FERRY_ERROR, FERRY_ERROR_PEER) ||
            !channel->ops->pending(channel->data))
            continue;
        if (!expect_answer(channel, FERRY_ANSWER_LOADED, &theirs) &&
            g_str_has_prefix(theirs->message, "the receiver gave up")) {
            g_clear_error(error);
            g_propagate_error(error, g_steal_pointer(&theirs));
        }
    }
}

static bool
transfer(Pump *pump, FerryPumpReport *report, GError **error)
{
    int64_t stop_ms = 0;
    bool ok = true;

    for (unsigned i = 0; i < pump->n_lanes; i++) {
        Lane *lane = &pump->lanes[i];
        FerrySize size = { 0 };

        if (!ferry_save_begin(&lane->save, lane->save.device, error) ||
            !ferry_vfio_device_data_size(lane->save.device, &size, error))
            return false;
        lane->sample.stop = size;
        lane->last_push_ms = now_ms(pump);
    }
    pump->start_ms = now_ms(pump);
    for (unsigned i = 0; i < pump->n_wires; i++)
        g_assert(pthread_create(&pump->wires[i].thread, NULL, wire_thread, &pump->wires[i]) == 0);
    ok = run_precopy(pump, report, error);
    stop_ms = now_ms(pump);
    if (ok && report->outcome == FERRY_PUMP_DONE)
        ok = run_stop(pump, error);
    if (!ok && !ferry_latch_failed(&pump->latch)) /* so that the channels drop what they have */
        ferry_latch_fail(&pump->latch, g_error_new(FERRY_ERROR, FERRY_ERROR_CANCELLED, "ended"));
    end_wires(pump);
    if (ok && !ferry_latch_failed(&pump->latch))
        return report->outcome != FERRY_PUMP_DONE || hand_over(pump, report, stop_ms, error);
    if (error != NULL && *error == NULL)
        g_propagate_error(error, g_error_copy(pump->latch.error));
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
    Pump pump = { .options = ferry_pump_defaults(options, n_devices),
                  .clock = ferry_clock_system(),
                  .n_lanes = n_devices,
                  .n_wires = MIN(n_channels, n_devices),
                  .two_way = channels[0]->kind == FERRY_CHANNEL_TWO_WAY };
    g_auto(FerryPumpReport) report = { .n_devices = n_devices };
    g_autoptr(GError) local = NULL;
    bool ok = false;

    g_assert(n_devices > 0 && n_devices <= FERRY_FRAME_MAX_DEVICES && n_channels > 0);
    report.devices = g_new0(FerryPumpDevice, n_devices);
    report.memory_bytes = (uint64_t)ferry_pump_chunks_each(&pump.options, n_devices) * n_devices *
                          pump.options.chunk_bytes;
    pump_init(&pump, devices, channels);
    pump.start_ms = now_ms(&pump);
    ok = introduce(&pump, metas, &local) && ask_leave(&pump, &report, &local) &&
         (report.outcome != FERRY_PUMP_DONE || transfer(&pump, &report, &local));
    report.total_ms = now_ms(&pump) - pump.start_ms;
    for (unsigned i = 0; i < n_devices; i++) {
        report.devices[i].precopy_bytes = pump.lanes[i].save.precopy_bytes;
        report.devices[i].stop_bytes = pump.lanes[i].save.stop_bytes;
        report.devices[i].n_frames = pump.lanes[i].track.n_frames;
    }
    if (!ok)
        prefer_their_words(&pump, &local);
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
