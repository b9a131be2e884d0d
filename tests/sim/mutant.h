#pragma once

#include <stdbool.h>

#include "migrate/decide.h"

/**
 * Known ways to get the handover wrong, as switches of the simulator: each makes one thing wrong
 * that the drivers do right, and the checks must notice.  Most change what a decision table says;
 * the others are carried out where their name stands in drive.c and event.c.
 */
typedef enum {
    MUTANT_NONE,
    MUTANT_RESUME_ON_TIMEOUT,
    MUTANT_CUT_IN_HANDOFF,
    MUTANT_PASS_EOF,
    MUTANT_GO_BEFORE_JOURNAL,
    MUTANT_START_ON_LOADED,
    MUTANT_RELEASE_ON_GO,
    MUTANT_RELEASE_ON_COMMIT,
    MUTANT_CUT_BEFORE_DESTROY,
    MUTANT_TRUST_RETURN,
    MUTANT_RESUME_BEFORE_COMMIT,
    MUTANT_LOST_AS_ABORTED,
    MUTANT_LEASE_KILLS_COMPLETE,
    MUTANT_LOADED_BY_EVENT,
    MUTANT_NO_TOMBSTONE,
    MUTANT_FORGET_REPLUG,
    MUTANT_NO_MARKER,
    MUTANT_AUTOSTART_LEFT,
    MUTANT_UNMARK_BEFORE_UNDEFINE,
    MUTANT_IGNORE_LOST,
    MUTANT_VAGUE_TOMBSTONE,
    MUTANT_SILENT_TARGET,
    MUTANT_DONE_WITHOUT_ACK_T,
    MUTANT_DONE_WITHOUT_ACK_S,
    MUTANT_COLD_START_ALONE,
    MUTANT_RESOLVE_MEMORY,
    MUTANT_UNMARK_FIRST_T,
    N_MUTANTS
} SimMutant;

typedef struct {
    const char *name;    /* as in docs/handover.md, section 10 */
    const char *breaks;  /* beginning of the violation that it must lead to */
    const char *profile; /* of the schedules that show it soonest */
} SimMutantInfo;

const SimMutantInfo *sim_mutant_info(SimMutant mutant);

/** What was seen of a table's question, and what the mutant makes of its answer. */
FerrySourceAct sim_mutate_source(SimMutant mutant,
                                 FerrySourceRecord record,
                                 FerryRelayState relay,
                                 FerryTargetAnswer answer,
                                 FerrySourceAct act);
FerryTargetAct sim_mutate_target(SimMutant mutant,
                                 FerryTargetRecord record,
                                 FerryTargetDomain domain,
                                 FerryTargetAct act);
