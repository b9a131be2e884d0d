#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "migrate/plan.h"
#include "store/record.h"

/**
 * The one override: an operator says which side keeps the guest while the other host is off or cut
 * off from the disks (docs/handover.md, section 8).  Fencing proves that the other side runs no
 * longer, not that it never ran; what of the guest's memory may still be used is judged here.
 */

typedef enum {
    FERRY_LOSS_REFUSED,  /* only if the guest's memory can be kept */
    FERRY_LOSS_ACCEPTED, /* its memory may be discarded: it starts from disk */
} FerryLoss;

/** A user's decision, its safeguards passed.  A value; strings and records are the caller's. */
typedef struct {
    const char *fenced;            /* the other host, as typed by hand */
    const char *reason;            /* for the record: why, in a person's words */
    const char *by;                /* who asked: "local", or the name in a certificate */
    const char *journal;           /* (nullable): the file that @peer_records are of */
    const GPtrArray *peer_records; /* (nullable): of FerryRecord, the fenced host's of this job */
    FerryLoss loss;
} FerryResolution;

/** What becomes of the guest on the side that is kept. */
typedef enum {
    FERRY_KEPT_MEMORY, /* the copy that stands here goes on */
    FERRY_KEPT_DISK,   /* the copy is discarded, the guest starts from disk */
} FerryKept;

/**
 * Whether the source's paused copy may go on: only if the target provably never committed, or if
 * the guest has no disk that the target could have written to.
 *
 * @why: (out) (transfer full): the sentence that says so
 */
FerryKept
ferry_resolve_source(const FerryPlan *plan, const FerryResolution *resolution, char **why);

/**
 * Whether the target's complete copy may go on: only if the source provably handed it over.
 *
 * @why: (out) (transfer full): the sentence that says so
 */
FerryKept
ferry_resolve_target(const FerryPlan *plan, const FerryResolution *resolution, char **why);

/** Returns: (transfer full): what the record RESOLVED holds: all of the decision, for the audit */
json_t *ferry_resolve_format(const FerryResolution *resolution, FerryKept kept, const char *why);

/** Returns: what ferry_resolve_format() was told; _DISK when it cannot be read */
FerryKept ferry_resolve_kept(const json_t *record);
