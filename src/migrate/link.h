#pragma once

#include "client/identity.h"
#include "migrate/bell.h"
#include "migrate/hand.h"

/**
 * The source's way to the target during one job: two kept-alive connections, the relay, and
 * libvirt's call in a thread of its own.  It is the real FerryLinkOps.
 *
 *   driver thread   asks on the first connection, opens the relay's tunnel
 *   asking thread   long-polls on the second one while the transfer runs: LOADED comes this way
 *   call thread     sits in virDomainMigrate3, whose other end is the relay
 *
 * All but the ops are called by the driver's thread; the ops too.
 */
typedef struct {
    FerryHand hand; /* first: the guest ops take the same data */
    struct _FerryLinkState *state;
} FerryLink;

typedef struct {
    const FerryIdentity *identity;
    const char *peer_name;
    const char *peer_address; /* HOST:PORT of its ferryd; memory goes to HOST too */
    const char *run_dir;      /* for the relay's socket */
    const FerryTimers *timers;
    FerryBell *bell; /* rung at each answer and each change of the relay */
} FerryLinkConfig;

/** @hand: copied; what it points at outlives the link */
bool ferry_link_new(const FerryHand *hand,
                    const FerryLinkConfig *config,
                    FerryLink **ret,
                    GError **error);

/** Only before libvirt's call began or once it is over: a call cannot be taken back by freeing. */
void ferry_link_free(FerryLink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryLink, ferry_link_free)

/* For both @data is a FerryLink. */
extern const FerryLinkOps ferry_link_ops;
