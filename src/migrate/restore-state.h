#pragma once

#include <stdatomic.h>

#include "migrate/restore.h"

/* What the files of a restore share: restore.c and restore-finish.c. */

#define FERRY_RESTORE_POLL_MS 200

struct _FerryGuestRestore {
    FerrySavedWorld world;
    FerryJob *job;
    FerrySaved *saved; /* of a recovered one only file and plan */
    json_t *assign;    /* (nullable) */
    _Atomic FerryRecordKind record;
    bool is_recovered;
    bool is_verified; /* the file is what was saved */
    bool is_left;     /* the process is about to end */
    bool is_refused;  /* an answer: the end is "refused", not "failed" */
};

/** Writes a record.  @body: (transfer full).  Returns: false when the process is about to end */
bool ferry_guest_restore_append(FerryGuestRestore *self, FerryRecordKind kind, json_t *body);

/** Writes the last record.  @runs_on: (nullable).  Returns: as above */
bool ferry_guest_restore_end(FerryGuestRestore *self,
                             FerryJobState state,
                             const char *outcome,
                             const char *runs_on);

/** The guest runs: its devices, its definition, the note in the sidecar, and the end.  Returns: as
 * above */
bool ferry_guest_restore_finish(FerryGuestRestore *self);
