#include "mutant.h"

#include <glib.h>

#define ANY (-1)

/* clang-format off */
static const SimMutantInfo infos[] = {
    [MUTANT_NONE]                   = { "none", "", "" },
    [MUTANT_RESUME_ON_TIMEOUT]      = { "resume-on-timeout", "I5", "calm" },
    [MUTANT_CUT_IN_HANDOFF]         = { "cut-in-handoff", "I1", "calm" },
    [MUTANT_PASS_EOF]               = { "pass-eof", "I1", "hold" },
    [MUTANT_GO_BEFORE_JOURNAL]      = { "go-before-journal", "I5", "hold" },
    [MUTANT_START_ON_LOADED]        = { "start-on-loaded", "I5", "calm" },
    [MUTANT_RELEASE_ON_GO]          = { "release-on-go", "I2", "calm" },
    [MUTANT_RELEASE_ON_COMMIT]      = { "release-on-commit", "I2", "handoff" },
    [MUTANT_CUT_BEFORE_DESTROY]     = { "cut-before-destroy", "I1", "handoff" },
    [MUTANT_TRUST_RETURN]           = { "trust-return", "I3", "handoff" },
    [MUTANT_RESUME_BEFORE_COMMIT]   = { "resume-before-commit", "I1", "handoff" },
    [MUTANT_LOST_AS_ABORTED]        = { "lost-as-aborted", "I5", "handoff" },
    [MUTANT_LEASE_KILLS_COMPLETE]   = { "lease-kills-complete", "I2", "calm" },
    [MUTANT_LOADED_BY_EVENT]        = { "loaded-by-event", "I2", "hold" },
    [MUTANT_NO_TOMBSTONE]           = { "no-tombstone", "T2", "early" },
    [MUTANT_FORGET_REPLUG]          = { "forget-replug", "I3", "crashes" },
    [MUTANT_NO_MARKER]              = { "no-marker", "I1", "handoff" },
    [MUTANT_AUTOSTART_LEFT]         = { "autostart-left", "I1", "handoff" },
    [MUTANT_UNMARK_BEFORE_UNDEFINE] = { "unmark-before-undefine", "I1", "handoff" },
    [MUTANT_IGNORE_LOST]            = { "ignore-lost", "L1", "handoff" },
    [MUTANT_VAGUE_TOMBSTONE]        = { "vague-tombstone", "L1", "calm" },
    [MUTANT_SILENT_TARGET]          = { "silent-target", "L1", "handoff" },
    [MUTANT_DONE_WITHOUT_ACK_T]     = { "done-without-ack-t", "I", "unanswered" },
    [MUTANT_DONE_WITHOUT_ACK_S]     = { "done-without-ack-s", "I1", "unheard" },
    [MUTANT_COLD_START_ALONE]       = { "cold-start-alone", "I1", "resolve" },
    [MUTANT_RESOLVE_MEMORY]         = { "resolve-memory", "I1", "resolve" },
    [MUTANT_UNMARK_FIRST_T]         = { "unmark-first-t", "I1", "unanswered" },
};
G_STATIC_ASSERT(G_N_ELEMENTS(infos) == N_MUTANTS);

static const struct {
    SimMutant mutant;
    FerrySourceRecord record;
    int relay, answer; /* or ANY */
    FerrySourceAct act, becomes;
} source_rows[] = {
    { MUTANT_RESUME_ON_TIMEOUT,  FERRY_S_HANDOFF,   ANY,               ANY,            FERRY_DO_GO,        FERRY_DO_ABORT },
    { MUTANT_CUT_IN_HANDOFF,     FERRY_S_HANDOFF,   FERRY_RELAY_HELD,  ANY,            FERRY_DO_GO,        FERRY_DO_CUT },
    { MUTANT_CUT_IN_HANDOFF,     FERRY_S_HANDOFF,   FERRY_RELAY_REPLY, ANY,            FERRY_DO_GO,        FERRY_DO_CUT },
    { MUTANT_RELEASE_ON_GO,      FERRY_S_HANDOFF,   FERRY_RELAY_REPLY, ANY,            FERRY_DO_GO,        FERRY_DO_RELEASE },
    { MUTANT_RELEASE_ON_COMMIT,  FERRY_S_HANDOFF,   FERRY_RELAY_REPLY, FERRY_T_COMMIT, FERRY_DO_GO,        FERRY_DO_RELEASE },
    { MUTANT_CUT_BEFORE_DESTROY, FERRY_S_COMMITTED, FERRY_RELAY_HELD,  ANY,            FERRY_DO_DESTROY,   FERRY_DO_CUT },
    { MUTANT_TRUST_RETURN,       FERRY_S_COMMITTED, FERRY_RELAY_NONE,  ANY,            FERRY_DO_DESTROY,   FERRY_DO_FINISH },
    { MUTANT_IGNORE_LOST,        FERRY_S_HANDOFF,   ANY,               FERRY_T_LOST,   FERRY_DO_COMMITTED, FERRY_DO_WAIT },
    { MUTANT_DONE_WITHOUT_ACK_S, FERRY_S_ABORTED_ASKED, ANY,           ANY,            FERRY_DO_REPLUG,    FERRY_DO_UNDO },
};

static const struct {
    SimMutant mutant;
    FerryTargetRecord record;
    int domain; /* or ANY */
    FerryTargetAct act, becomes;
} target_rows[] = {
    { MUTANT_START_ON_LOADED,      FERRY_TR_PREPARED, FERRY_TD_COMPLETE, FERRY_TARGET_WAIT,       FERRY_TARGET_COMMIT },
    { MUTANT_RESUME_BEFORE_COMMIT, FERRY_TR_PREPARED, FERRY_TD_COMPLETE, FERRY_TARGET_COMMIT,     FERRY_TARGET_RESUME },
    { MUTANT_RESUME_BEFORE_COMMIT, FERRY_TR_PREPARED, FERRY_TD_RUN,      FERRY_TARGET_IMPOSSIBLE, FERRY_TARGET_COMMIT },
    { MUTANT_LOST_AS_ABORTED,      FERRY_TR_COMMIT,   FERRY_TD_NONE,     FERRY_TARGET_LOST,       FERRY_TARGET_ABORTED },
    { MUTANT_LEASE_KILLS_COMPLETE, FERRY_TR_PREPARED, FERRY_TD_COMPLETE, FERRY_TARGET_WAIT,       FERRY_TARGET_ABORTED },
    { MUTANT_NO_TOMBSTONE,         FERRY_TR_NONE,     ANY,               FERRY_TARGET_ABORTED,    FERRY_TARGET_ANSWER },
    { MUTANT_SILENT_TARGET,        FERRY_TR_PREPARED, FERRY_TD_NONE,     FERRY_TARGET_ABORTED,    FERRY_TARGET_WAIT },
    { MUTANT_SILENT_TARGET,        FERRY_TR_PREPARED, FERRY_TD_NONE,     FERRY_TARGET_LEASE,      FERRY_TARGET_WAIT },
    { MUTANT_DONE_WITHOUT_ACK_T,   FERRY_TR_RUNNING,  ANY,               FERRY_TARGET_ANSWER,     FERRY_TARGET_FINISH },
};
/* clang-format on */

const SimMutantInfo *
sim_mutant_info(SimMutant mutant)
{
    g_assert(mutant < N_MUTANTS);
    return &infos[mutant];
}

static bool
is(int pattern, unsigned value)
{
    return pattern == ANY || (unsigned)pattern == value;
}

FerrySourceAct
sim_mutate_source(SimMutant mutant,
                  FerrySourceRecord record,
                  FerryRelayState relay,
                  FerryTargetAnswer answer,
                  FerrySourceAct act)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(source_rows); i++) {
        if (source_rows[i].mutant == mutant && source_rows[i].record == record &&
            source_rows[i].act == act && is(source_rows[i].relay, relay) &&
            is(source_rows[i].answer, answer))
            return source_rows[i].becomes;
    }
    return act;
}

FerryTargetAct
sim_mutate_target(SimMutant mutant,
                  FerryTargetRecord record,
                  FerryTargetDomain domain,
                  FerryTargetAct act)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(target_rows); i++) {
        if (target_rows[i].mutant == mutant && target_rows[i].record == record &&
            target_rows[i].act == act && is(target_rows[i].domain, domain))
            return target_rows[i].becomes;
    }
    return act;
}
