#pragma once

#include "migrate/ephemeral.h"
#include "migrate/pace.h"
#include "migrate/replug.h"
#include "migrate/resolve.h"
#include "migrate/target.h"

/*
 * The inside of the target's driver, for its own files: target.c (observe and decide), arrival.c
 * (up to RUNNING), settle.c (devices, definition, finish, undo) and prevail.c (an operator's
 * decision).
 *
 * Rules kept here; tests cite the numbers, sections are those of docs/handover.md:
 *   Q1  A record is durable before the act that it announces; after a failed append nothing more
 *       is done in this run.
 *   Q2  Between COMMIT and the guest's run stands nothing that can fail but libvirt's resume.
 *   Q3  "complete" is said only with the hold marker set (section 5).
 *   Q4  A lease ends a job without a domain only; a domain that is complete waits for S.
 *   Q5  Undoing, the marker goes last, when domain and definition are seen gone.
 */
struct _FerryTarget {
    FerryTargetWorld world;
    FerryJob *job;
    FerryPlan *plan; /* (nullable) in a tombstone */
    FerryEphemerals *ephemerals;
    FerryReplug replug;
    json_t *assign; /* (nullable): of PREPARED: what the guest's devices are here */
    FerryTargetRecord record;
    bool aborted;   /* of DONE: its outcome */
    bool lost;      /* LOST was written */
    bool ran;       /* RUNNING or LOST was written: the definition here is ours */
    bool resolved;  /* RESOLVED is in the journal: of S's words only COMMITTED counts any more */
    FerryKept kept; /* of it */
    FerrySaid said;
    FerryDomainLook look;
    FerryTargetDomain domain;
    bool marked;
    bool attached; /* or given up, see the job's degraded */
    bool defined;
    bool handed_on;  /* the job's claims are the guest's */
    json_t *reasons; /* of a refusal */
    FerryPace pace;
    int64_t heard_ms;
    int64_t asked_ms;
    int64_t complete_ms; /* since when complete is seen; 0 = not */
};

/* How often a long step is looked at when nothing tells of a change. */
#define FERRY_TARGET_POLL_MS 250
/* So many keepalives of silence, and S is taken for out of reach: section 7. */
#define FERRY_TARGET_SILENCES 5

int64_t ferry_target_now_ms(const FerryTarget *self);

/** An act on this host that failed: shown as what the job waits for, and tried again. */
FerryStep ferry_target_retry(FerryTarget *self, const GError *error);

/** Q1.  @body: (transfer full) */
FerryStep ferry_target_append(FerryTarget *self,
                              FerryRecordKind kind,
                              FerryTargetRecord record,
                              json_t *body);

/** Writes ABORTED; @code and @message go into the job's reasons. */
FerryStep ferry_target_abort(FerryTarget *self, const char *code, const char *message);

/** Ends the job's view and writes DONE with the report. */
FerryStep ferry_target_write_done(FerryTarget *self,
                                  FerryJobState state,
                                  const char *outcome,
                                  const char *runs_on);

/** Looks at the domain; sets the marker when it may be set. */
void ferry_target_observe(FerryTarget *self);

/** Takes RESOLVED in, as it was written or as the journal has it. */
void ferry_target_take_resolved(FerryTarget *self, const json_t *body); /* prevail.c */

/** What comes of RESOLVED before the table is asked again: COMMIT for a copy that may go on; else
 * the copy goes and the guest starts from disk. */
FerryStep ferry_target_do_resolved(FerryTarget *self); /* prevail.c */

/** Takes what PREPARED assigns; ephemeral devices get their names here. */
void ferry_target_take_assign(FerryTarget *self, json_t *assign);

/* The acts of the decision table, one function each. */
FerryStep ferry_target_do_reserved(FerryTarget *self); /* arrival.c */
FerryStep ferry_target_do_prepared(FerryTarget *self); /* arrival.c */
FerryStep ferry_target_do_lease(FerryTarget *self);    /* arrival.c */
FerryStep ferry_target_do_wait(FerryTarget *self);     /* arrival.c */
FerryStep ferry_target_do_aborted(FerryTarget *self);  /* arrival.c */
FerryStep ferry_target_do_commit(FerryTarget *self);   /* arrival.c */
FerryStep ferry_target_do_running(FerryTarget *self);  /* arrival.c */
FerryStep ferry_target_do_resume(FerryTarget *self);   /* arrival.c */
FerryStep ferry_target_do_lost(FerryTarget *self);     /* arrival.c */
FerryStep ferry_target_do_finish(FerryTarget *self);   /* settle.c */
FerryStep ferry_target_do_undo(FerryTarget *self);     /* settle.c */
FerryStep ferry_target_do_answer(FerryTarget *self);   /* settle.c */
