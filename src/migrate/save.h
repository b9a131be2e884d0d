#pragma once

#include "migrate/save-file.h"
#include "migrate/saved.h"

/**
 * Saves a running guest in a file, with the devices that may stay plugged, and ends it here.  One
 * thread runs it top to bottom; what it has done is in the journal, so that the next ferryd goes
 * on:
 *
 *   PLANNED    the plan; nothing is done
 *   DETACH     a device is about to be taken off; one record each
 *   TRANSFER   libvirt is about to write FILE.JOB.part
 *   COMMITTED  all of it is written and the guest has ended: only forward from here
 *   ABORTED    the guest goes on, and gets its devices back
 *   DONE
 *
 *   1. The partial file is removed only while the guest is seen to run.
 *   2. COMMITTED is written only when the guest is seen to have ended and libvirt reads the file.
 *   3. FILE appears whole or not at all; the old FILE.ferry is gone before a new FILE is there.
 */
typedef struct _FerrySave FerrySave;

/** @plan: (transfer full); @world: copied; what it names, and @job, outlive the result */
FerrySave *ferry_save_new(const FerrySavedWorld *world,
                          FerryJob *job,
                          FerryPlan *plan,
                          const char *file,
                          FerrySaveOver over);

/**
 * One that an earlier ferryd began.
 *
 * @records: of FerryRecord, oldest first, of which at least one
 *
 * Returns: NULL with FERRY_ERROR_INVALID for records that no save writes
 */
FerrySave *ferry_save_recover(const FerrySavedWorld *world,
                              FerryJob *job,
                              const GPtrArray *records,
                              GError **error);
void ferry_save_free(FerrySave *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySave, ferry_save_free)

/** Runs to the job's end.  Returns: false when the process is about to end before it */
bool ferry_save_run(FerrySave *self);

/** Returns: (transfer full): as ferry_ephemerals_late(), once the save has ended */
json_t *ferry_save_late(const FerrySave *self);

/** Returns: the newest record that is on the disk; another thread may ask */
FerryRecordKind ferry_save_record(FerrySave *self);
