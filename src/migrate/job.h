#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "base/clock.h"
#include "migrate/progress.h"
#include "store/journal.h"

/** Where a job stands, as its users see it; not what decides (that is the journal). */
typedef enum {
    FERRY_JOB_QUEUED,
    FERRY_JOB_RUNNING,
    FERRY_JOB_CANCELLING,
    FERRY_JOB_IN_DOUBT,
    FERRY_JOB_DONE,
    FERRY_JOB_REFUSED,
    FERRY_JOB_FAILED,
    FERRY_JOB_CANCELLED,
    FERRY_JOB_N_STATES
} FerryJobState;

typedef enum {
    FERRY_PHASE_PLAN,
    FERRY_PHASE_CHECK,
    FERRY_PHASE_RESERVE,
    FERRY_PHASE_PREPARE,
    FERRY_PHASE_DETACH,
    FERRY_PHASE_TRANSFER,
    FERRY_PHASE_VERIFY, /* a file's checksums are taken, or compared */
    FERRY_PHASE_HANDOVER,
    FERRY_PHASE_ATTACH,
    FERRY_PHASE_FINISH,
    FERRY_PHASE_UNDO,
    FERRY_N_PHASES
} FerryPhase;

/**
 * What people and programs are shown of a job: written by its one driver, read by any thread.
 * Each change has a number, so a reader can wait for the next.
 */
typedef struct _FerryJob FerryJob;

/** What a job does. */
typedef enum {
    FERRY_JOB_MIGRATE,
    FERRY_JOB_SAVE,    /* side source */
    FERRY_JOB_RESTORE, /* side target */
    FERRY_JOB_N_KINDS
} FerryJobKind;

/** What stays the same in a job; all strings are copied. */
typedef struct {
    const char *id;
    FerrySide side;
    const char *guest_name;
    const char *guest_uuid;
    const char *source;
    const char *target; /* of a save and a restore: the same host */
    FerryJobKind kind;
    const char *file; /* (nullable): of a save or a restore */
} FerryJobIdentity;

/** @changed: called, with no lock held, after each change; from the thread that made it */
FerryJob *ferry_job_new(const FerryJobIdentity *identity,
                        const FerryClock *clock,
                        void (*changed)(void *data),
                        void *data);
FerryJob *ferry_job_ref(FerryJob *job);
void ferry_job_unref(FerryJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryJob, ferry_job_unref)

/** A job of an earlier ferryd: when it began, microseconds since 1970 UTC; before others see it. */
void ferry_job_set_began(FerryJob *job, int64_t began_us);

/** Returns: (transfer none): what never changes; lives as long as the job */
const FerryJobIdentity *ferry_job_identity(const FerryJob *job);

/** Returns: the number of the newest change, from 1 */
uint64_t ferry_job_change(FerryJob *job);
FerryJobState ferry_job_state(FerryJob *job);
bool ferry_job_is_over(FerryJob *job);

/** Asks for the job's cancellation; the driver heeds it where the protocol still allows it. */
void ferry_job_cancel(FerryJob *job);
bool ferry_job_is_cancelled(FerryJob *job);

void ferry_job_set_state(FerryJob *job, FerryJobState state);
/** Ends the phase before (its duration goes into the report) and starts this one. */
void ferry_job_set_phase(FerryJob *job, FerryPhase phase);
/** @what: (nullable): whom or what the job waits for, and what would end the wait */
void ferry_job_set_waiting(FerryJob *job, const char *what);
/**
 * Which timer of the protocol runs while the job waits, and when it is over.
 *
 * @name: static; as configured: "detach_timeout_s"; NULL: none does
 * @at_ms: monotonic, by the job's clock
 */
void ferry_job_set_timer(FerryJob *job, const char *name, int64_t at_ms);
/** @progress: of the transfer, as it is now; copied */
void ferry_job_set_progress(FerryJob *job, const FerryProgress *progress);
/**
 * What the plan says of the transfer.
 *
 * @predicted_ms: of the blackout; -1 = it has no figure
 * @parallel: connections for the guest's memory, 1 or more
 */
void ferry_job_set_planned(FerryJob *job, int64_t predicted_ms, uint64_t parallel);
void ferry_job_set_blackout(FerryJob *job, int64_t blackout_ms);

/** Adds why the job was refused, failed or was cancelled: a stable code and a sentence. */
void ferry_job_add_reason(FerryJob *job, const char *code, const char *message);
/** Adds reasons as a peer gave them: an array of {code, alias?, message, remedy?}; anything else is
 * ignored. */
void ferry_job_add_reasons(FerryJob *job, const json_t *reasons);
/** Adds what the job went on without: a device's alias (or a part of the clean-up) and why. */
void ferry_job_add_degraded(FerryJob *job, const char *alias, const char *message);
bool ferry_job_is_degraded(FerryJob *job);

/**
 * Ends the job.
 *
 * @outcome: a short stable word: "migrated", "aborted", "lost"
 * @runs_on: (nullable): the host where the guest now is
 */
void ferry_job_end(FerryJob *job, FerryJobState state, const char *outcome, const char *runs_on);

/** Returns: (transfer full): the job as the API gives it (docs/api.md) */
json_t *ferry_job_json(FerryJob *job);

/** One step of a device that is taken off and put back. */
typedef enum {
    FERRY_GAP_OFF, /* at the source: from asking the guest for it to seeing it gone */
    FERRY_GAP_ON,  /* at the target: from the guest's first run there to seeing it plugged in */
    FERRY_N_GAPS
} FerryGap;

/**
 * Puts down how long a step of one device took, now that it is seen to be over; one that was not
 * seen has no entry.
 *
 * @since_ms: monotonic, by the job's clock
 */
void ferry_job_add_gap(FerryJob *job, const char *alias, FerryGap gap, int64_t since_ms);

/** What the peer has put down; of others' words only what is well-formed counts. */
void ferry_job_add_gaps(FerryJob *job, const json_t *gaps);

/** Returns: (transfer full): of that only {degraded, reasons, gaps}, which a peer is told often */
json_t *ferry_job_remarks(FerryJob *job);

/** Puts the ended job of a journal's last record, written by ferry_job_json(), into @job. */
void ferry_job_restore(FerryJob *job, const json_t *report);

/** A GCompareFunc for arrays of FerryJob: newest first. */
gint ferry_job_compare_newest(gconstpointer a, gconstpointer b);

const char *ferry_job_state_name(FerryJobState state);
const char *ferry_phase_name(FerryPhase phase);
