#pragma once

#include "vfio/answer.h"
#include "vfio/pump-crew.h"
#include "vfio/save.h"

/**
 * The source's half of the pump, shared by its files only: source-lane.c is a device's thread,
 * source-wire.c a channel's, source-talk.c what is said before and after, pump-send.c the order.
 */
typedef struct _Source Source;

/* One device.  Its thread owns save and the fields up to `thread`; the channel's thread owns the
 * track; what both and the caller need is under the latch. */
typedef struct {
    Source *pump;
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
} SourceLane;

typedef struct {
    Source *pump;
    FerryChannel *channel;
    FerryQueue queue;
    pthread_t thread;
    bool failed; /* its thread's own until that ends */
    bool loaded; /* the caller's own: the answer came while other channels were at work */
} SourceWire;

struct _Source {
    PumpCrew crew;
    SourceLane *lanes;
    SourceWire *wires;
    bool stopping; /* pre-copy is to end; under the latch */
    int64_t
        free_ms; /* when the bytes sent so far are due by the bandwidth limit; under the latch */
};

/** A device's thread: reads while it runs, or, when it is in STOP_COPY, to the end. */
void *source_lane_thread(void *lane);

/** A channel's thread: sends what is queued until the queue is closed. */
void *source_wire_thread(void *wire);

/** Sends each device's description. */
bool source_introduce(Source *pump, const char *const *metas, GError **error);

/** Whether every channel's other end accepts; a refusal's reasons go to the report. */
bool source_ask_leave(Source *pump, FerryPumpReport *report, GError **error);

/** Takes what the receiver has said meanwhile, without waiting. */
bool source_take_answers(Source *pump, GError **error);

/** Waits until each channel's other end says @kind. */
bool source_expect(Source *pump, FerryVfioAnswerKind kind, GError **error);

/** Sends a frame that belongs to no device (COMMIT, ABORT) over each channel that still works. */
bool source_tell(Source *pump, FerryFrameType type, GError **error);

/** A broken connection is the receiver's refusal more often than not: its words are better. */
void source_prefer_their_words(Source *pump, GError **error);
