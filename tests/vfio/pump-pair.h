#pragma once

#include "sim/device.h"
#include "vfio/pump.h"

#define PUMP_PAIR_DEVICES 3

/** Simulated devices on both sides, channels between them, and a thread that receives. */
typedef struct {
    size_t n_devices;
    size_t n_channels;
    SimDevice *a_sims[PUMP_PAIR_DEVICES];
    SimDevice *b_sims[PUMP_PAIR_DEVICES];
    FerryVfioDevice *a[PUMP_PAIR_DEVICES];
    FerryVfioDevice *b[PUMP_PAIR_DEVICES];
    FerryChannel *a_channels[PUMP_PAIR_DEVICES];
    FerryChannel *b_channels[PUMP_PAIR_DEVICES];
    FerryPumpOptions options;
    FerryPumpReport sent;
    FerryPumpReport received;
    GError *send_error;
    GError *receive_error;
    const char *refuse; /* the receiver's reason to say no */
} PumpPair;

void pump_pair_init(PumpPair *pair, const SimOptions *options, size_t n_devices, size_t n_channels);
void pump_pair_clear(PumpPair *pair);

/** Sends and receives with pair->options; the source's channels are closed then. */
void pump_pair_run(PumpPair *pair);

/** All devices' states arrived: stopped here, running there, alike. */
void pump_pair_assert_arrived(const PumpPair *pair);
