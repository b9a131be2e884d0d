#pragma once

#include <glib.h>

#include "invariant.h"
#include "migrate/job.h"
#include "migrate/ops.h"
#include "migrate/source.h"
#include "migrate/target.h"
#include "world.h"

/**
 * The real drivers of both sides over the simulated world.  Single-threaded: before and after the
 * effect of every op there is a gap, in which anything else may happen: events, the death of the
 * very ferryd whose op it is, whole steps of the other side.  After a ferryd's death every op of
 * its step fails without effect; then the driver is made anew of the journal.
 */
typedef struct _Sim Sim;

/** What a gap does besides a planned fault; chosen by the schedule. */
typedef void (*SimGapFunc)(Sim *sim, FerrySide side);

/** Faults of an op itself, besides the events. */
typedef enum { OP_GOOD, OP_FAILS_BEFORE, OP_FAILS_AFTER } SimOpFault;

/** A fault that comes in the gap of that number, from 1; 0: none. */
typedef struct {
    unsigned point;
    unsigned fault; /* an event's index, or sim_n_events + a SimOpFault - 1 */
} SimPlanned;

/** What stands in a job's way until S has ended; each may be NULL. */
typedef struct {
    const char *event;    /* happens once, just before the first call that is @at, or any */
    const char *at;       /* a call's name, as the trace has it */
    const char *withheld; /* an event that does not happen */
    const char *call;     /* a call that fails whenever it is made */
    const char *broken;   /* the code of why T cannot make a device */
} SimHindrance;

typedef struct {
    const char *name;
    unsigned n_devices;
    unsigned n_hybrids; /* their VFs come after those; with any, an mdev's state goes, too */
    bool user_paused;
    bool no_hook;
    bool no_autostart;
    int64_t lease_ms; /* 0: the default, which S never outlives */
} SimPlan;

/** What a driver's ops get as their data. */
typedef struct {
    Sim *sim;
    FerrySide side;
} SimEnd;

struct _Sim {
    FerryClock clock; /* first: it is all that the clock's functions get */
    SimEnd ends[N_SIDES];
    SimWorld world;
    SimOutcome outcome;
    const SimPlan *plan;
    FerryTimers timers;
    int64_t now_ms;

    GPtrArray *journal[N_SIDES]; /* of FerryRecord: survives everything */
    FerryJob *job[N_SIDES];
    FerrySource *source;
    FerryTarget *target;
    bool over[N_SIDES];
    int64_t wake_ms[N_SIDES];
    bool cancelled;
    bool asked_to_cancel; /* ever, in time or too late */
    json_t *plan_json;    /* the network keeps every RESERVE */

    FerryAnswer published; /* by T */
    FerryAnswer polled;    /* by S's long poll, with record TRANSFER */
    int64_t polled_ms;
    bool abort_answered; /* T has answered an ABORT of a job it did not know: no RESERVE may be
                            taken any more */
    unsigned said;       /* bits: words that S has sent, which may come late */

    SimGapFunc gap;
    unsigned lazy_event;  /* of a random schedule: does not happen before all heals */
    unsigned calm_points; /* of a random schedule: so many gaps before the first fault */
    unsigned points;      /* gaps so far */
    SimPlanned planned[2];
    const SimHindrance *hindered;      /* (nullable) */
    bool is_hit;                       /* its event has happened */
    const struct _SimProfile *profile; /* (nullable) of a random schedule */
    bool was_cut;                      /* its profile's cut has come */
    bool fault_happened;
    SimOpFault op_fault; /* of the op that is under way */
    uint64_t random;

    GString *trace; /* (nullable) */
    unsigned depth; /* of nested steps, for the trace */
    const char *violation;
};

void sim_init(Sim *sim, const SimPlan *plan, uint64_t seed);
void sim_clear(Sim *sim);

/** Whether the side's driver may step now: alive, not over, not inside a step. */
bool sim_may_step(const Sim *sim, FerrySide side);

/** One step of a side's driver. */
void sim_step(Sim *sim, FerrySide side);

/** Whether what hinders the job is still there. */
bool sim_is_hindered(const Sim *sim);

/** An operator decides for that side, if its other host is off and nobody decided yet. */
void sim_resolve(Sim *sim, FerrySide side);

/** One event; then what follows of it for the drivers. */
void sim_happen(Sim *sim, unsigned event);

/** A word of S, sent at any time before, reaches T. */
void sim_late_word(Sim *sim, FerrySaid word);

/** T's newest published answer reaches S as that of its long poll. */
void sim_poll_answer(Sim *sim);
bool sim_may_poll_answer(const Sim *sim);

/** A user cancels the job at S, where ferryd still takes it. */
void sim_cancel(Sim *sim);

void sim_note(Sim *sim, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Returns: a number below @n, from the schedule's seed */
unsigned sim_random(Sim *sim, unsigned n);

/** For the wrapped decision tables: the sim that was made last. */
Sim *sim_current(void);
