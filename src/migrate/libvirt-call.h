#pragma once

#include "client/client.h"
#include "migrate/bell.h"
#include "migrate/hand.h"

/**
 * libvirt's call of one migration, at the source: a thread of its own sits in virDomainMigrate3,
 * whose other end is the relay (docs/handover.md, section 3).  All functions are the driver's
 * thread's, but for _is_over, which is for any.
 */
typedef struct _FerryLibvirtCall FerryLibvirtCall;

/**
 * @hand: copied; what it points at outlives the call
 * @bell: rung at each change of the relay, and at the end
 * @run_dir: for the relay's socket
 * @address: HOST:PORT of the target's ferryd; memory goes to HOST too
 */
FerryLibvirtCall *ferry_libvirt_call_new(const FerryHand *hand,
                                         FerryBell *bell,
                                         const char *run_dir,
                                         const char *address);

/** Only before it began or once it is over: a call cannot be taken back by freeing. */
void ferry_libvirt_call_free(FerryLibvirtCall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryLibvirtCall, ferry_libvirt_call_free)

/** Once.  @client: opens the relay's tunnel; @migration: what only the call knows is filled in */
bool ferry_libvirt_call_begin(FerryLibvirtCall *self,
                              FerryClient *client,
                              const FerryMigration *migration,
                              GError **error);

bool ferry_libvirt_call_is_over(FerryLibvirtCall *self);

/** For the decision table: NONE before it began and once it is over, and not before. */
FerryRelayState ferry_libvirt_call_relay(FerryLibvirtCall *self);

/** Returns: (transfer full) (nullable): what libvirt said, which proves nothing */
char *ferry_libvirt_call_error(FerryLibvirtCall *self);

/** As ferry_relay_seal(); before there is a relay, true. */
bool ferry_libvirt_call_seal(FerryLibvirtCall *self);

/** As those of the relay; both wait some seconds for libvirt's call to end. */
void ferry_libvirt_call_release(FerryLibvirtCall *self);
void ferry_libvirt_call_cut(FerryLibvirtCall *self);
