#pragma once

#include "vfio/device.h"

/**
 * Judges one device's pre-copy: how fast state is read and gets dirty, what a stop would cost, and
 * whether waiting pays.  Pure: it gets the time and figures, and returns numbers and an answer.
 *
 * Rates are taken over the last second or so.  Where the device has no figures (vfio-user), the
 * dirty rate is what still came after the first pause, and the cost of a stop is not known before
 * that pause.
 */

#define FERRY_ESTIMATE_SAMPLES 16

/** What one look at a running session gave. */
typedef struct {
    int64_t now_ms;
    uint64_t read_bytes;  /* so far */
    uint64_t moved_bytes; /* so far, out of this process */
    FerrySize pending;    /* initial + dirty */
    FerrySize stop;       /* MIG_DATA_SIZE */
    uint64_t pauses;      /* times that "nothing now" was read */
} FerrySample;

typedef struct {
    FerrySample samples[FERRY_ESTIMATE_SAMPLES]; /* a ring, FERRY_ESTIMATE_STEP_MS apart */
    unsigned n;
    FerrySample latest;
    FerrySample first;
    FerrySample first_pause; /* when a pause was first seen */
} FerryEstimate;

#define FERRY_ESTIMATE_STEP_MS 50

typedef enum {
    FERRY_TREND_UNKNOWN,    /* too early to say */
    FERRY_TREND_CONVERGING, /* less is left than before */
    FERRY_TREND_AT_FLOOR,   /* all there was has been read: only the final part is left */
    FERRY_TREND_DIVERGING,  /* gets dirty as fast as it is read: waiting does not help */
    FERRY_N_TRENDS
} FerryTrend;

/** The judgement in numbers.  Ranges: the other end is a quarter of doubt in the rate. */
typedef struct {
    FerryTrend trend;
    uint64_t rate_bps;       /* bytes a second, moved */
    uint64_t dirty_bps;      /* bytes a second, got dirty */
    FerrySize left;          /* bytes to come if the device stopped now */
    int64_t downtime_ms_low; /* of the copy after a stop; -1: not known */
    int64_t downtime_ms_high;
    int64_t eta_ms_low; /* until a stop would be at its cheapest; -1: not known, or never */
    int64_t eta_ms_high;
} FerryForecast;

typedef struct {
    int64_t max_downtime_ms;
    int64_t precopy_ms; /* pre-copy has this long */
} FerryLimits;

typedef enum {
    FERRY_SWITCH_WAIT,
    FERRY_SWITCH_NOW,  /* within the limit */
    FERRY_SWITCH_BEST, /* not within the limit, or not known to be, but it gets no better */
    FERRY_SWITCH_LATE, /* the time for pre-copy is up */
    FERRY_SWITCH_N
} FerrySwitch;

void ferry_estimate_add(FerryEstimate *self, const FerrySample *sample);
FerryForecast ferry_estimate_forecast(const FerryEstimate *self);

/**
 * Whether this device wants to be stopped now.
 *
 * @elapsed_ms: since pre-copy began
 * @initial_loaded: 1 when the receiver has loaded the current initial data, else 0
 */
FerrySwitch ferry_estimate_decide(const FerryForecast *forecast,
                                  const FerryLimits *limits,
                                  int64_t elapsed_ms,
                                  int initial_loaded);

/** Returns: (transfer none): "converging" */
const char *ferry_trend_name(FerryTrend trend);
const char *ferry_switch_name(FerrySwitch answer);
