#pragma once

#include "vfio/channel.h"
#include "vfio/frame.h"

/** Frames over channels: what vfio/frame.h codes is sent, received and checked here. */

/** Sends one frame of a device's track; its sequence number and checksum are set here. */
bool ferry_stream_send(FerryChannel *channel,
                       FerryFrameTrack *track,
                       FerryFrame *frame,
                       const void *payload,
                       GError **error);

/** The same for a payload whose checksum the frame has: whoever filled it in pieces summed them
 *  while they were in the processor's cache. */
bool ferry_stream_send_summed(FerryChannel *channel,
                              FerryFrameTrack *track,
                              FerryFrame *frame,
                              const void *payload,
                              GError **error);

/** Payloads are read and summed in pieces of so many bytes, which fit a cache. */
#define FERRY_STREAM_PIECE ((size_t)128 * 1024)

/** Receives and checks a frame's header.
 *
 * @ret_header: (out): FERRY_FRAME_HEADER_BYTES, for the track
 * @ret_offset: (out): where in the stream it began
 */
bool ferry_stream_recv_header(FerryChannel *channel,
                              FerryFrame *ret,
                              uint8_t *ret_header,
                              uint64_t *ret_offset,
                              GError **error);

/** Receives the payload that belongs to @frame and checks its sum; a frame longer than @capacity
 *  is refused. */
bool ferry_stream_recv_payload(FerryChannel *channel,
                               const FerryFrame *frame,
                               uint64_t offset,
                               void *buf,
                               size_t capacity,
                               GError **error);

/**
 * Receives the payload of a device's frame and adds the frame to its track; an END must hold the
 * totals and the digest of all frames before it.
 *
 * Returns: false with FERRY_ERROR_PEER naming @offset
 */
bool ferry_stream_recv_tracked(FerryChannel *channel,
                               FerryFrameTrack *track,
                               const FerryFrame *frame,
                               const uint8_t *header,
                               uint64_t offset,
                               void *buf,
                               size_t capacity,
                               GError **error);

/** Sends an answer (JSON) to the source.  Answers have no track: one direction, small, in order. */
bool ferry_stream_send_answer(FerryChannel *channel, const char *json, GError **error);

/** Receives an answer's text. */
bool ferry_stream_recv_answer(FerryChannel *channel, char **ret, GError **error);
