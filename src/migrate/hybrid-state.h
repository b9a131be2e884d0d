#pragma once

#include <pthread.h>

#include "migrate/hybrid-nic.h"
#include "migrate/hybrid.h"

/*
 * What the files of the hybrids share.  The table of tries only makes messages better and retries
 * rarer: losing it, as a crash does, loses nothing else.
 */

/** What was tried of one hybrid. */
typedef struct {
    char *why;        /* (nullable): what stood in the way last */
    GPtrArray *slots; /* (nullable): of char *: VFs' that did not go in, until each one was tried */
    unsigned n_failed; /* in a row */
    bool no_vf;        /* the last time because there is none to be had */
    int64_t due_ms;    /* not to be tried again before */
    int64_t driven_ms; /* when its VF was seen to be driven first; 0: it was not */
    bool is_asked;     /* the guest was asked to let the VF go */
    uint64_t asked_at; /* number of the newest event then */
    int64_t touched_ms;
} FerryHybridTry;

struct _FerryHybrids {
    FerryHybridsConfig config;
    pthread_mutex_t lock;
    GHashTable *tries; /* "UUID/VF's alias" → FerryHybridTry */
};

/** One hybrid of one guest, during one call; all borrowed. */
typedef struct {
    FerryHybrids *hybrids;
    const char *guest_uuid;
    const char *guest_name;
    const FerryHybridNic *nic;
} FerryHybridCase;

/** Remembers why it went wrong, and when to try again: in a second, in two, in four …, at last
 * every @longest_ms.  Returns: in how many ms that is */
unsigned ferry_hybrid_failed(FerryHybrids *self,
                             const char *guest_uuid,
                             const char *vf_alias,
                             const char *why,
                             unsigned longest_ms);

/** Remembers of the last failure that it is for want of a VF. */
void ferry_hybrid_set_no_vf(FerryHybrids *self, const char *guest_uuid, const char *vf_alias);

/** Whether that was said of the last failure. */
bool ferry_hybrid_has_no_vf(FerryHybrids *self, const char *guest_uuid, const char *vf_alias);

/** Remembers that this slot's VF did not go in: the others come first.  When all have been tried,
 * it is the first of a new round. */
void ferry_hybrid_avoid(FerryHybrids *self,
                        const char *guest_uuid,
                        const char *vf_alias,
                        const char *slot);

/** Returns: (nullable) (transfer full): of char *: slots that come last */
GPtrArray *ferry_hybrid_avoided(FerryHybrids *self, const char *guest_uuid, const char *vf_alias);

/** Forgets what was tried. */
void ferry_hybrid_forget(FerryHybrids *self, const char *guest_uuid, const char *vf_alias);

/** Returns: in how many ms the next try is due, 0 now; @ret_why: (out) (optional) (transfer full)
 */
unsigned ferry_hybrid_due_ms(FerryHybrids *self,
                             const char *guest_uuid,
                             const char *vf_alias,
                             char **ret_why);

/** Returns: for how many ms the VF is known to be driven; the first time 0 */
unsigned ferry_hybrid_driven_ms(FerryHybrids *self, const char *guest_uuid, const char *vf_alias);

/** Remembers that the guest was asked, after the event of that number. */
void ferry_hybrid_set_asked(FerryHybrids *self,
                            const char *guest_uuid,
                            const char *vf_alias,
                            uint64_t seen);

/** @ret_seen: (out): only when true */
bool ferry_hybrid_is_asked(FerryHybrids *self,
                           const char *guest_uuid,
                           const char *vf_alias,
                           uint64_t *ret_seen);

/** Returns: whether the macvtap has the guest's MAC: then what its neighbours on the PF send goes
 * to virtio, and not to the card */
bool ferry_hybrid_receives(const FerryHybridCase *it);

/** Leaves it to the VF to receive, as far as it does not; virtio may still send. */
bool ferry_hybrid_let_vf_receive(const FerryHybridCase *it, GError **error);

/** Makes virtio the owner of the MAC, as far as it is not; @nic must be fresh. */
bool ferry_hybrid_virtio_up(const FerryHybridCase *it, GError **error);

/** Takes the MAC from virtio, as far as it has it. */
bool ferry_hybrid_virtio_down(const FerryHybridCase *it, GError **error);

/** Returns: (nullable) (transfer full): PCI address of the PF below a macvtap's netdev, which may
 * be a VLAN device of it */
char *ferry_hybrid_pf_below(FerryHybrids *self, const char *netdev);

/**
 * The claim of a hybrid's VF: the one that it has, whoever made it, or a new one.  One on another
 * PF is given back first.
 *
 * @pf: (nullable): PCI address; NULL: of any PF of the pool
 * @ret: (out) (nullable) (transfer full): NULL when there is none to be had
 * @ret_reasons: (out) (nullable) (transfer full): why not
 */
bool ferry_hybrid_take(const FerryHybridCase *it,
                       const char *pf,
                       FerryClaimRow **ret,
                       json_t **ret_reasons,
                       GError **error);

/** Returns: (transfer full): the messages of an array of reasons, joined */
char *ferry_hybrid_join(const json_t *reasons);

/** Claims and plugs in the VF of a running guest; what stands in the way is remembered, and the
 * guest has virtio.  Returns: when to look again, ms */
unsigned ferry_hybrid_plug(const FerryHybridCase *it);
