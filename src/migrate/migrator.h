#pragma once

#include "client/identity.h"
#include "host/watch.h"
#include "migrate/hybrid.h"
#include "migrate/job.h"
#include "migrate/ops.h"
#include "migrate/resolve.h"
#include "migrate/save-file.h"
#include "migrate/saved.h"
#include "pool/pools.h"
#include "xml/domain.h"

/**
 * This host's migrations: a thread for each job, on the source's and on the target's side, their
 * table, and what the API asks of them.  Any thread may call; nothing here holds a lock while it
 * calls libvirt, the store or a peer.
 */
typedef struct _FerryMigrator FerryMigrator;

/** Strings, pointers: the caller's, they outlive the migrator. */
typedef struct {
    FerryStore *store;
    FerryGuests *guests;
    const FerryIdentity *identity; /* (nullable): without TLS there are no peers */
    const FerryClock *clock;
    const char *name;           /* this host's, as in its certificate */
    const char *marker_dir;     /* the hold markers are in its "hold" */
    const char *run_dir;        /* for the relays' sockets */
    const char *libvirt_socket; /* of this host's libvirtd, for the relay's far half */
    const char *memory_tls_dir; /* of QEMU's own migration credentials */
    FerryPools *pools;          /* (nullable): their slots, to be given to guests that come */
    FerryHybrids *hybrids;      /* (nullable): with the pools */
    FerryWatch *watch;          /* (nullable): what devices the host has */
    int root;                   /* as for ferry_watch_new() */
    FerryTimers timers;
    int64_t tombstone_ms;
    unsigned max_in, max_out; /* jobs at a time, on either side */
    uint64_t link_bps;        /* what guest memory can count on; 0 = not known */
    bool tls;                 /* guest memory under TLS */
} FerryMigratorConfig;

FerryMigrator *ferry_migrator_new(const FerryMigratorConfig *config);

/**
 * Takes up the unfinished jobs of the journal: before it has looked at libvirt and asked the peer,
 * each cleans up nothing.  Also brings back the ended ones for the job list.
 *
 * Returns: false with what the store says, or FERRY_ERROR_CORRUPT naming the job
 */
bool ferry_migrator_recover(FerryMigrator *self, GError **error);

/**
 * Stops the threads, which end as a crash would end them, but a job between HANDOFF and its end
 * gets up to @grace_ms to get there.
 *
 * Returns: whether no job was left under way: only then ferry_migrator_free() may be called.
 *          Otherwise the process must end without: closing a relay is an act.
 */
bool ferry_migrator_stop(FerryMigrator *self, int64_t grace_ms);
void ferry_migrator_free(FerryMigrator *self);

/* ---- for the users of this host ---- */

/** What "ferry migrate" asks; strings are the caller's. */
typedef struct {
    const char *guest; /* name or UUID */
    const char *to;    /* name of a known host; (nullable) for a check: all */
    int64_t max_downtime_ms;
    int64_t timeout_ms;     /* 0 = by forecast */
    uint64_t bandwidth_bps; /* bytes a second, 0 = no limit */
    uint64_t parallel;      /* connections for its memory; 0 = by the link */
    bool auto_converge;     /* a guest that writes too fast is slowed down */
    bool accept_unknown;    /* a device whose state may not load does not refuse it */
    bool allow_degraded;   /* hybrids go where no VF is free, and with guests of unknown failover */
    const json_t *devices; /* (nullable): {alias: UUID}, made at the target beforehand */
    const char *reservation; /* (nullable): its slots, and what it was made with: hold.h */
    const char *key;         /* (nullable): of a request that may be sent twice: repeat.h */
    const char *digest;      /* (nullable): with a key; of what was asked */
} FerryMigrationRequest;

/**
 * Why a guest could not move anywhere, as "ferry guest show" tells it.
 *
 * @live_xml: what @domain was read from
 *
 * Returns: (transfer full): an array of {code, message, alias}, empty when nothing is in its way
 */
json_t *ferry_migrator_travel(FerryMigrator *self, const FerryDomain *domain, const char *live_xml);

/**
 * Plans and checks, and touches nothing.
 *
 * @request: without a host to go to every known one is asked
 * @ret: (out) (transfer full): for one host {guest, source, target, verdict: "yes"|"unknown"|"no",
 *       reasons: [{code, message}], warnings: […], ephemerals: […], devices: […], alternatives:
 * […]}, the devices as ferry_offers_answer() has them; for all {guest, source, verdict, groups,
 * checks}: the best verdict, what ferry_check_groups() makes of them, and each host's answer, where
 * one that does not answer has the verdict "unreachable"
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND (guest, host, no host known), FERRY_ERROR_BUSY naming
 *          the job that holds the guest, FERRY_ERROR_PEER (of the one host) or FERRY_ERROR_IO
 */
bool ferry_migrator_check(FerryMigrator *self,
                          const FerryMigrationRequest *request,
                          json_t **ret,
                          GError **error);

/**
 * Plans, checks and, if the answer is yes, begins.
 *
 * @ret_job: (out) (nullable) (transfer full): the job; NULL when refused
 * @ret_reasons: (out) (nullable) (transfer full): why it is refused
 *
 * Returns: as ferry_migrator_check(); for a key that began a job already that job, or
 *          FERRY_ERROR_EXISTS when something else was asked with it
 */
bool ferry_migrator_start(FerryMigrator *self,
                          const FerryMigrationRequest *request,
                          FerryJob **ret_job,
                          json_t **ret_reasons,
                          GError **error);

/** Returns: (transfer container): of FerryJob, newest first */
GPtrArray *ferry_migrator_jobs(FerryMigrator *self);

/** Returns: (nullable) (transfer full): the job of that id */
FerryJob *ferry_migrator_job(FerryMigrator *self, const char *id);

/** Returns: (nullable) (transfer full): the job that holds this guest now */
FerryJob *ferry_migrator_job_of_guest(FerryMigrator *self, const char *guest_uuid);

/**
 * Asks for a job's cancellation.  It is heeded until the guest's handover; the job's end says
 * truthfully which it was.
 *
 * Returns: false with FERRY_ERROR_INVALID for a job that is over, or on its target's side;
 *          FERRY_ERROR_BUSY when it is too late: the guest is being handed over
 */
bool ferry_migrator_cancel(FerryMigrator *self, FerryJob *job, GError **error);

/** What "ferry resolve" asks; strings are the caller's. */
typedef struct {
    FerrySide keep;
    const char *fenced; /* the other host's name, typed by hand */
    const char *reason;
    const char *by;      /* who asks */
    const char *journal; /* (nullable): absolute path of the fenced host's ferry.db */
    FerryLoss loss;
} FerryResolveRequest;

/**
 * Decides a job for this host's side while the other host is fenced: docs/handover.md, section 8.
 * The decision is in the journal when this returns true without reasons.
 *
 * @ret_reasons: (out) (nullable) (transfer full): why it is refused: "not-fenced" when the other
 *               host's ferryd answers, "memory-lost" when the guest could only be started from disk
 *
 * Returns: false with FERRY_ERROR_INVALID for a wrong side or host or a job that is not in doubt,
 *          with what ferry_evidence_read() says of the journal, FERRY_ERROR_TIMEOUT, _IO
 */
bool ferry_migrator_resolve(FerryMigrator *self,
                            FerryJob *job,
                            const FerryResolveRequest *request,
                            json_t **ret_reasons,
                            GError **error);

/** Waits until the job's view changed after @after, at most @timeout_ms.  Returns: whether it did
 */
bool ferry_migrator_wait(FerryMigrator *self, FerryJob *job, uint64_t after, int64_t timeout_ms);

/* ---- guests in files ---- */

/** What "ferry guest save" asks; strings are the caller's. */
typedef struct {
    const char *guest; /* name or UUID */
    const char *file;  /* absolute */
    FerrySaveOver over;
} FerrySaveRequest;

/**
 * Plans, checks and, if the answer is yes, begins to save a guest in a file: migrate/save.h.
 *
 * @ret_job, @ret_reasons: as ferry_migrator_start()
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_BUSY naming the job that holds the guest,
 *          FERRY_ERROR_INVALID for the path, or FERRY_ERROR_IO
 */
bool ferry_migrator_save(FerryMigrator *self,
                         const FerrySaveRequest *request,
                         FerryJob **ret_job,
                         json_t **ret_reasons,
                         GError **error);

/** Whether a file that was restored before may be restored once more. */
typedef enum { FERRY_RESTORE_ONCE, FERRY_RESTORE_AGAIN } FerryRestoreAgain;

/** What "ferry guest restore" asks; strings are the caller's. */
typedef struct {
    const char *file; /* absolute */
    FerrySavedVerify verify;
    FerryRestoreAgain again;
    bool accept_unknown; /* a device whose state may not load does not refuse it */
    const json_t *seen;  /* (nullable): the file as the host sees it that asks: restore-there.h */
} FerryRestoreRequest;

/**
 * Reads the head of the file, checks, and touches nothing; the checksums are not compared.
 *
 * @ret: (out) (transfer full): {file, guest {name, uuid}, host, saved_by, checksums, saved_on?,
 *       saved?, verdict, reasons[], devices[]}
 *
 * Returns: false as ferry_saved_open(), or with FERRY_ERROR_BUSY naming the job that holds the
 *          guest
 */
bool ferry_migrator_restore_check(FerryMigrator *self,
                                  const FerryRestoreRequest *request,
                                  json_t **ret,
                                  GError **error);

/** The same and, if the answer is yes, begins: migrate/restore.h. */
bool ferry_migrator_restore(FerryMigrator *self,
                            const FerryRestoreRequest *request,
                            FerryJob **ret_job,
                            json_t **ret_reasons,
                            GError **error);

/* ---- for peers; @caller is the name in their certificate ---- */

/** Judges a plan as ferry_migrator_check() does at the source; @ret: (out) (transfer full):
 * {reasons, devices, link_bps?, moves_ms}: what speaks against it, nothing for a yes;
 * ferry_offers_answer()'s; what its link gives; blackouts of the guest when it left here before. */
bool ferry_migrator_peer_check(FerryMigrator *self,
                               const char *caller,
                               const json_t *plan,
                               json_t **ret,
                               GError **error);

/**
 * S asks T about a job: acts by the table and answers.
 *
 * @what: one of ferry_ask_name(), or "wait" for an answer that differs from change number "after"
 * @body: {record, plan?, after?, timeout_ms?}
 * @ret_reasons: (out) (nullable) (transfer full): T refuses the job
 * @ret: (out) (nullable) (transfer full): T's answer
 *
 * Returns: false with FERRY_ERROR_DENIED when the job is not the caller's, FERRY_ERROR_INVALID
 */
bool ferry_migrator_peer_ask(FerryMigrator *self,
                             const char *caller,
                             const char *job_id,
                             const char *what,
                             const json_t *body,
                             json_t **ret,
                             json_t **ret_reasons,
                             GError **error);

/**
 * T asks S how its job stands; @ret: (out) (transfer full): {record, outcome?}.
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED
 */
bool ferry_migrator_peer_record(FerryMigrator *self,
                                const char *caller,
                                const char *job_id,
                                json_t **ret,
                                GError **error);

/**
 * A guest is about to come, as libvirt's hook says: refuses the host devices that its job did not
 * reserve.  A guest of no job comes by other hands, and is let pass; but while a guest of a job is
 * on its way here no other one gets a host device, for it may be what that job's source sent.
 *
 * @reasons: an array; gets {code, alias, message} for each device that is refused
 */
void ferry_migrator_guard(FerryMigrator *self, const FerryDomain *incoming, json_t *reasons);

/** Whether the caller may open the relay of this job now; else FERRY_ERROR_DENIED or _INVALID. */
bool ferry_migrator_peer_may_relay(FerryMigrator *self,
                                   const char *caller,
                                   const char *job_id,
                                   GError **error);

/** Runs the job's half of the relay over @fd; returns when the tunnel has ended. */
void ferry_migrator_peer_relay(FerryMigrator *self, const char *job_id, int fd);
