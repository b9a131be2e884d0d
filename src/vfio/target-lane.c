/* The thread of one device at the target: writes what came, and says when initial data are in. */
#include "base/error.h"
#include "vfio/target.h"

static bool
acknowledge(TargetLane *lane, const FerryChunk *chunk, GError **error)
{
    const FerryTransport *transport = lane->load.device->transport;
    FerryVfioAnswer ack = { .kind = FERRY_VFIO_ANSWER_ACKED,
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
    return target_answer(&lane->pump->wires[lane->index % lane->pump->crew.n_wires], &ack, error);
}

/* @ret_end: set when the device's last frame was taken */
static bool
load_chunk(TargetLane *lane, const FerryChunk *chunk, bool *ret_end, GError **error)
{
    Target *pump = lane->pump;

    switch (chunk->frame.type) {
    case FERRY_FRAME_DATA:
        if (!ferry_load_write(&lane->load, chunk->data, chunk->frame.length, error))
            return false;
        (void)pthread_mutex_lock(&pump->crew.latch.lock);
        lane->loaded_bytes += chunk->frame.length;
        (void)pthread_mutex_unlock(&pump->crew.latch.lock);
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

void *
target_lane_thread(void *data)
{
    TargetLane *lane = data;
    PumpCrew *crew = &lane->pump->crew;
    g_autoptr(GError) error = NULL;
    FerryChunk *chunk = NULL;
    bool end = false;

    while (!end && error == NULL && (chunk = pump_crew_take(crew, &lane->filled)) != NULL) {
        (void)load_chunk(lane, chunk, &end, &error);
        ferry_queue_push_first(&lane->free, chunk);
    }
    pump_crew_leave(crew, g_steal_pointer(&error));
    return NULL;
}
