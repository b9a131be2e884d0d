#pragma once

#include "base/clock.h"
#include "vfio/channel.h"
#include "vfio/estimate.h"
#include "vfio/save.h"

/**
 * The pump moves the state of one or several devices over one or several channels: each device is
 * read (or written) by a thread of its own, each channel sent (or received) by another, with a
 * fixed number of chunks between them, which is the memory limit and the back-pressure.  Device i
 * travels on channel i modulo their number.
 *
 *   source                                       target
 *   META ─────────────────────────────────────►  checks it, before anything is touched
 *        ◄───────────────────────────── accepted / refused
 *   PRE_COPY; DATA… INITIAL DATA… ────────────►  RESUMING; writes
 *        ◄───────────────────────────── acked (initial data loaded)
 *   all quiet, all STOP_COPY; DATA… END ──────►  STOP
 *        ◄───────────────────────────── loaded
 *   STOP; COMMIT ─────────────────────────────►  all quiet, all RUNNING
 *        ◄───────────────────────────── running
 *
 * Until COMMIT the source can give up and its device runs on; after it the source never runs again
 * by itself.  Over a one-way channel (a file) the answers are taken as given.
 *
 * Called from one thread, which waits; a deadline, an error or @cancelled ends it.
 */

/** How one device is doing, for a progress bar. */
typedef struct {
    const char *device;
    const char *stage; /* "pre-copy", "stop-copy", "loading" */
    uint64_t bytes;    /* moved */
    FerryForecast forecast;
} FerryProgress;

/** Who wants to see the progress, about ten times a second. */
typedef struct {
    void (*show)(void *data, const FerryProgress *rows, size_t n_rows);
    void *data;
} FerryPumpWatch;

typedef struct {
    uint64_t memory_bytes;        /* for state in memory; 0: 16 MiB */
    size_t chunk_bytes;           /* of a frame; 0: what fits, at most 1 MiB */
    uint64_t max_state_bytes;     /* of one device; 0: 1 TiB: an endless stream ends there */
    FerryBudget visit;            /* 0: 8 MiB, 100 ms */
    int64_t max_downtime_ms;      /* 0: 300 */
    int64_t precopy_ms;           /* 0: 60 s */
    uint64_t bandwidth_bps;       /* bytes a second, over all channels of the source; 0: no limit */
    unsigned strict_downtime : 1; /* give up rather than stop for longer than max_downtime_ms */
    unsigned stay_stopped : 1;    /* target: leave the devices in STOP */
    FerryPumpWatch watch;         /* (nullable show) */
    const int *cancelled;         /* (nullable): set by a signal handler or another thread */
} FerryPumpOptions;

typedef enum {
    FERRY_PUMP_DONE,
    FERRY_PUMP_REFUSED, /* the descriptions do not fit: nothing was touched; reasons say why */
    FERRY_PUMP_NOT_CONVERGED, /* strict_downtime cannot be kept; the source runs on */
    FERRY_PUMP_IN_DOUBT,      /* the other side was lost after COMMIT */
} FerryPumpOutcome;

/** What happened to one device. */
typedef struct {
    uint64_t precopy_bytes;
    uint64_t stop_bytes;
    uint64_t n_frames;
    FerrySwitch why;        /* what made the source stop */
    FerryForecast forecast; /* the last one before the stop */
} FerryPumpDevice;

typedef struct {
    FerryPumpOutcome outcome;
    char **reasons; /* (nullable) */
    FerryPumpDevice *devices;
    size_t n_devices;
    int64_t total_ms;
    int64_t downtime_us;   /* first device told to be quiet → all loaded */
    uint64_t memory_bytes; /* that the chunks took */
} FerryPumpReport;

void ferry_pump_report_clear(FerryPumpReport *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryPumpReport, ferry_pump_report_clear)

/**
 * Sends the devices' state.  On success they are in STOP; on failure and on a "no" they run, or
 * the error says what they are in.
 *
 * @metas: each device's description, JSON
 *
 * Returns: false on an error; an answer of "no" is in @ret
 */
bool ferry_pump_send(FerryVfioDevice *const *devices,
                     const char *const *metas,
                     size_t n_devices,
                     FerryChannel *const *channels,
                     size_t n_channels,
                     const FerryPumpOptions *options,
                     FerryPumpReport *ret,
                     GError **error);

/**
 * Compares a source's description with the own device's.
 *
 * @reasons: (element-type utf8): "no" adds why not
 *
 * Returns: false when the description is malformed
 */
typedef bool (*FerryPumpCheck)(void *data,
                               unsigned device,
                               const char *meta,
                               GPtrArray *reasons,
                               GError **error);

/**
 * Receives state into the devices.  On success they run (or are in STOP); on failure they were
 * reset and run empty, or were never touched.
 */
bool ferry_pump_receive(FerryVfioDevice *const *devices,
                        size_t n_devices,
                        FerryChannel *const *channels,
                        size_t n_channels,
                        FerryPumpCheck check,
                        void *check_data,
                        const FerryPumpOptions *options,
                        FerryPumpReport *ret,
                        GError **error);

/** The options with every 0 replaced. */
FerryPumpOptions ferry_pump_defaults(const FerryPumpOptions *options, size_t n_devices);

/** Returns: how many chunks each of @n_devices devices has with these (filled in) options */
unsigned ferry_pump_chunks_each(const FerryPumpOptions *options, size_t n_devices);
