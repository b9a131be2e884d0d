#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "host/inventory.h"
#include "host/users.h"
#include "pool/pool.h"
#include "store/claims.h"

typedef enum {
    FERRY_SLOT_FREE,
    FERRY_SLOT_CLAIMED,
    FERRY_SLOT_FOREIGN, /* somebody else's: never given out, never touched */
    FERRY_SLOT_GONE,    /* claimed, and the device is not there now */
    FERRY_N_SLOT_STATES
} FerrySlotState;

/** Returns: (transfer none): "free", "claimed", "foreign" or "gone" */
const char *ferry_slot_state_name(FerrySlotState state);

/** One VF, or one mdev of a parent: those that are there and those that are claimed. */
typedef struct {
    char *id; /* as in a claim: "0000:03:00.0/vf3", "mtty/mtty-1" */
    FerrySlotState state;
    char *device;         /* (nullable) the VF's address now, the mdev's UUID */
    char *who;            /* (nullable) for people: "guest web (ua-net0)", "process 4711 (…)" */
    FerryClaimRow *claim; /* (nullable) */
} FerrySlot;

/** What is left of one type on a parent.  Types are alternatives: never add these up. */
typedef struct {
    char *id;
    uint32_t available; /* as the kernel says, less what is claimed and not made yet */
    double size;        /* what one takes of its member's units, see pool/size.h */
} FerrySlotType;

/** One PF or parent of a pool. */
typedef struct {
    char *name;   /* as the pool names it: "eth3", "0000:03:00.0", "mtty" */
    char *device; /* (nullable) the kernel's name; NULL: it is not there now */
    char *netdev; /* (nullable) */
    char *link;   /* (nullable) the netdev's state */
    bool without_link;
    unsigned used;  /* slots that are claimed or foreign, and there */
    unsigned total; /* VFs of the pool that are there; of a parent 0, its types say what is left */
    GPtrArray *slots; /* of FerrySlot; of a parent without any free one, see @types */
    GPtrArray
        *types;   /* (nullable) of FerrySlotType: all of a parent's; empty: none published yet */
    double units; /* of a parent: what its types have left together */
} FerryMember;

/** A pool as it is at this moment; a plain value. */
typedef struct {
    FerryPool *pool;
    GPtrArray *members; /* of FerryMember, in the pool's order */
    unsigned used, total;
    unsigned n_without_link; /* VFs on PFs without link */
} FerryPoolView;

/** What a view is made of. */
typedef struct {
    int root; /* descriptor of a folder with sys/, proc/ and run/ in it */
    const FerryInventory *inventory;
    const FerryUsers *users;
    const GPtrArray *claims; /* of FerryClaimRow: all that there are */
} FerryLook;

/**
 * Looks at a pool.  VFs are those of the inventory; parents' types and mdevs are read anew, since
 * each creation changes what all types of a parent have left, and no event tells.
 *
 * @pool: (transfer full)
 *
 * Returns: (transfer full)
 */
FerryPoolView *ferry_pool_view_new(const FerryLook *look, FerryPool *pool);
void ferry_pool_view_free(FerryPoolView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPoolView, ferry_pool_view_free)

/** Returns: (nullable) (transfer full): "degraded: 7 of 14 on a PF without link"; NULL when not so
 */
char *ferry_pool_view_degraded(const FerryPoolView *self);

/** Returns: (nullable) (transfer none): the first slot with that id */
const FerrySlot *ferry_pool_view_slot(const FerryPoolView *self, const char *id);

/** Returns: (nullable) (transfer none): the type with that id on @member */
const FerrySlotType *ferry_member_type(const FerryMember *member, const char *id);

/** As the API shows it; Returns: (transfer full) */
json_t *ferry_pool_view_to_json(const FerryPoolView *self);

/** Returns: (transfer full): {pool?, slot, device?, guest{uuid, name}?, alias, job?, state,
 * saved_settings?, generation, since} */
json_t *ferry_claim_to_json(const FerryClaimRow *claim);

/** Returns: (transfer full): "guest web (ua-net0)", for messages */
char *ferry_claim_describe(const FerryClaimRow *claim);
