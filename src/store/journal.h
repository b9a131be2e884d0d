#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/record.h"
#include "store/store.h"

/** A job as the journal knows it: who it is about, and its newest record. */
typedef struct {
    char *id;
    FerrySide side; /* which side this host is on */
    char *guest_uuid, *guest_name;
    char *peer; /* name of the other host */
    FerryRecordKind record;
    int64_t created_us, updated_us; /* of the first and the newest record; for display only */
} FerryJobRow;

void ferry_job_row_free(FerryJobRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryJobRow, ferry_job_row_free)

/**
 * Adds a record to a job, and the job itself with its first one, in one transaction that is on the
 * disk when this returns true.  Has a crash point just before and just after.
 *
 * A job holds its guest from its first record to DONE; a job that begins with ABORTED is a
 * tombstone and holds nothing (docs/handover.md, T2).
 *
 * @job: id and side always; guest_uuid, guest_name and peer are used for the first record only;
 *       the rest is not read
 * @data: (nullable): JSON text, kept as it is; NULL counts as ""
 *
 * Returns: false with FERRY_ERROR_BUSY, naming the other job, when another job on this host holds
 *          the guest; FERRY_ERROR_INVALID when the job is DONE; else as store.h
 */
bool ferry_journal_append(FerryStore *self,
                          const FerryJobRow *job,
                          FerryRecordKind kind,
                          const char *data,
                          int64_t wall_us,
                          GError **error);

/** @ret: (out) (transfer full): array of FerryRecord, oldest first; empty for an unknown job */
bool ferry_journal_read(FerryStore *self, const char *job_id, GPtrArray **ret, GError **error);

/** @ret: (out) (nullable) (transfer full): the job, or NULL when it is unknown here */
bool ferry_journal_job(FerryStore *self, const char *job_id, FerryJobRow **ret, GError **error);

/** @ret: (out) (nullable) (transfer full): the job that holds this guest, or NULL */
bool ferry_journal_live_job_of(FerryStore *self,
                               const char *guest_uuid,
                               FerryJobRow **ret,
                               GError **error);

typedef enum {
    FERRY_JOURNAL_UNFINISHED /* newest record is not DONE */,
    FERRY_JOURNAL_ALL
} FerryJournalWhich;

/** @ret: (out) (transfer full): array of FerryJobRow, newest first, freeing its elements */
bool ferry_journal_jobs(FerryStore *self, FerryJournalWhich which, GPtrArray **ret, GError **error);

/**
 * Removes the jobs, with their records, that were DONE before @done_before_us (wall clock).
 *
 * @ret: (out) (transfer full): array of their ids
 */
bool
ferry_journal_forget(FerryStore *self, int64_t done_before_us, GPtrArray **ret, GError **error);
