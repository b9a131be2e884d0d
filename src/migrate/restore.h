#pragma once

#include "migrate/saved.h"

/**
 * Starts a guest from a file, with devices of this host.  One thread runs it top to bottom; what it
 * has done is in the journal, so that the next ferryd goes on:
 *
 *   RESERVED   the plan; slots are claimed for the job
 *   PREPARED   mediated devices are made; what the guest's devices are called here
 *   COMMIT     libvirt is about to start the guest from the file
 *   RUNNING    it runs: only forward from here
 *   ABORTED    it does not: what was made and claimed goes
 *   DONE
 *
 *   1. Before anything is claimed, all of the file was read and is what was saved, unless its user
 *      said otherwise, or nobody knows what was saved.
 *   2. libvirt gets no name of a host device that was not claimed for this job.
 *   3. The file is only read.  Only the sidecar is written to, once the guest runs.
 */
typedef struct _FerryGuestRestore FerryGuestRestore;

/** @saved: (transfer full): its plan has the job's id; @world: copied; what it names, and @job,
 * outlive the result */
FerryGuestRestore *
ferry_guest_restore_new(const FerrySavedWorld *world, FerryJob *job, FerrySaved *saved);

/**
 * One that an earlier ferryd began.
 *
 * @records: of FerryRecord, oldest first, of which at least one
 *
 * Returns: NULL with FERRY_ERROR_INVALID for records that no restore writes
 */
FerryGuestRestore *ferry_guest_restore_recover(const FerrySavedWorld *world,
                                               FerryJob *job,
                                               const GPtrArray *records,
                                               GError **error);
void ferry_guest_restore_free(FerryGuestRestore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryGuestRestore, ferry_guest_restore_free)

/** Runs to the job's end.  Returns: false when the process is about to end before it */
bool ferry_guest_restore_run(FerryGuestRestore *self);

/** Returns: the newest record that is on the disk; another thread may ask */
FerryRecordKind ferry_guest_restore_record(FerryGuestRestore *self);
