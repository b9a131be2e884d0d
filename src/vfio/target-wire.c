/* The thread of one channel at the target: checks each frame and hands it to its device. */
#include "base/error.h"
#include "vfio/stream.h"
#include "vfio/target.h"

bool
target_answer(TargetWire *wire, const FerryVfioAnswer *what, GError **error)
{
    g_autofree char *text = ferry_vfio_answer_format(what);

    if (!wire->pump->crew.two_way)
        return true;
    (void)pthread_mutex_lock(&wire->send_lock);
    bool ok = ferry_stream_send_answer(wire->channel, text, error);
    (void)pthread_mutex_unlock(&wire->send_lock);
    return ok;
}

bool
target_read_abort(TargetWire *wire, const FerryFrame *frame, uint64_t offset, GError **error)
{
    g_autofree char *text = g_malloc0(frame->length + 1u);

    if (!ferry_stream_recv_payload(wire->channel, frame, offset, text, frame->length, error))
        return false;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "the source gave up; its device runs on there");
    return false;
}

static bool
check_total(const TargetLane *lane, GError **error)
{
    if (lane->track.data_bytes <= lane->pump->crew.options.max_state_bytes)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED,
                "the stream has more than %" G_GUINT64_FORMAT
                " bytes of state for %s, the limit: it may never end",
                lane->pump->crew.options.max_state_bytes, lane->load.device->transport->name);
    return false;
}

/* Receives one frame and hands it to its device.  @left counts the devices still to end. */
static bool
recv_frame(TargetWire *wire, unsigned *left, GError **error)
{
    Target *pump = wire->pump;
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    FerryFrame frame = { 0 };
    uint64_t offset = 0;

    if (!ferry_stream_recv_header(wire->channel, &frame, header, &offset, error))
        return false;
    if (frame.type == FERRY_FRAME_ABORT)
        return target_read_abort(wire, &frame, offset, error);
    if (frame.device >= pump->crew.n_lanes || frame.device % pump->crew.n_wires != wire->index ||
        frame.type == FERRY_FRAME_COMMIT || frame.type == FERRY_FRAME_ANSWER) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the stream has a frame of type %u for device %u at byte %" G_GUINT64_FORMAT
                    ", which does not belong there",
                    frame.type, frame.device, offset);
        return false;
    }

    TargetLane *lane = &pump->lanes[frame.device];
    FerryChunk *chunk = pump_crew_take(&pump->crew, &lane->free);
    if (chunk == NULL)
        return true;
    bool ok = ferry_stream_recv_tracked(wire->channel, &lane->track, &frame, header, offset,
                                        chunk->data, chunk->capacity, error) &&
              check_total(lane, error);
    chunk->frame = frame;
    ferry_queue_push(ok ? &lane->filled : &lane->free, chunk);
    *left -= ok && frame.type == FERRY_FRAME_END;
    return ok;
}

void *
target_wire_thread(void *data)
{
    TargetWire *wire = data;
    Target *pump = wire->pump;
    g_autoptr(GError) error = NULL;
    unsigned left = 0;

    for (size_t i = wire->index; i < pump->crew.n_lanes; i += pump->crew.n_wires)
        left++;
    while (left > 0 && !ferry_latch_failed(&pump->crew.latch))
        if (!recv_frame(wire, &left, &error))
            break;
    pump_crew_leave(&pump->crew, g_steal_pointer(&error));
    return NULL;
}
