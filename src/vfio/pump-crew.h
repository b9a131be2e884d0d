#pragma once

#include "vfio/latch.h"
#include "vfio/pump.h"
#include "vfio/queue.h"

/** What both halves of the pump have: threads that end together, a clock, somebody who watches.
 *  The caller's own, but for the latch.  Private to the pump. */
typedef struct {
    FerryPumpOptions options; /* filled in */
    const FerryClock *clock;
    FerryLatch latch;
    size_t n_lanes;     /* devices */
    size_t n_wires;     /* channels that are used */
    unsigned n_working; /* threads; under the latch */
    bool two_way;
    int64_t start_ms;
    int64_t shown_ms;
} PumpCrew;

/** Also makes @report ready for its devices. */
void pump_crew_init(PumpCrew *self,
                    const FerryPumpOptions *options,
                    size_t n_devices,
                    FerryChannel *const *channels,
                    size_t n_channels,
                    FerryPumpReport *report);
void pump_crew_clear(PumpCrew *self);

int64_t pump_crew_now_ms(const PumpCrew *self);

/** Starts a thread, which counts as working until it says pump_crew_leave(). */
void pump_crew_start(PumpCrew *self, pthread_t *thread, void *(*run)(void *data), void *data);
void pump_crew_join(pthread_t thread);

/** @error: (transfer full) (nullable): why the thread ends, and all others with it */
void pump_crew_leave(PumpCrew *self, GError *error);

/** Waits at most @ms for something to change.  Returns: how many threads are at work */
unsigned pump_crew_wait(PumpCrew *self, int ms);

/** Makes a device's chunks. */
void pump_crew_fill(const PumpCrew *self, unsigned lane, FerryQueue *free);

/** Returns: a free chunk, or NULL when the pump has failed or the queue was closed */
FerryChunk *pump_crew_take(PumpCrew *self, FerryQueue *free);

/** Returns: false with FERRY_ERROR_CANCELLED when the caller's flag is set */
bool pump_crew_check_cancelled(const PumpCrew *self, GError **error);

/** Shows the progress if it is time to: @fill says it of each device. */
void pump_crew_show(PumpCrew *self,
                    void (*fill)(const void *half, unsigned lane, FerryProgress *row),
                    const void *half);

/** Says in @report that nobody knows how it ended, because of @error. */
void pump_report_doubt(FerryPumpReport *report, const GError *error);
