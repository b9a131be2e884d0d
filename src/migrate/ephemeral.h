#pragma once

#include "migrate/job.h"
#include "migrate/ops.h"
#include "migrate/plan.h"

/**
 * The ephemeral devices of one guest on one host: taken off one after the other, each seen to be
 * gone; put back by comparing with what the guest has.  QEMU only asks the guest and has no
 * deadline; ours is here.  One thread at a time.
 */
typedef struct _FerryEphemerals FerryEphemerals;

/** @devices: (transfer none): of FerryPlanDevice; it, @guest and @timers outlive the result */
FerryEphemerals *ferry_ephemerals_new(const FerryGuestOps *guest,
                                      void *data,
                                      const FerryTimers *timers,
                                      GPtrArray *devices);
void ferry_ephemerals_free(FerryEphemerals *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryEphemerals, ferry_ephemerals_free)

/** Returns: (nullable): the next device to take off, not yet journalled; NULL while one is under
 * way or none is left */
const FerryPlanDevice *ferry_ephemerals_next(const FerryEphemerals *self);

/** The device's DETACH record is durable: from now on it counts as taken off, or about to be. */
void ferry_ephemerals_begin(FerryEphemerals *self, const char *alias, int64_t now_ms);

typedef enum {
    FERRY_EPHEMERAL_DONE,   /* nothing (more) to do */
    FERRY_EPHEMERAL_WAIT,   /* the guest has not answered yet */
    FERRY_EPHEMERAL_FAILED, /* refused, or past the deadline; @why says it */
} FerryEphemeral;

/**
 * Goes on with the device under way: asks once, then looks whether it is really gone.  "Gone" is
 * libvirt's live XML without it (libvirt drops it there only after QEMU's DEVICE_DELETED).
 *
 * @job: gets how long it took
 * @why: (out) (transfer full): a sentence for WAIT and FAILED
 */
FerryEphemeral
ferry_ephemerals_detach(FerryEphemerals *self, FerryJob *job, int64_t now_ms, char **why);

/**
 * Puts back every device that has a DETACH record (at the source, undoing) and is absent from the
 * live XML.  Each gets three tries within the attach deadline, then it is left off.
 *
 * @job: gets a "degraded" entry for each device that is left off; how long the others took, if
 *       that is measured
 *
 * Returns: DONE (all there, or told in @job), WAIT
 */
FerryEphemeral ferry_ephemerals_attach(FerryEphemerals *self, FerryJob *job, int64_t now_ms);

/** The target's case: every device of the plan counts as taken off. */
void ferry_ephemerals_begin_all(FerryEphemerals *self);

/** The guest runs since then, without them: how long each one takes to come is measured. */
void ferry_ephemerals_measure(FerryEphemerals *self, int64_t since_ms);

/**
 * Returns: (transfer full): [{alias, xml}] for the late watch: a device that was asked for and is
 *          still in the guest, which may let go later; those that could not be put back
 */
json_t *ferry_ephemerals_late(const FerryEphemerals *self);
