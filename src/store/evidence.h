#pragma once

#include <stdbool.h>

#include <glib.h>

#include "store/record.h"

/** Whose job it must be, or the file proves nothing; strings are the caller's. */
typedef struct {
    const char *job;
    FerrySide side; /* of the host that the file is of */
    const char *guest_uuid;
} FerryEvidence;

/**
 * Reads a job's records from another host's database, which somebody brought here.  The file is
 * not touched: it is read in a copy.
 *
 * The newest records of a host that went down are in its write-ahead log, which must lie beside
 * it: without it a COMMIT would be missed.  So a missing one is an error.
 *
 * @path: absolute; @work_dir: a folder of ours, for the copy
 * @ret: (out) (transfer full): of FerryRecord, oldest first, at least one
 *
 * Returns: false with FERRY_ERROR_INVALID when it is not that host's database or knows no such job;
 *          FERRY_ERROR_NOT_FOUND, FERRY_ERROR_CORRUPT, FERRY_ERROR_UNSUPPORTED, as store.h
 */
bool ferry_evidence_read(const char *path,
                         const char *work_dir,
                         const FerryEvidence *wanted,
                         GPtrArray **ret,
                         GError **error);
