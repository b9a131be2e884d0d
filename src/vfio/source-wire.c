/* The thread of one channel at the source: sends what its devices have read. */
#include "vfio/source.h"
#include "vfio/stream.h"

#define SAVED_MS 100

/* Holds the sender back so that no more than the limit leaves; wakes when the pump fails. */
static void
keep_to_bandwidth(Source *pump, size_t n)
{
    uint64_t limit = pump->crew.options.bandwidth_bps;

    if (limit == 0)
        return;
    (void)pthread_mutex_lock(&pump->crew.latch.lock);
    /* What was not used in a pause is not saved up, but for a tenth of a second. */
    int64_t due_ms = MAX(pump->free_ms, pump_crew_now_ms(&pump->crew) - SAVED_MS) +
                     (int64_t)((double)n * 1000.0 / (double)limit);
    pump->free_ms = due_ms;
    while (pump->crew.latch.error == NULL && pump_crew_now_ms(&pump->crew) < due_ms)
        ferry_latch_wait_locked(&pump->crew.latch,
                                (int)MIN(due_ms - pump_crew_now_ms(&pump->crew), 100));
    (void)pthread_mutex_unlock(&pump->crew.latch.lock);
}

static bool
send_chunk(SourceWire *wire, FerryChunk *chunk, GError **error)
{
    SourceLane *lane = &wire->pump->lanes[chunk->lane];
    Source *pump = wire->pump;

    if (chunk->frame.type == FERRY_FRAME_END) {
        ferry_frame_track_end(&lane->track, chunk->data);
        chunk->frame.length = FERRY_FRAME_END_BYTES;
    }
    keep_to_bandwidth(pump, chunk->frame.length);
    bool sent =
        chunk->frame.type == FERRY_FRAME_DATA
            ? ferry_stream_send_summed(wire->channel, &lane->track, &chunk->frame, chunk->data,
                                       error)
            : ferry_stream_send(wire->channel, &lane->track, &chunk->frame, chunk->data, error);
    if (!sent)
        return false;
    (void)pthread_mutex_lock(&pump->crew.latch.lock);
    lane->moved_bytes += chunk->frame.length;
    (void)pthread_mutex_unlock(&pump->crew.latch.lock);
    return true;
}

void *
source_wire_thread(void *data)
{
    SourceWire *wire = data;
    FerryLatch *latch = &wire->pump->crew.latch;
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
