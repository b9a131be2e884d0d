#pragma once

#include "drive.h"

/** When faults come; the CUT ones begin with a link that breaks then and heals once an operator has
 * decided, or with all the rest. */
typedef enum {
    SIM_FROM_SOME_POINT,
    SIM_BEFORE_TRANSFER,
    SIM_IN_HOLD,
    SIM_FROM_HANDOFF,
    SIM_CUT_WHEN_COMPLETE, /* neither side hears the other */
    SIM_CUT_AT_HANDOFF,    /* T hears GO, S hears nothing */
} SimWhen;

/** How a schedule is made. */
typedef struct _SimProfile {
    const char *name;
    unsigned gap_percent; /* chance that something happens in a gap */
    unsigned crash_permille, death_permille, hand_permille, late_permille, cancel_permille;
    unsigned max_deaths;
    SimWhen when;
    unsigned resolve_permille;
    unsigned picks; /* so many random choices; then all heals, and it must end by itself */
} SimProfile;

/** What became of a schedule. */
typedef struct {
    const char *violation; /* (nullable): none */
    unsigned points;       /* gaps that it had */
    bool fault_happened;
    bool asked_to_cancel; /* a user did, in time or too late */
    bool moved;           /* it ended handed over */
    char *trace;          /* (nullable) (owned): only when asked for */
    char reasons[64];     /* of a hindered one: codes of S's job, in their order */
} SimResult;

typedef enum { SIM_QUIET, SIM_TRACED } SimVerbosity;

/** A random schedule; the same for the same arguments. */
SimResult sim_run_random(const SimPlan *plan,
                         const SimProfile *profile,
                         SimMutant mutant,
                         uint64_t seed,
                         SimVerbosity verbosity);

typedef struct {
    SimPlanned planned[2];
    unsigned cancel_round;        /* 0: nobody cancels */
    const SimHindrance *hindered; /* (nullable) */
} SimFault;

/** The plain schedule, everything in its turn, with planned faults. */
SimResult sim_run_planned(const SimPlan *plan, const SimFault *fault, SimVerbosity verbosity);
