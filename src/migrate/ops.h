#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "guest/act.h"
#include "guest/device.h"
#include "guest/look.h"
#include "guest/migrate.h"
#include "migrate/decide.h"
#include "migrate/hybrid.h"
#include "migrate/plan.h"
#include "store/journal.h"

/**
 * The world as the two drivers of a migration see it: everything that they read or change outside
 * of themselves goes through these tables, so that a test can record it, make it fail, or let the
 * "process" die at any call.
 *
 * For every function: @data is the table's user's; repeating a call succeeds ("already running",
 * "not there" are successes), since recovery repeats; a failure sets @error and changed nothing,
 * or what it changed is found by looking again.  Calls come from one thread a job.
 */

/** The journal of this host, for one job. */
typedef struct {
    /** Durable when it returns true.  A failure is a crash of the driver at that point. */
    bool (*append)(void *data, FerryRecordKind kind, json_t *record, GError **error);
} FerryJournalOps;

/** The guest of the job on this host, in libvirt's hands. */
typedef struct {
    bool (*look)(void *data, FerryDomainLook *ret, GError **error);
    bool (*xml)(void *data, FerryGuestsXml which, char **ret, GError **error);
    bool (*resume)(void *data, GError **error);
    bool (*destroy)(void *data, GError **error);
    bool (*define)(void *data, const char *xml, GError **error);
    bool (*undefine)(void *data, GError **error);
    bool (*start)(void *data, GError **error); /* from disk, by its definition here */
    bool (*set_autostart)(void *data, FerryAutostart autostart, GError **error);
    /** Only asks QEMU to let the device go; whether it did is seen in the live XML. */
    bool (*detach_ask)(void *data,
                       const char *alias,
                       FerryDetach *ret,
                       char **ret_reason,
                       GError **error);
    /** Whether the guest refused to let go since it was asked. */
    bool (*device_kept)(void *data, const char *alias);
    bool (*attach)(void *data, const char *alias, const char *device_xml, GError **error);
    /** The hold marker (facts of the protocol: docs/handover.md, "Records and markers"). */
    bool (*mark)(void *data, GError **error);
    bool (*unmark)(void *data, GError **error);
} FerryGuestOps;

/** The host's devices that the job's guest needs or has. */
typedef struct {
    /** T: claims a slot for each need of the plan, or none: then @ret_reasons says why. */
    bool (*reserve)(void *data, const FerryPlan *plan, json_t **ret_reasons, GError **error);
    /** T: makes them; @ret_assign: (transfer full): see migrate/assign.h; NULL when @ret_reasons
     *  says why not. */
    bool (*prepare)(void *data,
                    const FerryPlan *plan,
                    json_t **ret_assign,
                    json_t **ret_reasons,
                    GError **error);
    /** S: one step of taking a hybrid's VF off; see ferry_hybrid_unplug(). */
    bool (*unplug)(void *data,
                   const char *vf_alias,
                   FerryUnplug *ret,
                   char **ret_why,
                   GError **error);
    /** One step of giving the running guest's hybrids their VFs; waits for nothing.
     *  @ret_lacks: (out) (nullable) (transfer full): [{alias, message, code?}] of those that have
     *  none; the code "no-free-vf" is of one for which there is none to be had */
    bool (*plug)(void *data, json_t **ret_lacks, GError **error);
    /** T: the guest has them now, not the job. */
    bool (*keep)(void *data, GError **error);
    /** T: gives back what the job holds. */
    bool (*release_job)(void *data, GError **error);
    /** S: gives back what the guest has, which has left. */
    bool (*release_guest)(void *data, GError **error);
} FerryDeviceOps;

/** What T answers to a question of S: its record and its domain at that moment. */
typedef struct {
    FerryTargetAnswer record;
    FerryTargetDomain domain;
    json_t *details; /* (nullable) (owned): "assign", "degraded", "reasons" of T's answer */
} FerryAnswer;

/** Makes @answer the one that knows nothing. */
void ferry_answer_clear(FerryAnswer *answer);

/** The questions of S; each is "my record is X, what is yours", and T acts on it by its row. */
typedef enum {
    FERRY_ASK_RESERVE, /* with the plan */
    FERRY_ASK_PREPARE,
    FERRY_ASK_STATUS,
    FERRY_ASK_GO,
    FERRY_ASK_ABORT,
    FERRY_ASK_DONE,
    FERRY_N_ASKS
} FerryAsk;

/** What only the source has: the relay with libvirt's call in it, and the way to T. */
typedef struct {
    /** Asks T now.  Out of reach is an error (FERRY_ERROR_PEER, _TIMEOUT), @ret untouched; a
     *  refusal of T is an answer with "reasons" in its details. */
    bool (*ask)(void *data,
                FerryAsk ask,
                FerryRecordKind mine,
                json_t *body,
                FerryAnswer *ret,
                GError **error);
    /** The newest answer to a question asked with record @mine, without asking; knows nothing
     *  when there is none younger than the peer's keepalive allows. */
    void (*heard)(void *data, FerryRecordKind mine, FerryAnswer *ret);
    /** Opens the relay and starts libvirt's call in a thread of its own. */
    bool (*call)(void *data, const FerryMigration *migration, GError **error);
    FerryRelayState (*relay)(void *data); /* NONE before the call and once it is over */
    /** (transfer full) (nullable): what libvirt's call failed with; it proves nothing. */
    char *(*call_error)(void *data);
    /** See ferry_relay_seal(): true when finish was not asked and never will be. */
    bool (*seal)(void *data);
    void (*release)(void *data);
    void (*cut)(void *data); /* both return once libvirt's call is over, or after 10 s */
    /** Progress for the job's view; false when there is none to be had. */
    bool (*stats)(void *data, FerryTransferStats *ret);
    int64_t (*suspended_ms)(void *data); /* when the guest's CPUs stopped, 0 = not seen */
    /** The journal out of the blackout's way: checkpoint now and no more until told. */
    bool (*quiet_journal)(void *data, GError **error);
    void (*loud_journal)(void *data);
} FerryLinkOps;

/** What only the target has. */
typedef struct {
    /** The half of the relay at T: closed when its libvirt connection is no longer needed. */
    void (*close_relay)(void *data);
    /** NONE, OPEN, or HELD. */
    FerryRelayState (*relay)(void *data);
    /** S's record, asked of S; false when it is out of reach. */
    bool (*ask_source)(void *data, FerrySaid *ret);
    /** The look is taken and not yet acted on: what ferry_target_answer() says now may go out. */
    void (*publish)(void *data);
} FerryFarOps;

/** What a step of a driver came to. */
typedef enum {
    FERRY_STEP_AGAIN, /* something changed: step again at once */
    FERRY_STEP_WAIT,  /* nothing to do before a change or the time in the driver's wait_ms */
    FERRY_STEP_END,   /* the job is over on this side */
    FERRY_STEP_FAILED /* the journal failed: see ferry_source_reload() */
} FerryStep;

/** The timers of the protocol, configuration section [migrate]; milliseconds. */
typedef struct {
    int64_t lease_ms;
    int64_t prepare_ms;
    int64_t no_progress_ms;
    int64_t transfer_ms; /* 0: four times the forecast, at least 60 s */
    int64_t loaded_ms;   /* 0: three times the downtime limit, at least 2 s */
    int64_t detach_ms;
    int64_t attach_ms;
    int64_t in_doubt_ms;
    int64_t go_retry_ms;
    int64_t libvirt_retry_ms;
    int64_t peer_keepalive_ms;
} FerryTimers;

/** The defaults of the protocol's section on timers. */
extern const FerryTimers ferry_timers_default;
