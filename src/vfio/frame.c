#include "vfio/frame.h"

#include <string.h>

#include "base/error.h"
#include "vfio/crc32c.h"

#define MAGIC 0x31535646u /* "FVS1" */

/* The least and the most that a payload of each type has. */
/* clang-format off */
static const struct {
    uint32_t min;
    uint32_t max;
} limits[] = {
    [FERRY_FRAME_META]    = { 2, FERRY_FRAME_MAX_TEXT },
    [FERRY_FRAME_DATA]    = { 1, FERRY_FRAME_MAX_DATA },
    [FERRY_FRAME_INITIAL] = { 4, 4 },
    [FERRY_FRAME_PING]    = { 0, 0 },
    [FERRY_FRAME_END]     = { FERRY_FRAME_END_BYTES, FERRY_FRAME_END_BYTES },
    [FERRY_FRAME_COMMIT]  = { 0, 0 },
    [FERRY_FRAME_ABORT]   = { 0, 4096 },
    [FERRY_FRAME_ANSWER]  = { 2, FERRY_FRAME_MAX_TEXT },
};
/* clang-format on */

static void
put(uint8_t *out, uint64_t value, unsigned n_bytes)
{
    for (unsigned i = 0; i < n_bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t
get(const uint8_t *in, unsigned n_bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n_bytes; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

void
ferry_frame_encode(const FerryFrame *frame, uint8_t *header)
{
    put(header, MAGIC, 4);
    put(header + 4, frame->type, 2);
    put(header + 6, frame->device, 2);
    put(header + 8, frame->sequence, 8);
    put(header + 16, frame->length, 4);
    put(header + 20, frame->crc, 4);
    put(header + 24, 0, 4);
    put(header + 28, ferry_crc32c(0, header, 28), 4);
}

static bool
refuse(GError **error, uint64_t offset, const char *why)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "the stream is damaged at byte %" G_GUINT64_FORMAT ": %s", offset, why);
    return false;
}

bool
ferry_frame_decode(const uint8_t *header, uint64_t offset, FerryFrame *ret, GError **error)
{
    uint64_t type = get(header + 4, 2);
    uint64_t device = get(header + 6, 2);
    uint64_t length = get(header + 16, 4);

    if (get(header, 4) != MAGIC)
        return refuse(error, offset, "no frame begins there");
    if (get(header + 28, 4) != ferry_crc32c(0, header, 28))
        return refuse(error, offset, "the frame's header does not match its checksum");
    if (type < FERRY_FRAME_META || type >= G_N_ELEMENTS(limits) || get(header + 24, 4) != 0)
        return refuse(error, offset, "the frame is of a type that this version does not know");
    if (device >= FERRY_FRAME_MAX_DEVICES)
        return refuse(error, offset, "the frame's device number is too large");
    if (length < limits[type].min || length > limits[type].max)
        return refuse(error, offset, "the frame's length is not one that its type may have");

    *ret = (FerryFrame){ .type = (FerryFrameType)type,
                         .device = (uint16_t)device,
                         .sequence = get(header + 8, 8),
                         .length = (uint32_t)length,
                         .crc = (uint32_t)get(header + 20, 4) };
    return true;
}

void
ferry_frame_track_init(FerryFrameTrack *self)
{
    *self = (FerryFrameTrack){ .digest = g_checksum_new(G_CHECKSUM_SHA256) };
}

void
ferry_frame_track_clear(FerryFrameTrack *self)
{
    g_clear_pointer(&self->digest, g_checksum_free);
}

static void
add(FerryFrameTrack *self, const FerryFrame *frame, const uint8_t *header)
{
    self->next_sequence++;
    self->n_frames++;
    self->data_bytes += frame->type == FERRY_FRAME_DATA ? frame->length : 0;
    self->ended = frame->type == FERRY_FRAME_END;
    g_checksum_update(self->digest, header, FERRY_FRAME_HEADER_BYTES);
}

void
ferry_frame_track_send(FerryFrameTrack *self, FerryFrame *frame, uint8_t *header)
{
    frame->sequence = self->next_sequence;
    ferry_frame_encode(frame, header);
    add(self, frame, header);
}

bool
ferry_frame_track_receive(FerryFrameTrack *self,
                          const FerryFrame *frame,
                          const uint8_t *header,
                          uint64_t offset,
                          GError **error)
{
    if (self->ended)
        return refuse(error, offset, "a frame follows the device's last one");
    if (frame->sequence != self->next_sequence)
        return refuse(error, offset, "a frame is missing, doubled or out of order");
    if ((frame->type == FERRY_FRAME_META) != (frame->sequence == 0))
        return refuse(error, offset, "the device's description must come first, and once");
    add(self, frame, header);
    return true;
}

void
ferry_frame_track_end(const FerryFrameTrack *self, uint8_t *payload)
{
    g_autoptr(GChecksum) digest = g_checksum_copy(self->digest);
    gsize size = FERRY_FRAME_DIGEST_BYTES;

    put(payload, self->n_frames, 8);
    put(payload + 8, self->data_bytes, 8);
    g_checksum_get_digest(digest, payload + 16, &size);
}
