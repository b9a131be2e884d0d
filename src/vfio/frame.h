#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/**
 * The frames around a device's opaque bytes, on a connection and in a state file: pure coding.
 * docs/stream-format.md is the format's description.
 *
 *   0 magic "FVS1"   4 type u16   6 device u16   8 sequence u64   16 length u32
 *   20 CRC-32C of the payload   24 zero u32   28 CRC-32C of bytes 0 to 27       little-endian
 *
 * Each device of a stream counts its frames from 0.  The digest of a device's frames is the
 * SHA-256 over their headers: these hold order, lengths and the payloads' checksums, so a change
 * to anything changes it.  It guards against mistakes, not against an adversary (TLS does that).
 */
#define FERRY_FRAME_HEADER_BYTES 32
#define FERRY_FRAME_MAX_DATA     (1024 * 1024)
#define FERRY_FRAME_MAX_TEXT     (64 * 1024)
#define FERRY_FRAME_DIGEST_BYTES 32
#define FERRY_FRAME_END_BYTES    (16 + FERRY_FRAME_DIGEST_BYTES)
#define FERRY_FRAME_MAX_DEVICES  64

typedef enum {
    FERRY_FRAME_META = 1, /* JSON: what the device is; the first of each device */
    FERRY_FRAME_DATA = 2, /* the driver's bytes */
    FERRY_FRAME_INITIAL =
        3,                  /* u32: this round of initial data is complete; the answer is "acked" */
    FERRY_FRAME_PING = 4,   /* nothing to say, but alive */
    FERRY_FRAME_END = 5,    /* totals and digest: the last of each device */
    FERRY_FRAME_COMMIT = 6, /* the source's device is stopped for good: run */
    FERRY_FRAME_ABORT = 7,  /* text: the source gives up, its device runs on */
    FERRY_FRAME_ANSWER = 8, /* JSON, from the receiver */
} FerryFrameType;

typedef struct {
    FerryFrameType type;
    uint16_t device;
    uint64_t sequence;
    uint32_t length;
    uint32_t crc; /* of the payload */
} FerryFrame;

/** One device's frames so far, on either side.  One thread at a time. */
typedef struct {
    uint64_t next_sequence;
    uint64_t n_frames;
    uint64_t data_bytes;
    GChecksum *digest;
    bool ended;
} FerryFrameTrack;

/** @header: (out): 32 bytes */
void ferry_frame_encode(const FerryFrame *frame, uint8_t *header);

/**
 * Reads a header.
 *
 * @offset: where in the stream it lies, for the message
 *
 * Returns: false with FERRY_ERROR_PEER when it is no header of ours, damaged, of an unknown type
 *          or longer than that type may be
 */
bool ferry_frame_decode(const uint8_t *header, uint64_t offset, FerryFrame *ret, GError **error);

void ferry_frame_track_init(FerryFrameTrack *self);
void ferry_frame_track_clear(FerryFrameTrack *self);

/** Adds a frame that is about to be sent: sets its sequence number and returns its header. */
void ferry_frame_track_send(FerryFrameTrack *self, FerryFrame *frame, uint8_t *header);

/**
 * Adds a frame that came: in sequence, and none after the end.
 *
 * Returns: false with FERRY_ERROR_PEER naming @offset
 */
bool ferry_frame_track_receive(FerryFrameTrack *self,
                               const FerryFrame *frame,
                               const uint8_t *header,
                               uint64_t offset,
                               GError **error);

/** @payload: (out): FERRY_FRAME_END_BYTES of totals and digest of all frames so far */
void ferry_frame_track_end(const FerryFrameTrack *self, uint8_t *payload);
