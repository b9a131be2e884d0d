/*
 * Change docs/handover.md first: its tables are these tables, and a test compares them in every
 * combination.  A row holds a set of words for each column, one bit a word; the first row that
 * matches wins.
 */
#include "migrate/decide.h"

#include <stdint.h>

#include <glib.h>

#define ANY UINT16_MAX

/* Short forms, for the tables below only: S for the source's record, D for its domain, and so on.
 */
#define S(word)  (1u << FERRY_S_##word)
#define R(word)  (1u << FERRY_RELAY_##word)
#define T(word)  (1u << FERRY_T_##word)
#define TD(word) (1u << FERRY_TD_##word)
#define TR(word) (1u << FERRY_TR_##word)
#define SA(word) (1u << FERRY_SAID_##word)

/* T can never have run the guest; T may have run it; no guest of this job runs at T. */
#define UNDECIDED (T(UNKNOWN) | T(NONE) | T(RESERVED) | T(PREPARED) | T(ABORTED))
#define DECIDED   (T(UNKNOWN) | T(COMMIT) | T(RUNNING) | T(LOST) | T(RESOLVED))
#define STILL     (TD(UNKNOWN) | TD(NONE) | TD(INCOMING) | TD(COMPLETE))

#define EARLY    (S(PLANNED) | S(DETACH) | S(TRANSFER))
#define ABORTING (S(ABORTED) | S(ABORTED_ASKED))
#define STOPPED  (S(PAUSED) | S(GONE) | S(UNKNOWN))
#define CALLED   (R(HELD) | R(REPLY))

typedef struct {
    const char *name;
    uint16_t record, domain, relay, answer, target_domain;
    FerrySourceAct act;
} SourceRow;

/* clang-format off */
static const SourceRow source_rows[] = {
    { "S1",  S(PLANNED) | S(DETACH), ANY, R(NONE), T(UNKNOWN) | T(NONE) | T(RESERVED) | T(PREPARED), TD(UNKNOWN) | TD(NONE), FERRY_DO_STEP },
    { "S2",  EARLY,         ANY,               ANY,              T(ABORTED),                ANY,                     FERRY_DO_ABORT },
    { "S3",  S(TRANSFER),   S(RUN) | S(PAUSED), R(NEW),          T(UNKNOWN) | T(PREPARED),  TD(UNKNOWN) | TD(NONE),  FERRY_DO_CALL },
    { "S4",  S(TRANSFER),   S(PAUSED),         CALLED,           T(PREPARED),               TD(COMPLETE),            FERRY_DO_HANDOFF },
    { "S5",  S(TRANSFER),   ANY,               CALLED,           T(PREPARED),               TD(NONE),                FERRY_DO_ABORT },
    { "S6",  S(TRANSFER),   S(RUN) | S(GONE),  CALLED,           T(UNKNOWN) | T(PREPARED),  ANY,                     FERRY_DO_ABORT },
    { "S7",  S(TRANSFER),   ANY,               R(OPEN) | CALLED, T(UNKNOWN) | T(PREPARED),  STILL,                   FERRY_DO_WAIT },
    { "S8",  S(TRANSFER),   ANY,               R(NONE) | R(NEW), T(UNKNOWN) | T(PREPARED),  STILL,                   FERRY_DO_ABORT },
    { "S9",  S(HANDOFF),    STOPPED,           R(NONE) | CALLED, T(RUNNING) | T(LOST),      ANY,                     FERRY_DO_COMMITTED },
    { "S10", S(HANDOFF),    STOPPED,           R(NONE) | CALLED, T(ABORTED),                ANY,                     FERRY_DO_ABORT },
    { "S11", S(HANDOFF),    STOPPED, R(NONE) | CALLED, T(UNKNOWN) | T(PREPARED) | T(COMMIT), TD(UNKNOWN) | TD(NONE) | TD(COMPLETE), FERRY_DO_GO },
    { "S12", S(TRANSFER) | S(HANDOFF) | S(ABORTED_ASKED), S(GONE) | S(UNKNOWN), R(NONE), T(RESOLVED), ANY,           FERRY_DO_COMMITTED },
    { "S13", S(COMMITTED),  S(PAUSED),         R(REPLY),         DECIDED,                   ANY,                     FERRY_DO_RELEASE },
    { "S14", S(COMMITTED),  S(PAUSED),         R(NONE) | R(HELD), DECIDED,                  ANY,                     FERRY_DO_DESTROY },
    { "S15", S(COMMITTED),  S(GONE),           CALLED,           DECIDED,                   ANY,                     FERRY_DO_CUT },
    { "S16", S(COMMITTED),  S(GONE),           R(NONE),          DECIDED,                   ANY,                     FERRY_DO_FINISH },
    { "S17", ABORTING,      ANY,               R(NEW) | R(OPEN) | CALLED, UNDECIDED,        STILL,                   FERRY_DO_CUT },
    { "S18", ABORTING,      S(PAUSED),         R(NONE),          UNDECIDED,                 STILL,                   FERRY_DO_RESUME },
    { "S19", S(ABORTED),    S(RUN) | S(GONE),  R(NONE),          UNDECIDED,                 STILL,                   FERRY_DO_UNDO },
    { "S20", S(ABORTED_ASKED), S(RUN) | S(GONE), R(NONE),        T(ABORTED),                ANY,                     FERRY_DO_UNDO },
    { "S21", S(ABORTED_ASKED), S(RUN) | S(GONE), R(NONE),        T(UNKNOWN) | T(PREPARED),  STILL,                   FERRY_DO_REPLUG },
    { "S22", S(COMMITTED) | ABORTING, S(UNKNOWN), R(NONE) | CALLED, ANY,                    ANY,                     FERRY_DO_WAIT },
    { "S23", S(DONE),       ANY,               R(NONE),          ANY,                       ANY,                     FERRY_DO_ANSWER },
};
/* clang-format on */

FerrySourceDecision
ferry_decide_source(FerrySourceRecord record,
                    FerrySourceDomain domain,
                    FerryRelayState relay,
                    FerryTargetAnswer answer,
                    FerryTargetDomain target_domain)
{
    for (size_t i = 0; i < G_N_ELEMENTS(source_rows); i++) {
        const SourceRow *row = &source_rows[i];

        if ((row->record >> record & 1) && (row->domain >> domain & 1) &&
            (row->relay >> relay & 1) && (row->answer >> answer & 1) &&
            (row->target_domain >> target_domain & 1))
            return (FerrySourceDecision){ row->name, row->act };
    }
    return (FerrySourceDecision){ "", FERRY_DO_IMPOSSIBLE };
}

/* What S may say while T's COMMIT stands or is awaited: all but an end without T. */
#define SAID_GOING  (SA(UNKNOWN) | SA(EARLY) | SA(HANDOFF) | SA(COMMITTED))
#define SAID_BEFORE (SA(UNKNOWN) | SA(EARLY))
#define SAID_OVER   (SA(ABORTED) | SA(RESOLVED))

typedef struct {
    const char *name;
    uint16_t record, domain, said;
    FerryTargetAct act;
} TargetRow;

/* clang-format off */
static const TargetRow target_rows[] = {
    { "T1",  TR(NONE),                  ANY,                         SA(EARLY),                   FERRY_TARGET_RESERVED },
    { "T2",  TR(NONE) | TR(RESERVED),   TD(UNKNOWN) | TD(NONE),      SAID_OVER,                   FERRY_TARGET_ABORTED },
    { "T3",  TR(NONE),                  ANY,                         SA(UNKNOWN),                 FERRY_TARGET_ANSWER },
    { "T4",  TR(RESERVED),              TD(UNKNOWN) | TD(NONE),      SAID_BEFORE,                 FERRY_TARGET_PREPARED },
    { "T5",  TR(PREPARED),              STILL,                       SAID_OVER,                   FERRY_TARGET_ABORTED },
    { "T6",  TR(PREPARED),              TD(NONE),                    SA(HANDOFF),                 FERRY_TARGET_ABORTED },
    { "T7",  TR(PREPARED),              TD(NONE),                    SAID_BEFORE,                 FERRY_TARGET_LEASE },
    { "T8",  TR(PREPARED),              TD(INCOMING) | TD(COMPLETE), SAID_BEFORE,                 FERRY_TARGET_WAIT },
    { "T9",  TR(PREPARED),              TD(COMPLETE),                SA(HANDOFF),                 FERRY_TARGET_COMMIT },
    { "T10", TR(COMMIT),                TD(COMPLETE),                SAID_GOING,                  FERRY_TARGET_RESUME },
    { "T11", TR(COMMIT),                TD(RUN),                     SAID_GOING,                  FERRY_TARGET_RUNNING },
    { "T12", TR(COMMIT),                TD(NONE),                    SAID_GOING,                  FERRY_TARGET_LOST },
    { "T13", TR(PREPARED) | TR(COMMIT), TD(UNKNOWN),                 SAID_GOING,                  FERRY_TARGET_WAIT },
    { "T14", TR(COMMIT) | TR(RUNNING) | TR(LOST), ANY,               SA(RESOLVED),                FERRY_TARGET_ABORTED },
    { "T15", TR(RUNNING) | TR(LOST), TD(UNKNOWN) | TD(NONE) | TD(RUN) | TD(COMPLETE), SA(COMMITTED), FERRY_TARGET_FINISH },
    { "T16", TR(RUNNING) | TR(LOST),    ANY,                         SAID_BEFORE | SA(HANDOFF),   FERRY_TARGET_ANSWER },
    { "T17", TR(ABORTED),               STILL,          SAID_BEFORE | SA(HANDOFF) | SAID_OVER,    FERRY_TARGET_UNDO },
    { "T18", TR(DONE),                  ANY,                         ANY,                         FERRY_TARGET_ANSWER },
};
/* clang-format on */

FerryTargetDecision
ferry_decide_target(FerryTargetRecord record, FerryTargetDomain domain, FerrySaid said)
{
    for (size_t i = 0; i < G_N_ELEMENTS(target_rows); i++) {
        const TargetRow *row = &target_rows[i];

        if ((row->record >> record & 1) && (row->domain >> domain & 1) && (row->said >> said & 1))
            return (FerryTargetDecision){ row->name, row->act };
    }
    return (FerryTargetDecision){ "", FERRY_TARGET_IMPOSSIBLE };
}

/* One name function a column: the table is as long as its enum, or it does not compile. */
#define NAMES(function, type, count, ...)                                                          \
    const char *function(type value)                                                               \
    {                                                                                              \
        static const char *const names[] = { __VA_ARGS__ };                                        \
                                                                                                   \
        G_STATIC_ASSERT(G_N_ELEMENTS(names) == (count));                                           \
        g_assert((unsigned)value < (count));                                                       \
        return names[value];                                                                       \
    }

/* clang-format off */
NAMES(ferry_source_record_name, FerrySourceRecord, FERRY_S_N_RECORDS,
      "PLANNED", "DETACH", "TRANSFER", "HANDOFF", "COMMITTED", "ABORTED", "ABORTED+", "DONE")
NAMES(ferry_source_domain_name, FerrySourceDomain, FERRY_S_N_DOMAINS,
      "run", "paused", "gone", "?")
NAMES(ferry_relay_state_name, FerryRelayState, FERRY_N_RELAY_STATES,
      "-", "new", "open", "held", "reply")
NAMES(ferry_target_answer_name, FerryTargetAnswer, FERRY_T_N_ANSWERS,
      "?", "none", "RESERVED", "PREPARED", "COMMIT", "RUNNING", "LOST", "ABORTED", "RESOLVED")
NAMES(ferry_target_domain_name, FerryTargetDomain, FERRY_TD_N_DOMAINS,
      "?", "none", "incoming", "complete", "run")
NAMES(ferry_source_act_name, FerrySourceAct, FERRY_N_SOURCE_ACTS,
      "impossible", "step", "ABORTED", "call", "HANDOFF", "wait", "COMMITTED", "GO", "release",
      "destroy", "cut", "finish", "resume", "undo", "replug", "answer")
NAMES(ferry_target_record_name, FerryTargetRecord, FERRY_TR_N_RECORDS,
      "none", "RESERVED", "PREPARED", "COMMIT", "RUNNING", "LOST", "ABORTED", "DONE")
NAMES(ferry_said_name, FerrySaid, FERRY_N_SAID,
      "?", "early", "HANDOFF", "COMMITTED", "ABORTED", "RESOLVED")
NAMES(ferry_target_act_name, FerryTargetAct, FERRY_N_TARGET_ACTS,
      "impossible", "RESERVED", "ABORTED", "answer", "PREPARED", "lease", "wait", "COMMIT",
      "resume", "RUNNING", "LOST", "finish", "undo")
/* clang-format on */
