#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mutant.h"
#include "store/record.h"

/**
 * The world around two drivers: two hosts with libvirt and one guest, libvirt's migration call with
 * its relay, the link.  Plain state; what can happen to it is one row each of progress.c and
 * event.c.  What libvirt and QEMU do was measured (docs/handover.md, section 5 and the table of
 * deaths in section 6).
 */

#define SOURCE  FERRY_SIDE_SOURCE
#define TARGET  FERRY_SIDE_TARGET
#define N_SIDES 2

typedef enum {
    GUEST_NONE,
    GUEST_INCOMING,  /* T: libvirt destroys it when the relay's connection closes */
    GUEST_FINISHING, /* T: paused and whole, but libvirt's finish job is not over: the same */
    GUEST_COMPLETE,  /* T: stays until somebody acts */
    GUEST_PAUSED,    /* S */
    GUEST_RUN,
    GUEST_COLD, /* runs, started from disk */
} SimGuest;

/** libvirt's migration job at S. */
typedef enum {
    JOB_NONE,
    JOB_PERFORM,
    JOB_PERFORMED, /* memory is over, the client asks finish */
    JOB_RECOVER,   /* libvirtd died in PERFORM: when back it resumes the guest */
} SimJob;

/** libvirt's call in S's ferryd, as S's half of the relay sees it. */
typedef enum {
    CALL_NONE,
    CALL_CONNECTING,
    CALL_OPEN,
    CALL_HELD,
    CALL_HELD_CANCELLED, /* finish was asked to undo: no good reply will come */
    CALL_REPLY,
} SimCall;

/** The client's last act: libvirt's confirm at S. */
typedef enum { ENDING_NONE, ENDING_OK, ENDING_CANCELLED } SimEnding;

typedef enum { FINISH_NONE, FINISH_ASKED, FINISH_CANCELLED } SimFinish;
typedef enum { REPLY_NONE, REPLY_UNDER_WAY, REPLY_LOST } SimReply;

/** Slots of a host that are held for the guest. */
typedef enum { CLAIMS_NONE, CLAIMS_JOB, CLAIMS_GUEST } SimClaims;

typedef struct {
    bool on, ferryd, libvirtd;
    bool stepping; /* its driver is inside a step: this ferryd cannot start again yet */
    SimGuest guest;
    bool defined, autostart, marked;
    SimClaims claims;
    unsigned devices; /* bits: ephemeral devices in the running guest */
    unsigned asked;   /* of them, those that QEMU asked the guest to let go */
    unsigned kept;    /* and those that it refused */
    bool died;        /* a QEMU or the host died here */
} SimHost;

typedef struct {
    SimHost host[N_SIDES];
    SimJob job;
    SimCall call;
    SimEnding ending;
    bool sealed;       /* finish will not pass the relay */
    bool finish_asked; /* it has passed: the relay remembers for this call */
    bool far_relay;    /* T's half holds its connection to libvirtd */
    SimFinish finish;  /* under way to T's libvirtd */
    SimReply reply;
    bool link[N_SIDES]; /* what that side sends arrives */
    bool ran;           /* T's guest ran, or was left paused as its user had it */
    bool stale;         /* S ran after T's copy was whole */
    bool completed;     /* T's copy was whole */
    unsigned deaths;
    SimMutant mutant;
    bool user_paused;
    bool autostart; /* as the guest's owner has it */
    bool hook;      /* installed; without it the autostart flag alone guards */
    unsigned all_devices;
    FerryRecordKind record[N_SIDES]; /* newest in each journal */
    bool prepared;                   /* T lets libvirt's prepare pass */
    bool releasing;                  /* S's detach phase: the guest lets go of devices */
    bool resolved[N_SIDES];          /* an operator decided for that side */
} SimWorld;

/** Guest running on both hosts or on neither: what S's guest is after a cancelled migration. */
SimGuest sim_world_back(const SimWorld *world);

/** Starts the guest of a host anew, or lets it go on; keeps account of what that means for T. */
void sim_world_set_guest(SimWorld *world, FerrySide side, SimGuest guest);

bool sim_world_runs(const SimWorld *world, FerrySide side);

/** libvirt's connections of a ferryd close with it. */
void sim_world_ferryd_dies(SimWorld *world, FerrySide side);

/** S's relay is cut, or the held reply released: libvirt's client goes to its confirm. */
void sim_world_end_call(SimWorld *world, SimEnding ending);

/** T's half of the relay closes its connection to libvirtd. */
void sim_world_close_far_relay(SimWorld *world);
