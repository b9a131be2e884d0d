#pragma once

#include "migrate/ephemeral.h"
#include "migrate/pace.h"
#include "migrate/replug.h"
#include "migrate/resolve.h"
#include "migrate/source.h"

/*
 * The inside of the source's driver, for its own files: source.c (observe and decide), approach.c
 * (up to the call), handover.c (the call to COMMITTED), ending.c (finish and undo) and overrule.c
 * (an operator's decision).
 *
 * Rules kept by them all; tests cite the numbers, sections are those of docs/handover.md:
 *   R1  A record is durable before the act that it announces; after a failed append nothing more
 *       is done in this run (FERRY_STEP_FAILED).
 *   R2  An answer of T counts only for the record it was asked with: every append forgets it.
 *   R3  Cancel and timers are heeded in rows S1, S3 and S7 only.
 *   R4  ABORTED says truthfully whether finish may have passed the relay: the relay is sealed
 *       first, so that nothing passes between the record and the cut.
 *   R5  The autostart flag and the definition are right before the marker goes, the marker before
 *       DONE.
 */
struct _FerrySource {
    FerrySourceWorld world;
    FerryJob *job;
    FerryPlan *plan;
    FerryEphemerals *ephemerals;
    FerryReplug replug;
    FerrySourceRecord record;
    bool planned;       /* PLANNED is in the journal */
    bool live;          /* begun in this run: its steps may go on */
    bool prepared;      /* T said PREPARED in this run */
    bool called;        /* libvirt's call was begun in this run */
    bool called_over;   /* and is over, or was given up before it began */
    FerryAnswer answer; /* of T, to a question asked with this record */
    bool unexplained;   /* the transfer failed, and libvirt has not said why yet */
    bool refused;       /* T said no: an answer, not a failure */
    bool lost;          /* T had it, and it ended there */
    bool end_heard;     /* what T did at the end is in the job's view */
    bool resolved;      /* RESOLVED is in the journal: T's word on it counts no more */
    FerryKept kept;     /* of it */
    bool unstartable;   /* the start from disk was given up */
    guint hybrids_off;  /* needs of the plan whose VF is off, or that have none */
    bool unplugging;    /* the one after those has a DETACH record */
    int64_t unplug_ms;  /* since then; of an ephemeral device: since it has one */
    json_t *assign;     /* (nullable): what T prepared for the guest's devices */
    bool released;      /* what the guest had here is given back, or is told */
    char *target_xml;   /* computed when everything is off */
    const char *row;    /* of the table, decided last */
    FerryPace pace;
    int64_t began_ms;
    int64_t asked_ms; /* last question */
    int64_t heard_ms; /* last answer during the transfer */
    int64_t called_ms;
    int64_t held_ms; /* since when finish is held; 0 = not */
    FerryProgress progress;
    int64_t handoff_ms;
    int64_t ending_ms;   /* since when T's word is waited for at the end */
    int64_t blackout_ms; /* -1 = not measured */
};

/* How often a long step is looked at when nothing tells of a change. */
#define FERRY_SOURCE_POLL_MS 250

int64_t ferry_source_now_ms(const FerrySource *self);

/** An act on this host that failed: shown as what the job waits for, and tried again. */
FerryStep ferry_source_retry_local(FerrySource *self, const GError *error);

/** R1 and R2.  @body: (transfer full) */
FerryStep ferry_source_append(FerrySource *self,
                              FerryRecordKind kind,
                              FerrySourceRecord record,
                              json_t *body);

/** R4: seals the relay and writes ABORTED; @code and @message go into the job's reasons. */
FerryStep ferry_source_abort(FerrySource *self, const char *code, const char *message);

/** Asks T with the record of now; on success self->answer is its answer. */
bool ferry_source_ask(FerrySource *self, FerryAsk what, GError **error);

/** Looks at the guest here. */
FerrySourceDomain ferry_source_observe(FerrySource *self);

/** Once it is resolved, T may only say that it gave up: what it says of a guest of its own is of
 * before. */
void ferry_source_overrule_answer(FerrySource *self);

/** What comes of RESOLVED before the table is asked again: a copy that is dead goes, then ABORTED.
 */
FerryStep ferry_source_do_resolved(FerrySource *self, FerrySourceDomain domain); /* overrule.c */

/** Starts the guest from disk where an operator decided so; it comes after the marker. */
bool ferry_source_start(FerrySource *self, GError **error); /* overrule.c */

/* The acts of the decision table, one function each. */
FerryStep ferry_source_do_step(FerrySource *self);      /* approach.c */
FerryStep ferry_source_do_call(FerrySource *self);      /* approach.c */
FerryStep ferry_source_do_wait(FerrySource *self);      /* handover.c */
FerryStep ferry_source_do_abort(FerrySource *self);     /* handover.c */
FerryStep ferry_source_do_handoff(FerrySource *self);   /* handover.c */
FerryStep ferry_source_do_go(FerrySource *self);        /* handover.c */
FerryStep ferry_source_do_committed(FerrySource *self); /* handover.c */
FerryStep ferry_source_do_release(FerrySource *self);   /* handover.c */
FerryStep ferry_source_do_cut(FerrySource *self);       /* handover.c */
FerryStep ferry_source_do_destroy(FerrySource *self);   /* ending.c */
FerryStep ferry_source_do_finish(FerrySource *self);    /* ending.c */
FerryStep ferry_source_do_resume(FerrySource *self);    /* ending.c */
FerryStep ferry_source_do_undo(FerrySource *self);      /* ending.c */
FerryStep ferry_source_do_replug(FerrySource *self);    /* ending.c */
