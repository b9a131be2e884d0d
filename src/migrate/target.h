#pragma once

#include "migrate/job.h"
#include "migrate/ops.h"
#include "migrate/plan.h"
#include "migrate/resolve.h"

/**
 * The target's side of one migration: acts on whatever the source says, however old, by its row of
 * the decision table, and answers with its record of now.  Once its guest runs it puts the
 * ephemeral devices back and defines it.
 *
 * One thread at a time.  It keeps nothing that it would need after a crash: that is in the journal.
 */
typedef struct _FerryTarget FerryTarget;

/** What a driver works with; all of it outlives the driver. */
typedef struct {
    const FerryClock *clock;
    const FerryTimers *timers;
    const FerryJournalOps *journal;
    const FerryGuestOps *guest;
    const FerryDeviceOps *devices;
    const FerryFarOps *far;
    void *data; /* handed to every op */
} FerryTargetWorld;

/**
 * Begins at a job that nothing was heard of before.
 *
 * @plan: (transfer full) (nullable): NULL for a job that S only says to have aborted: a tombstone
 */
FerryTarget *ferry_target_new(const FerryTargetWorld *world, FerryJob *job, FerryPlan *plan);

/** Returns: (nullable) (transfer none): what the job is about; a tombstone does not know */
const FerryPlan *ferry_target_plan(const FerryTarget *self);

/** Takes up a job where its journal stands; see ferry_source_recover(). */
FerryTarget *ferry_target_recover(const FerryTargetWorld *world,
                                  FerryJob *job,
                                  const GPtrArray *records,
                                  GError **error);

/** As ferry_source_reload(). */
void ferry_target_reload(FerryTarget *self, const GPtrArray *records);

void ferry_target_free(FerryTarget *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryTarget, ferry_target_free)

/** Takes in what S says; the next steps act on it.  UNKNOWN only renews the lease. */
void ferry_target_hear(FerryTarget *self, FerrySaid said);

/**
 * An operator decides for this side; as ferry_source_resolve().  Where the guest runs here already
 * it only ends the waiting for S's word.
 */
FerryStep ferry_target_resolve(FerryTarget *self,
                               const FerryResolution *resolution,
                               json_t *reasons,
                               GError **error);

/** Looks once and does one thing. */
FerryStep ferry_target_step(FerryTarget *self);

/** Returns: (transfer full): as ferry_ephemerals_late(), of a guest that came to stay */
json_t *ferry_target_late(const FerryTarget *self);

/** Returns: as ferry_source_wait_ms() */
int64_t ferry_target_wait_ms(const FerryTarget *self);

/**
 * The answer as of the last look: the record (DONE as RUNNING or ABORTED, COMMIT with the guest
 * seen to run as RUNNING) and the domain in section 5's words.
 *
 * @ret: (out): its details are the caller's: {attached, finished, degraded[], reasons[]}
 */
void ferry_target_answer(const FerryTarget *self, FerryAnswer *ret);
