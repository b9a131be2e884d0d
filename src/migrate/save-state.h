#pragma once

#include <stdatomic.h>

#include "migrate/ephemeral.h"
#include "migrate/save.h"

/* What the files of a save share: save.c and save-detach.c. */

#define FERRY_SAVE_POLL_MS 200

struct _FerrySave {
    FerrySavedWorld world;
    FerryJob *job;
    FerryPlan *plan;
    char *file, *partial;
    FerrySaveOver over;
    FerryEphemerals *ephemerals;
    _Atomic FerryRecordKind record;
    bool is_recovered;
    bool is_left; /* the process is about to end */
};

int64_t ferry_save_now_ms(const FerrySave *self);

/** Writes a record.  @body: (transfer full).  Returns: false when the process is about to end */
bool ferry_save_append(FerrySave *self, FerryRecordKind kind, json_t *body);

/** Notes why it has to go back.  Returns: false, for who returns that */
bool ferry_save_fail(FerrySave *self, const char *code, const char *message);

/** Takes VFs of hybrids and ephemeral devices off, each with a record first.  Returns: false when
 * it has to go back, or the process is about to end */
bool ferry_save_take_off(FerrySave *self);
