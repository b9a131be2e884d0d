#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "migrate/bell.h"
#include "migrate/link.h"
#include "migrate/migrator.h"
#include "migrate/offer.h"
#include "migrate/relay.h"
#include "migrate/reservation.h"
#include "migrate/restore.h"
#include "migrate/save.h"
#include "migrate/source.h"
#include "migrate/target.h"
#include "store/host.h"

/*
 * A job under way on this host, for the files of the migrator: run.c (their table), begin.c
 * (plan and check), run-source.c, run-target.c and run-saved.c (the threads), run-relay.c (T's
 * half), run-resolve.c (an operator's decision), late.c (devices left for later).
 */
typedef struct _FerryRun FerryRun;

struct _FerryMigrator {
    FerryMigratorConfig config;
    FerryOffers *offers; /* NULL: this host knows of no devices */
    FerryBell *bell;     /* rung by guests, peers, relays: the drivers wait for it */
    FerryBell *shown;    /* rung by changes of a job's view: viewers wait for it */
    pthread_t pump;      /* libvirt's events → bell; late unplugs */
    bool pumping;

    pthread_mutex_t claiming; /* held while a guest is looked up and taken; before lock */
    pthread_mutex_t lock;     /* of runs and late; before a run's lock, never after it */
    GHashTable *runs;     /* job id → FerryRun; stays until its job is forgotten: the job list */
    GPtrArray *late;      /* see late.c */
    atomic_bool stopping; /* asked under a run's lock as well */
    int64_t forget_ms;    /* when old jobs are forgotten next; the pump's */
};

struct _FerryRun {
    FerryHand hand; /* first: a target's ops get the run as their data; a source's get its link */
    gatomicrefcount refs;
    FerryMigrator *migrator;
    FerryJob *job;
    char *key, *digest; /* (nullable): of the request that began it; set before others see it */
    bool started;
    pthread_t thread;

    /* source; its thread's alone */
    FerryLink *link;
    FerrySource *source;

    /* target; the driver is its thread's alone */
    FerryTarget *target;

    /* of a guest and a file; one of them, its thread's alone but for its record */
    FerrySave *save;
    FerryGuestRestore *restore;

    pthread_mutex_t lock;              /* of all below; after the migrator's, never before it */
    bool over;                         /* the thread has ended */
    FerryRecordKind record;            /* a source's, for a target that asks */
    bool resolved;                     /* an operator decided for the source's side */
    struct _FerryResolveCall *resolve; /* (nullable): a decision that waits to be taken */
    FerrySaid inbox;                   /* the last word of S not yet heard */
    bool has_inbox;
    uint64_t delivered; /* words put into the inbox */
    uint64_t processed; /* of them, those that an answer was published after */
    FerryAnswer answer; /* published */
    bool finished;      /* its details say so */
    uint64_t change;    /* grows when the answer differs */
    FerryRelay *relay;  /* T's half; NULL when there is none, and once all is over */
    bool relaying;      /* its tunnel's thread looks at it */
};

/**
 * Drops what new, claim or a look-up gave.  The last one waits for the run's thread, which a table
 * that forgets a run knows to have ended.
 */
void ferry_run_unref(FerryRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRun, ferry_run_unref)

/** Returns: (transfer full): the new run, in the table; its thread is not started */
FerryRun *ferry_run_new(FerryMigrator *migrator, const FerryJobIdentity *identity);
/** Whether no run holds the guest; else FERRY_ERROR_BUSY naming its job. */
bool ferry_run_check_free(FerryMigrator *migrator, const char *guest_uuid, GError **error);

/**
 * Both in one step.  @plan: (nullable): whose request's key it keeps
 *
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_BUSY when the guest is held, or the
 *          job is in the table already
 */
FerryRun *ferry_run_claim(FerryMigrator *migrator,
                          const FerryJobIdentity *identity,
                          const FerryPlan *plan,
                          GError **error);

/** Says which request began it; once, before others see it.  Both: (nullable) */
void ferry_run_keep_key(FerryRun *run, const char *key, const char *digest);

/** Whether its thread has ended. */
bool ferry_run_is_over(FerryRun *run);

/** Returns: (nullable) (transfer full): the run of that job */
FerryRun *ferry_run_find(FerryMigrator *migrator, const char *job_id);

/** Returns: (nullable) (transfer full): the run that a request with this key began */
FerryRun *ferry_run_of_key(FerryMigrator *migrator, const char *key);

/** Returns: (nullable) (transfer full): the live run that holds the guest */
FerryRun *ferry_run_of_guest(FerryMigrator *migrator, const char *guest_uuid);

/** Returns: how many runs of that side are under way */
unsigned ferry_run_count(FerryMigrator *migrator, FerrySide side);

bool ferry_migrator_is_stopping(const FerryMigrator *migrator);

/** Once an hour: forgets the jobs that ended longer ago than tombstone_ms.  The pump's thread. */
void ferry_migrator_tidy(FerryMigrator *self);

/* check.c */
/** @ret: (out) (transfer full): the known host; else FERRY_ERROR_NOT_FOUND, or
 * FERRY_ERROR_UNSUPPORTED when this host has no certificate */
bool
ferry_run_find_host(FerryMigrator *migrator, const char *name, FerryHostRow **ret, GError **error);

/** What this host's jobs claim devices through; a value that lives as long as the migrator. */
FerryReserve ferry_run_reserve(FerryMigrator *migrator);

/* hold.c */
/** This host's reservations; a value that lives as long as the migrator. */
FerryReservations ferry_run_reservations(FerryMigrator *migrator);

/* run-source.c */
bool ferry_run_begin_source(FerryRun *self, FerryPlan *plan, const char *address, GError **error);
bool ferry_run_recover_source(FerryRun *self,
                              const char *address,
                              const GPtrArray *records,
                              GError **error);

/* run-target.c */
/** @plan: (nullable): NULL makes a tombstone */
bool ferry_run_begin_target(FerryRun *self, FerryPlan *plan, GError **error);
bool ferry_run_recover_target(FerryRun *self, const GPtrArray *records, GError **error);
/** Hands S's word to the job's thread; returns (transfer full) its answer. */
json_t *ferry_run_ask_target(FerryRun *self,
                             const char *what,
                             FerrySaid said,
                             uint64_t after,
                             int64_t wait_ms);

/* run-relay.c: T's half of the relay, any thread */
/** Carries over @fd, until the tunnel ends. */
void ferry_run_relay(FerryRun *self, int fd);
/** @run: a FerryRun, as the driver's ops have it; NONE when there is no relay */
FerryRelayState ferry_run_relay_state(void *run);
void ferry_run_close_relay(void *run);
/** Once the job is over and the tunnel's thread has left it, whichever comes last: frees it. */
void ferry_run_drop_relay(FerryRun *self);

/* run-saved.c */
/** @hand: the world's data; the world outlives nothing but it */
FerrySavedWorld ferry_run_saved_world(const FerryMigrator *migrator, FerryHand *hand);
/** @plan: (transfer full) */
bool ferry_run_begin_save(FerryRun *self,
                          FerryPlan *plan,
                          const char *file,
                          FerrySaveOver over,
                          GError **error);
/** @saved: (transfer full) */
bool ferry_run_begin_restore(FerryRun *self, FerrySaved *saved, GError **error);
bool ferry_run_recover_saved(FerryRun *self, const GPtrArray *records, GError **error);

/* run-resolve.c: a user's thread leaves a decision, the job's thread takes it between two steps. */
/** Returns: FERRY_STEP_AGAIN when there was none to take, else what the driver said of it */
FerryStep ferry_run_take_resolution(FerryRun *self);

/* late.c: devices that a job has left for later are plugged in.
 * @devices: (nullable): as ferry_ephemerals_late() */
void ferry_late_add(FerryMigrator *migrator, const char *guest_uuid, const json_t *devices);
void ferry_late_look(FerryMigrator *migrator);
void ferry_late_free(gpointer late);
