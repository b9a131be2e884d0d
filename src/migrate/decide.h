#pragma once

/**
 * What to do next in a handover: the two decision tables of docs/handover.md, section 6, as pure
 * functions. The normal run and the recovery after a crash ask the same functions; what they are
 * given was looked at just now, never remembered.
 *
 * The enums are the tables' columns, in their words; _name gives those words for logs and tests.
 */

/** The source's newest record. */
typedef enum {
    FERRY_S_PLANNED,
    FERRY_S_DETACH,
    FERRY_S_TRANSFER,
    FERRY_S_HANDOFF,
    FERRY_S_COMMITTED,
    FERRY_S_ABORTED,
    FERRY_S_ABORTED_ASKED, /* ABORTED+: finish may have passed the relay */
    FERRY_S_DONE,
    FERRY_S_N_RECORDS
} FerrySourceRecord;

/** The source's own domain. */
typedef enum {
    FERRY_S_RUN,
    FERRY_S_PAUSED,
    FERRY_S_GONE,
    FERRY_S_UNKNOWN, /* libvirt does not answer */
    FERRY_S_N_DOMAINS
} FerrySourceDomain;

/** The source's half of the relay: section 3. */
typedef enum {
    FERRY_RELAY_NONE,  /* no call of libvirt's: restarted, or over */
    FERRY_RELAY_NEW,   /* not called yet in this run */
    FERRY_RELAY_OPEN,  /* before finish */
    FERRY_RELAY_HELD,  /* finish was asked, no good reply in hand */
    FERRY_RELAY_REPLY, /* a good reply in hand */
    FERRY_N_RELAY_STATES
} FerryRelayState;

/** The target's last answer to this very question. */
typedef enum {
    FERRY_T_UNKNOWN, /* none came */
    FERRY_T_NONE,    /* it knows no such job */
    FERRY_T_RESERVED,
    FERRY_T_PREPARED,
    FERRY_T_COMMIT,
    FERRY_T_RUNNING,
    FERRY_T_LOST,
    FERRY_T_ABORTED,
    FERRY_T_RESOLVED, /* an operator decided for the target: section 8 */
    FERRY_T_N_ANSWERS
} FerryTargetAnswer;

/** The target's domain, as the target says or sees it. */
typedef enum {
    FERRY_TD_UNKNOWN, /* libvirt does not answer */
    FERRY_TD_NONE,
    FERRY_TD_INCOMING,
    FERRY_TD_COMPLETE,
    FERRY_TD_RUN,
    FERRY_TD_N_DOMAINS
} FerryTargetDomain;

/** What the source does: writes one record or does one act, then looks at everything again. */
typedef enum {
    FERRY_DO_IMPOSSIBLE, /* no row: stop, alarm, touch nothing */
    FERRY_DO_STEP,       /* the next step of section 2; after a restart, cancel or timer: ABORTED */
    FERRY_DO_ABORT,      /* write ABORTED */
    FERRY_DO_CALL,       /* autostart off, marker, migrate */
    FERRY_DO_HANDOFF,    /* write HANDOFF */
    FERRY_DO_WAIT,
    FERRY_DO_COMMITTED, /* write COMMITTED */
    FERRY_DO_GO,        /* say GO, again, for ever */
    FERRY_DO_RELEASE,   /* pass the held reply: libvirt removes the source's copy */
    FERRY_DO_DESTROY,
    FERRY_DO_CUT, /* close the relay: libvirt resumes the source's copy, if there is one */
    FERRY_DO_FINISH,
    FERRY_DO_RESUME,
    FERRY_DO_UNDO,
    FERRY_DO_REPLUG, /* devices back, but no start from disk and no DONE */
    FERRY_DO_ANSWER,
    FERRY_N_SOURCE_ACTS
} FerrySourceAct;

typedef struct {
    const char *row; /* (transfer none): "S11"; "" for FERRY_DO_IMPOSSIBLE */
    FerrySourceAct act;
} FerrySourceDecision;

/** Any thread.  Every combination has an answer. */
FerrySourceDecision ferry_decide_source(FerrySourceRecord record,
                                        FerrySourceDomain domain,
                                        FerryRelayState relay,
                                        FerryTargetAnswer answer,
                                        FerryTargetDomain target_domain);

/** The target's newest record. */
typedef enum {
    FERRY_TR_NONE,
    FERRY_TR_RESERVED,
    FERRY_TR_PREPARED,
    FERRY_TR_COMMIT,
    FERRY_TR_RUNNING,
    FERRY_TR_LOST,
    FERRY_TR_ABORTED,
    FERRY_TR_DONE,
    FERRY_TR_N_RECORDS
} FerryTargetRecord;

/** What the source says its record is. */
typedef enum {
    FERRY_SAID_UNKNOWN, /* nothing, in this request or since this look */
    FERRY_SAID_EARLY,   /* PLANNED, DETACH or TRANSFER */
    FERRY_SAID_HANDOFF,
    FERRY_SAID_COMMITTED,
    FERRY_SAID_ABORTED,
    FERRY_SAID_RESOLVED, /* an operator decided for the source: section 8 */
    FERRY_N_SAID
} FerrySaid;

/** What the target does; its answer is its record after that. */
typedef enum {
    FERRY_TARGET_IMPOSSIBLE, /* no row: stop, alarm, touch nothing */
    FERRY_TARGET_RESERVED,   /* claims and lease; write RESERVED, or refuse */
    FERRY_TARGET_ABORTED,    /* write ABORTED; after COMMIT destroy the domain first */
    FERRY_TARGET_ANSWER,     /* nothing to do but to answer */
    FERRY_TARGET_PREPARED,   /* make the devices, write PREPARED; lease over: ABORTED */
    FERRY_TARGET_LEASE,      /* wait; lease over: ABORTED */
    FERRY_TARGET_WAIT,
    FERRY_TARGET_COMMIT, /* write COMMIT */
    FERRY_TARGET_RESUME,
    FERRY_TARGET_RUNNING, /* write RUNNING */
    FERRY_TARGET_LOST,    /* write LOST */
    FERRY_TARGET_FINISH,
    FERRY_TARGET_UNDO,
    FERRY_N_TARGET_ACTS
} FerryTargetAct;

typedef struct {
    const char *row; /* (transfer none): "T9"; "" for FERRY_TARGET_IMPOSSIBLE */
    FerryTargetAct act;
} FerryTargetDecision;

/** Any thread.  Every combination has an answer. */
FerryTargetDecision
ferry_decide_target(FerryTargetRecord record, FerryTargetDomain domain, FerrySaid said);

/** The tables' words, "ABORTED+", "paused", "held", "?", "complete"; (transfer none). */
const char *ferry_source_record_name(FerrySourceRecord record);
const char *ferry_source_domain_name(FerrySourceDomain domain);
const char *ferry_relay_state_name(FerryRelayState state);
const char *ferry_target_answer_name(FerryTargetAnswer answer);
const char *ferry_target_domain_name(FerryTargetDomain domain);
const char *ferry_source_act_name(FerrySourceAct act);
const char *ferry_target_record_name(FerryTargetRecord record);
const char *ferry_said_name(FerrySaid said);
const char *ferry_target_act_name(FerryTargetAct act);
