#pragma once

#include "migrate/job.h"
#include "migrate/ops.h"
#include "migrate/plan.h"
#include "migrate/resolve.h"

/**
 * The source's side of one migration: looks at its record, its guest, the relay and what the
 * target said, asks the decision table, and does that one thing.  The normal run and recovery are
 * the same steps; what differs is that a recovered driver does not go on with a migration that has
 * not reached HANDOFF.
 *
 * One thread at a time.  It keeps nothing that it would need after a crash: that is in the journal.
 */
typedef struct _FerrySource FerrySource;

/** What a driver works with; all of it outlives the driver. */
typedef struct {
    const FerryClock *clock;
    const FerryTimers *timers;
    const FerryJournalOps *journal;
    const FerryGuestOps *guest;
    const FerryDeviceOps *devices;
    const FerryLinkOps *link;
    void *data; /* handed to every op */
} FerrySourceWorld;

/**
 * Begins a migration: PLANNED is the first step's record.
 *
 * @job: what people see of it; the driver takes a reference
 * @plan: (transfer full)
 */
FerrySource *ferry_source_new(const FerrySourceWorld *world, FerryJob *job, FerryPlan *plan);

/**
 * Takes up a migration where its journal stands.
 *
 * @records: of FerryRecord, the first one PLANNED
 *
 * Returns: NULL with FERRY_ERROR_CORRUPT when the records make no sense
 */
FerrySource *ferry_source_recover(const FerrySourceWorld *world,
                                  FerryJob *job,
                                  const GPtrArray *records,
                                  GError **error);

/**
 * After FERRY_STEP_FAILED: takes the newest record from the journal, which alone knows whether the
 * record is there, and goes on.  The relay and libvirt's call are as they were.
 */
void ferry_source_reload(FerrySource *self, const GPtrArray *records);

void ferry_source_free(FerrySource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySource, ferry_source_free)

/** Looks once and does one thing. */
FerryStep ferry_source_step(FerrySource *self);

/** Returns: (transfer none): what the job is about */
const FerryPlan *ferry_source_plan(const FerrySource *self);

/** Returns: after FERRY_STEP_WAIT, how long to wait at most for a change before the next step */
int64_t ferry_source_wait_ms(const FerrySource *self);

/** Returns: (transfer full): as ferry_ephemerals_late(), of a job that was rolled back */
json_t *ferry_source_late(const FerrySource *self);

/** Returns: the kind of the record that the tables know it by, which RESOLVED does not change */
FerryRecordKind ferry_source_record(const FerrySource *self);

/** Returns: what T is told of it: its record, or RESOLVED */
FerryRecordKind ferry_source_word(const FerrySource *self);

/**
 * An operator decides for this side.
 *
 * @reasons: an array; why it is not taken is added to it
 *
 * Returns: FERRY_STEP_AGAIN when it is in the journal; FERRY_STEP_WAIT when it is not taken, with
 *          FERRY_ERROR_INVALID or with @reasons; FERRY_STEP_FAILED with FERRY_ERROR_IO
 */
FerryStep ferry_source_resolve(FerrySource *self,
                               const FerryResolution *resolution,
                               json_t *reasons,
                               GError **error);
