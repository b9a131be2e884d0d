#pragma once

#include "drive.h"

#define SIM_GUEST_UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define SIM_JOB_ID     "11111111-2222-4333-8444-555555555555"

/*
 * What the ops of the simulated world share.  Each stands in a frame: sim_op_begin() before its
 * effect and sim_op_end() after it, with a gap in each.
 */

typedef enum { NEEDS_NOTHING, NEEDS_LIBVIRT } SimNeed;

/** Returns: whether there is to be an effect */
bool sim_op_begin(SimEnd *end, const char *what, SimNeed need, GError **error);

/** Returns: what the op reports */
bool sim_op_end(SimEnd *end, const char *what, GError **error);

/** Returns: false, with @error set */
bool sim_op_fail(Sim *sim, const char *what, GError **error);

/** The same of a peer, after the time that it is waited for. */
bool sim_unreached(Sim *sim, const char *why, GError **error);

/** Here anything else may happen. */
void sim_gap(Sim *sim, FerrySide side);

/** Looks at the invariants; the first that is broken is kept. */
void sim_check(Sim *sim);

/** Returns: 'S' or 'T' */
char sim_letter(FerrySide side);

extern const FerryJournalOps sim_journal_ops;
extern const FerryGuestOps sim_guest_ops;
extern const FerryDeviceOps sim_device_ops;
extern const FerryFarOps sim_far_ops;
extern const FerryLinkOps sim_link_ops;

/** Returns: whether libvirt's job lock turns changes of the guest away, as while its call runs */
bool sim_is_locked(const SimWorld *world, FerrySide side);

/** The bit of the device with that alias in a host's sets, and how the guest is asked for it. */
unsigned sim_bit_of(const char *alias);
void sim_ask_guest(SimHost *host, unsigned device);

/** Returns: (transfer full): a domain with what stays plugged, which lacks its end */
GString *sim_begin_domain(const SimPlan *plan);

/** T's newest answer, for whoever asks or polls. */
void sim_publish(Sim *sim);

/** A word of S is at T.  Returns: whether T has a driver for the job now */
bool sim_take_word(Sim *sim, FerryAsk ask, FerrySaid word);

FerryJob *sim_new_job(Sim *sim, FerrySide side);
FerryTargetWorld sim_target_world(Sim *sim);
