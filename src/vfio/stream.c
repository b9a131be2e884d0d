#include "vfio/stream.h"

#include <string.h>

#include "base/error.h"
#include "vfio/crc32c.h"

static bool
send_parts(FerryChannel *channel, uint8_t *header, const void *payload, size_t size, GError **error)
{
    struct iovec parts[] = { { header, FERRY_FRAME_HEADER_BYTES }, { (void *)payload, size } };

    return channel->ops->send(channel->data, parts, size > 0 ? 2 : 1, error);
}

bool
ferry_stream_send(FerryChannel *channel,
                  FerryFrameTrack *track,
                  FerryFrame *frame,
                  const void *payload,
                  GError **error)
{
    frame->crc = ferry_crc32c(0, payload, frame->length);
    return ferry_stream_send_summed(channel, track, frame, payload, error);
}

bool
ferry_stream_send_summed(FerryChannel *channel,
                         FerryFrameTrack *track,
                         FerryFrame *frame,
                         const void *payload,
                         GError **error)
{
    uint8_t header[FERRY_FRAME_HEADER_BYTES];

    ferry_frame_track_send(track, frame, header);
    return send_parts(channel, header, payload, frame->length, error);
}

bool
ferry_stream_recv_header(FerryChannel *channel,
                         FerryFrame *ret,
                         uint8_t *ret_header,
                         uint64_t *ret_offset,
                         GError **error)
{
    *ret_offset = channel->received;
    return ferry_channel_recv(channel, ret_header, FERRY_FRAME_HEADER_BYTES, error) &&
           ferry_frame_decode(ret_header, *ret_offset, ret, error);
}

bool
ferry_stream_recv_payload(FerryChannel *channel,
                          const FerryFrame *frame,
                          uint64_t offset,
                          void *buf,
                          size_t capacity,
                          GError **error)
{
    uint32_t crc = 0;

    if (frame->length > capacity) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the stream has a frame of %u bytes at byte %" G_GUINT64_FORMAT
                    "; the memory limit leaves room for %zu. Raise it",
                    frame->length, offset, capacity);
        return false;
    }
    for (size_t done = 0; done < frame->length;) {
        size_t n = MIN(frame->length - done, FERRY_STREAM_PIECE);
        uint8_t *piece = (uint8_t *)buf + done;

        if (!ferry_channel_recv(channel, piece, n, error))
            return false;
        crc = ferry_crc32c(crc, piece, n);
        done += n;
    }
    if (crc != frame->crc) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the stream is damaged at byte %" G_GUINT64_FORMAT
                    ": the frame's payload does not match its checksum",
                    offset);
        return false;
    }
    return true;
}

bool
ferry_stream_recv_tracked(FerryChannel *channel,
                          FerryFrameTrack *track,
                          const FerryFrame *frame,
                          const uint8_t *header,
                          uint64_t offset,
                          void *buf,
                          size_t capacity,
                          GError **error)
{
    uint8_t totals[FERRY_FRAME_END_BYTES];

    if (frame->type == FERRY_FRAME_END) /* what has to be in it: all before it */
        ferry_frame_track_end(track, totals);
    if (!ferry_frame_track_receive(track, frame, header, offset, error) ||
        !ferry_stream_recv_payload(channel, frame, offset, buf, capacity, error))
        return false;
    if (frame->type != FERRY_FRAME_END || memcmp(buf, totals, sizeof totals) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "%s is damaged at byte %" G_GUINT64_FORMAT
                ": the totals or the digest at its end are not those of what came",
                channel->name, offset);
    return false;
}

bool
ferry_stream_send_answer(FerryChannel *channel, const char *json, GError **error)
{
    FerryFrame frame = { .type = FERRY_FRAME_ANSWER, .length = (uint32_t)strlen(json) };
    uint8_t header[FERRY_FRAME_HEADER_BYTES];

    frame.crc = ferry_crc32c(0, json, frame.length);
    ferry_frame_encode(&frame, header);
    return send_parts(channel, header, json, frame.length, error);
}

bool
ferry_stream_recv_answer(FerryChannel *channel, char **ret, GError **error)
{
    g_autofree char *text = g_malloc(FERRY_FRAME_MAX_TEXT + 1);
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    FerryFrame frame = { 0 };
    uint64_t offset = 0;

    if (!ferry_stream_recv_header(channel, &frame, header, &offset, error) ||
        !ferry_stream_recv_payload(channel, &frame, offset, text, FERRY_FRAME_MAX_TEXT, error))
        return false;
    if (frame.type != FERRY_FRAME_ANSWER) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "%s sent a frame of type %u where an answer was due", channel->name,
                    frame.type);
        return false;
    }
    text[frame.length] = '\0';
    *ret = g_steal_pointer(&text);
    return true;
}
