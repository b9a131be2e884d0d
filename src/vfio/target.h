#pragma once

#include "vfio/answer.h"
#include "vfio/load.h"
#include "vfio/pump-crew.h"

/**
 * The target's half of the pump, shared by its files only: target-wire.c is a channel's thread,
 * target-lane.c a device's, pump-receive.c the order.
 */
typedef struct _Target Target;

/* One device.  Its thread owns load; the channel's thread owns the track. */
typedef struct {
    Target *pump;
    unsigned index;
    FerryLoad load;
    pthread_t thread;
    FerryFrameTrack track;
    FerryQueue free;
    FerryQueue filled;
    uint64_t loaded_bytes; /* under the latch */
} TargetLane;

typedef struct {
    Target *pump;
    unsigned index;
    FerryChannel *channel;
    pthread_mutex_t send_lock; /* the devices' threads answer over it */
    pthread_t thread;
} TargetWire;

struct _Target {
    PumpCrew crew;
    TargetLane *lanes;
    TargetWire *wires;
};

/** A channel's thread: ends when each of its devices' streams has. */
void *target_wire_thread(void *wire);

/** A device's thread: ends when its stream has. */
void *target_lane_thread(void *lane);

/** Answers over a channel, if it can be answered to. */
bool target_answer(TargetWire *wire, const FerryVfioAnswer *what, GError **error);

/** Takes an ABORT frame's text.  Returns: false, always: the source gave up */
bool target_read_abort(TargetWire *wire, const FerryFrame *frame, uint64_t offset, GError **error);
