#pragma once

#include <pthread.h>

#include "migrate/job.h"

/*
 * The inside of a job, for its own files: job.c (where it stands), job-remarks.c (what there is to
 * say of it) and job-json.c (how it is shown).
 */
struct _FerryJob {
    FerryJobIdentity identity;
    const FerryClock *clock;
    void (*changed)(void *data);
    void *data;
    gint refs;

    pthread_mutex_t lock; /* of all below */
    uint64_t change;
    bool cancelled;
    FerryJobState state;
    FerryPhase phase;
    bool in_phase;
    int64_t phase_began_ms;
    int64_t began_ms;
    int64_t ended_ms; /* 0 = not yet */
    int64_t began_us;
    int64_t since_us; /* of the state or the phase, whichever changed last */
    char *waiting_for;
    const char *timer; /* (nullable): its name */
    int64_t timer_ms;  /* when it is over */
    bool has_progress;
    FerryProgress progress;
    int64_t blackout_ms;  /* -1 = not measured */
    int64_t predicted_ms; /* of it, before it began; -1 = no figure */
    uint64_t parallel;    /* connections for the guest's memory; 0 = none is planned */
    char *outcome;
    char *runs_on;
    json_t *phases; /* ended ones: {phase, duration_ms} */
    json_t *reasons;
    json_t *degraded;
    json_t *gaps;     /* {alias, step, duration_ms} */
    json_t *restored; /* (nullable): the report of a job that ended before this ferryd began */
};

void ferry_job_lock(FerryJob *job);
void ferry_job_unlock(FerryJob *job);

/** Ends a change: the number goes up under the lock, the word goes out without it. */
void ferry_job_unlock_changed(FerryJob *job);
