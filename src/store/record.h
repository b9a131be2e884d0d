#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** Which of the two ferryds of a job this one is. */
typedef enum { FERRY_SIDE_SOURCE, FERRY_SIDE_TARGET } FerrySide;

/** The records of a job's journal: docs/handover.md, section 4. */
typedef enum {
    FERRY_RECORD_NONE, /* no record yet: never in the journal */
    /* the source's */
    FERRY_RECORD_PLANNED,
    FERRY_RECORD_DETACH,
    FERRY_RECORD_TRANSFER,
    FERRY_RECORD_HANDOFF,
    FERRY_RECORD_COMMITTED,
    /* the target's */
    FERRY_RECORD_RESERVED,
    FERRY_RECORD_PREPARED,
    FERRY_RECORD_COMMIT,
    FERRY_RECORD_RUNNING,
    FERRY_RECORD_LOST,
    /* of both */
    FERRY_RECORD_ABORTED,
    FERRY_RECORD_RESOLVED, /* an operator decided for this side: section 8 */
    FERRY_RECORD_DONE,
    FERRY_RECORD_N_KINDS
} FerryRecordKind;

/** Returns: (transfer none): "HANDOFF"; of FERRY_RECORD_NONE "none" */
const char *ferry_record_kind_name(FerryRecordKind kind);

/** Inverse of the above.  Returns: false, @ret untouched, when no kind has that name */
bool ferry_record_kind_parse(const char *name, FerryRecordKind *ret);

/** Returns: (transfer none): "source" or "target" */
const char *ferry_side_name(FerrySide side);

/** Dies here if the environment asks for a crash just before or after writing this record:
 * base/crash.h. Only for a kind that this side writes. */
void ferry_record_crash_before(FerrySide side, FerryRecordKind kind);
void ferry_record_crash_after(FerrySide side, FerryRecordKind kind);

/** One entry of a job's journal. */
typedef struct {
    FerryRecordKind kind;
    int64_t seq;     /* 1, 2, … within the job */
    int64_t wall_us; /* for display only */
    char *data;      /* what the record holds, as its writer gave it: JSON text or "" */
} FerryRecord;

void ferry_record_free(FerryRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRecord, ferry_record_free)
