#pragma once

#include <jansson.h>

#include "host/facts.h"
#include "migrate/plan.h"
#include "pool/members.h"
#include "pool/pools.h"

/** Where slots are looked for; all of it the caller's. */
typedef struct {
    FerryPools *pools;
    const FerryInventory *inventory;
    int root; /* as for ferry_host_facts(), with run/ too */
    const FerryDriverOps *ops;
    void *data;
    const GPtrArray *held; /* (nullable): FerryClaimRow of a reservation: its slots and no others */
} FerrySlotHost;

/**
 * A kind of slot that a need could get: one type on one parent, or the free VFs of one driver on
 * one PF.  Slots of a kind are alike, so that a thousand VFs are judged by their PFs.
 */
typedef struct {
    char *name;         /* for people: "mtty mtty-1", "eth3" */
    char *pool;         /* (nullable) that it is of */
    char *member;       /* the parent's or PF's name, as the kernel calls it */
    char *netdev;       /* (nullable) of a PF */
    char *type;         /* (nullable) of a parent */
    char *driver;       /* (nullable) of VFs that are judged */
    char *device;       /* (nullable) a device that was made beforehand: its UUID */
    GPtrArray *slots;   /* of char *: VFs that are free, as claims name them; empty of a parent */
    uint32_t available; /* mdevs that the type can still give, or the number of @slots */
    double size, units; /* of a type: what one takes of what its parent has, see pool/size.h */
    bool without_link;
    json_t *facts; /* (nullable) of such a device; not of what is only plugged anew */
} FerrySlotKind;

void ferry_slot_kind_free(FerrySlotKind *kind);

/** One without a name or slots yet.  @pool, @member: (nullable): of a device that is of none */
FerrySlotKind *ferry_slot_kind_new(const FerryPool *pool, const FerryMember *member);

/** The kinds that the members of a pool have for a need.  @ret: gets a FerrySlotKind each */
void ferry_slot_kinds_of_pool(const FerrySlotHost *host,
                              const FerryPoolView *view,
                              const FerryPlanNeed *need,
                              GPtrArray *ret);

/** A slot that is held by a claim of @host: each is a kind of its own.  Returns: (nullable)
 * (transfer full): NULL when it is not there now */
FerrySlotKind *ferry_slot_kind_of_claim(const FerrySlotHost *host, const FerryClaimRow *claim);
