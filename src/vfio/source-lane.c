/* The thread of one device at the source: reads into chunks and hands them to its channel. */
#include <string.h>

#include "base/error.h"
#include "vfio/crc32c.h"
#include "vfio/source.h"
#include "vfio/stream.h"
#include "vfio/uapi.h"

#define IDLE_MS 5
#define PING_MS 1000

static bool
is_stopping(Source *pump)
{
    (void)pthread_mutex_lock(&pump->crew.latch.lock);
    bool stopping = pump->stopping || pump->crew.latch.error != NULL;
    (void)pthread_mutex_unlock(&pump->crew.latch.lock);
    return stopping;
}

static void
publish(SourceLane *lane)
{
    const FerrySave *save = &lane->save;
    FerrySample sample = { .now_ms = pump_crew_now_ms(&lane->pump->crew),
                           .read_bytes = save->precopy_bytes + save->stop_bytes,
                           .pauses = lane->pauses,
                           .pending = { .bytes = save->initial.bytes + save->dirty.bytes,
                                        .known = save->initial.known } };
    FerryLatch *latch = &lane->pump->crew.latch;

    (void)pthread_mutex_lock(&latch->lock);
    sample.stop = lane->sample.stop;
    lane->sample = sample;
    lane->initial_done = save->initial_done;
    lane->round = save->initial_round;
    (void)pthread_mutex_unlock(&latch->lock);
}

static void
push(SourceLane *lane, FerryChunk *chunk, FerryFrameType type, size_t length)
{
    Source *pump = lane->pump;

    chunk->frame.type = type;
    chunk->frame.device = (uint16_t)lane->index;
    chunk->frame.length = (uint32_t)length;
    lane->last_push_ms = pump_crew_now_ms(&pump->crew);
    ferry_queue_push(&pump->wires[lane->index % pump->crew.n_wires].queue, chunk);
}

static bool
check_limit(const SourceLane *lane, GError **error)
{
    uint64_t read = lane->save.precopy_bytes + lane->save.stop_bytes;

    if (read <= lane->pump->crew.options.max_state_bytes)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED,
                "%s gave more than %" G_GUINT64_FORMAT
                " bytes of state, the limit: it may never end",
                lane->save.device->transport->name, lane->pump->crew.options.max_state_bytes);
    return false;
}

/* Fills a free chunk and sums it: as long as reads bring all that they can, more is likely to be
 * there.  So small reads cost no hand-over each. */
static bool
fill_chunk(SourceLane *lane, FerryChunk *chunk, FerrySaveRead *ret, size_t *ret_n, GError **error)
{
    size_t max_read = lane->save.device->transport->max_read;
    size_t filled = 0;
    size_t size = 0;
    size_t n = 0;

    chunk->frame.crc = 0;
    do {
        uint8_t *piece = chunk->data + filled;

        size = MIN(chunk->capacity - filled, FERRY_STREAM_PIECE);
        if (!ferry_save_read(&lane->save, piece, size, ret, &n, error) || !check_limit(lane, error))
            return false;
        if (*ret == FERRY_SAVE_DATA) {
            chunk->frame.crc = ferry_crc32c(chunk->frame.crc, piece, n);
            filled += n;
        }
    } while (*ret == FERRY_SAVE_DATA && n == MIN(size, max_read) && filled < chunk->capacity);
    if (filled > 0)
        *ret = FERRY_SAVE_DATA; /* a pause or the end is there to be read again */
    *ret_n = filled;
    return true;
}

/* Reads once.  @ret is FERRY_SAVE_END too when there is no chunk any more. */
static bool
read_once(SourceLane *lane, FerrySaveRead *ret, size_t *ret_n, GError **error)
{
    FerryChunk *chunk = pump_crew_take(&lane->pump->crew, &lane->free);

    *ret = FERRY_SAVE_END;
    if (chunk == NULL)
        return true;
    if (!fill_chunk(lane, chunk, ret, ret_n, error)) {
        ferry_queue_push_first(&lane->free, chunk);
        return false;
    }
    if (*ret == FERRY_SAVE_DATA)
        push(lane, chunk, FERRY_FRAME_DATA, *ret_n);
    else
        ferry_queue_push_first(&lane->free, chunk);
    return true;
}

/* A frame without data of the device: INITIAL with its round, PING, END. */
static void
push_mark(SourceLane *lane, FerryFrameType type, uint32_t value)
{
    FerryChunk *chunk = pump_crew_take(&lane->pump->crew, &lane->free);
    uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24) };

    if (chunk == NULL)
        return;
    memcpy(chunk->data, bytes, sizeof bytes);
    push(lane, chunk, type, type == FERRY_FRAME_INITIAL ? sizeof bytes : 0);
}

/* One visit to the running device: within its budget, then a look at the figures. */
static bool
visit(SourceLane *lane, FerrySaveRead *ret, GError **error)
{
    const FerryBudget *budget = &lane->pump->crew.options.visit;
    int64_t end_ms = pump_crew_now_ms(&lane->pump->crew) + budget->ms;
    uint64_t bytes = 0;

    *ret = FERRY_SAVE_DATA;
    while (*ret == FERRY_SAVE_DATA && bytes < budget->bytes &&
           pump_crew_now_ms(&lane->pump->crew) < end_ms && !is_stopping(lane->pump)) {
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
    if (lane->pump->crew.two_way &&
        pump_crew_now_ms(&lane->pump->crew) - lane->last_push_ms >= PING_MS)
        push_mark(lane, FERRY_FRAME_PING, 0);
    publish(lane);
    return true;
}

static bool
read_running(SourceLane *lane, GError **error)
{
    while (!is_stopping(lane->pump)) {
        FerrySaveRead got = FERRY_SAVE_DATA;

        if (!visit(lane, &got, error))
            return false;
        if (got == FERRY_SAVE_DATA)
            continue;
        (void)pthread_mutex_lock(&lane->pump->crew.latch.lock);
        if (!lane->pump->stopping && lane->pump->crew.latch.error == NULL)
            ferry_latch_wait_locked(&lane->pump->crew.latch, IDLE_MS);
        (void)pthread_mutex_unlock(&lane->pump->crew.latch.lock);
    }
    return true;
}

static bool
read_stopped(SourceLane *lane, GError **error)
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

void *
source_lane_thread(void *data)
{
    SourceLane *lane = data;
    g_autoptr(GError) error = NULL;

    (void)(lane->save.device->state == FERRY_MIG_STATE_STOP_COPY ? read_stopped(lane, &error)
                                                                 : read_running(lane, &error));
    pump_crew_leave(&lane->pump->crew, g_steal_pointer(&error));
    return NULL;
}
