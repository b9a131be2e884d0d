#pragma once

#include <jansson.h>

#include "host/facts.h"
#include "migrate/plan.h"
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
    bool without_link;
    json_t *facts; /* (nullable) of such a device; not of what is only plugged anew */
} FerrySlotKind;

void ferry_slot_kind_free(FerrySlotKind *kind);

/**
 * The claims of the reservation that the plan names, be they its job's by now.
 *
 * @ret: (out) (nullable) (transfer full): array of FerryClaimRow; NULL when it names none
 *
 * Returns: false with the store's errors
 */
bool ferry_slots_held(FerryPools *pools, const FerryPlan *plan, GPtrArray **ret, GError **error);

/**
 * All kinds of slots that a need may be met by.  Nothing of the source's addresses or UUIDs is
 * looked at.
 *
 * @ret: gets a FerrySlotKind each
 * @ret_reason: (out) (nullable) (transfer full): {code, message} when there is not even a place to
 *              look at: no such pool, one of another kind, no such device, none of the
 *              vendor and product that the guest's definition expects
 *
 * Returns: false with what ferry_pools_view() says
 */
bool ferry_slots_find(const FerrySlotHost *host,
                      const FerryPlanNeed *need,
                      GPtrArray *ret,
                      json_t **ret_reason,
                      GError **error);
