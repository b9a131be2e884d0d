#pragma once

#include <pthread.h>

#include "pool/pools.h"
#include "pool/turns.h"

/** For the files of this folder only. */
struct _FerryPools {
    FerryPoolsConfig config;
    /* Held from a look at what is free until the claim is in the store; never while a device is
     * changed. */
    pthread_mutex_t choosing;
    FerryTurns *turns;
    FerryTurns *resets; /* of PFs: drivers time out when many of their VFs are reset at once */
};

/** Holds @choosing to the end of the scope. */
#define FERRY_POOLS_CHOOSING(pools)                                                                \
    __attribute__((cleanup(ferry_pools_chosen), unused)) FerryPools *choosing_pools =              \
        ferry_pools_choosing(pools)

FerryPools *ferry_pools_choosing(FerryPools *self);
void ferry_pools_chosen(FerryPools **self);

/** All that a FerryLook points to, owned. */
typedef struct {
    FerryInventory *inventory;
    FerryUsers *users;
    GPtrArray *claims;
    FerryLook look;
} FerryPoolsLook;

/** @ret: (out): cleared by the caller, whatever this returns */
bool ferry_pools_look(FerryPools *self, FerryPoolsLook *ret, GError **error);
void ferry_pools_look_clear(FerryPoolsLook *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryPoolsLook, ferry_pools_look_clear)

/** As ferry_pools_find(), but with FERRY_ERROR_NOT_FOUND when there is none. */
bool ferry_pools_get(FerryPools *self, const char *name, FerryPool **ret, GError **error);

/** Returns: (transfer full): this boot of the machine; an mdev of another one is gone, whoever has
 * its UUID now */
char *ferry_pools_boot(const FerryPools *self);

/** Whether an mdev that is there was made under this claim, and so is ours to remove. */
bool
ferry_pools_owns(const FerryPools *self, const FerryClaimRow *claim, const FerryHostDevice *mdev);

/** The pool that a claim's slot is from, or one of just its parent when it is from none.
 *
 * @ret: (out) (transfer full) */
bool ferry_pools_pool_of(FerryPools *self, const FerryClaimRow *claim, FerryPool **ret, GError **);
