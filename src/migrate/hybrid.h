#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "guest/device.h"
#include "guest/link.h"
#include "host/inventory.h"
#include "host/netdev.h"
#include "migrate/life.h"
#include "xml/domain.h"

/**
 * Hybrid NICs: a virtio NIC on a macvtap of a PF, and a VF of the same PF with the same MAC, which
 * the guest joins to one interface (net_failover).  The VF comes and goes while the guest runs.
 *
 * What is done next is decided by looking: at the guest's live XML, at its claims, and at the
 * host.  Nothing has to be remembered, so that after a crash the next look goes on:
 *
 *   VF in the guest | driven | virtio |
 *   no              |        | down   | virtio up: the guest must not be without a network
 *   no              |        | up     | claim a VF of macvtap's PF, save its settings, plug it in
 *   yes             | no     | down   | virtio up: the guest does not use the VF (it boots again)
 *   yes             | no     | up     | wait: "plugged, not confirmed"
 *   yes             | yes    | up     | virtio down: one owner of the MAC at a time
 *   yes             | yes    | down   | done
 *
 * "Driven": the VF's vectors are in the host's /proc/interrupts, which means that a driver in the
 * guest has enabled them.  No event of libvirt or QEMU says so.
 *
 * "Down" is two things: the link that the guest sees, and macvtap itself on the host, for only
 * that takes the MAC out of the PF's filter; libvirt leaves it up (tried: 11.3).  Going down the
 * link is first, going up macvtap is.  So a macvtap that is down below a link that is up is that
 * of a paused guest, which libvirt has taken down, and is left alone.
 *
 * Any thread may call; calls for one guest must not run at the same time (the keeper, or the job
 * that has the guest).  No lock is held while anything outside is asked.
 */
typedef struct _FerryHybrids FerryHybrids;

/** The guest, in libvirt's hands; each is the function of that name in guest/. */
typedef struct {
    bool (*xml)(void *data, const char *uuid, char **ret, GError **error); /* as it runs */
    bool (*attach)(void *data,
                   const char *uuid,
                   const char *alias,
                   const char *device_xml,
                   GError **error);
    bool (*detach_ask)(void *data,
                       const char *uuid,
                       const char *alias,
                       FerryDetach *ret,
                       char **ret_reason,
                       GError **error);
    uint64_t (*seen)(void *data);
    bool (*device_kept)(void *data, const char *uuid, const char *alias, uint64_t after);
    bool (*set_link)(void *data,
                     const char *uuid,
                     const char *alias,
                     FerryLinkState state,
                     GError **error);
} FerryHybridGuestOps;

/** Returns: (transfer none): libvirt's, with the crash points named D; their data is a FerryGuests
 */
const FerryHybridGuestOps *ferry_hybrid_guest_ops(void);

/** All of it is the caller's and outlives the hybrids. */
typedef struct {
    const FerryHybridGuestOps *guest;
    void *guest_data;
    const FerryClaimOps *claims;
    void *claims_data;
    /** @ret: (out) (nullable) (transfer full): as ferry_pools_find() */
    bool (*find_pool)(void *data, const char *name, FerryPool **ret, GError **error);
    void *pools_data;
    FerryInventory *(*inventory)(void *data); /* (transfer full): the newest */
    void *inventory_data;
    const FerryNetdevOps *netdevs;
    void *netdevs_data;
    int root; /* descriptor of a folder with sys/ and proc/ in it */
    /** How long virtio stays up beside a VF that is driven: drivers enable their interrupts first
     * and have a link later (igbvf: up to 2 s), and without it the guest would have neither. */
    unsigned settle_ms;
    const FerryClock *clock;
} FerryHybridsConfig;

FerryHybrids *ferry_hybrids_new(const FerryHybridsConfig *config);
void ferry_hybrids_free(FerryHybrids *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHybrids, ferry_hybrids_free)

/** admit, before_start and look of a guest's life, on a FerryHybrids as data: see life.h.  Only a
 * hybrid with on-no-vf='refuse' keeps a guest from starting. */
extern const FerryHybridOps ferry_hybrid_ops;

/**
 * One step towards "each hybrid has its VF" in a guest that runs and that nobody else has in hand.
 * Does not wait for the guest.  What libvirt or the host refuse is remembered for
 * ferry_hybrid_describe() and tried again later, ever more rarely: no error.
 *
 * @live: the guest's live XML since the last event of it
 * @ret_again_ms: (out): when to look again if no event comes before; 0: only after an event
 *
 * Returns: false with the store's error
 */
bool ferry_hybrid_look(FerryHybrids *self,
                       const char *guest_uuid,
                       const FerryDomain *live,
                       unsigned *ret_again_ms,
                       GError **error);

typedef enum {
    FERRY_UNPLUG_DONE,    /* the VF is out of the guest, and the host has it again */
    FERRY_UNPLUG_WAIT,    /* the guest was asked: call again; how long is the caller's to say */
    FERRY_UNPLUG_REFUSED, /* it keeps the VF and goes on using it */
} FerryUnplug;

/**
 * One step of taking the VF off: virtio up first, so that the guest is never without a network;
 * then the guest is asked, once.  Whoever gives up waiting calls ferry_hybrid_look(), which puts
 * everything back.
 *
 * The claim stays: after DONE, ferry_hybrid_look() plugs the same VF in again,
 * ferry_hybrid_release() gives it away.
 *
 * @vf_alias: of the VF's half
 * @ret_why: (out) (nullable) (transfer full): for WAIT and REFUSED a sentence
 *
 * Returns: false with libvirt's error; the next call goes on
 */
bool ferry_hybrid_unplug(FerryHybrids *self,
                         const char *guest_uuid,
                         const char *vf_alias,
                         FerryUnplug *ret,
                         char **ret_why,
                         GError **error);

/**
 * Gives a VF back that is in no guest any more: its settings as they were found, then its claim.
 * Without a claim it is a success.
 *
 * Returns: false with FERRY_ERROR_BUSY while a process has the VF, or as ferry_pools_release()
 */
bool ferry_hybrid_release(FerryHybrids *self,
                          const char *guest_uuid,
                          const char *vf_alias,
                          GError **error);

/**
 * For "ferry guest show": each hybrid as it is now, {alias, vf_alias, pool, on_no_vf, mac, address,
 * vf_address, netdev, pf, macvtap, link, vf, vf_index, state, reason}, those without a value left
 * out.  The state is "vf", "plugged" (not confirmed), "degraded" (it runs without its VF, for that
 * reason) or "off".
 *
 * @domain: the live XML, or the definition of a guest that does not run
 *
 * Returns: (transfer full): an array, empty for a guest without hybrids
 */
json_t *
ferry_hybrid_describe(FerryHybrids *self, const char *guest_uuid, const FerryDomain *domain);
