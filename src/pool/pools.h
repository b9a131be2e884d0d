#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <glib.h>

#include "base/clock.h"
#include "host/inventory.h"
#include "host/kernel.h"
#include "host/mdev.h"
#include "host/vf.h"
#include "pool/pool.h"
#include "pool/view.h"
#include "store/claims.h"

/**
 * The pools and claims of this host.  Any thread may call any of this; no call holds a lock while
 * it changes a device.
 *
 * "No" is an answer: the call succeeds and sets @ret_reasons, an array of {code, message, remedy?,
 * passing?, …}: "passing" is true for what may be otherwise in a moment without anybody's doing.
 * Errors of all calls are those of the store and of reading sysfs, besides what each says.
 */
typedef struct _FerryPools FerryPools;

/** All of it the caller's; it outlives the pools. */
typedef struct {
    FerryStore *store;
    /** Returns: (transfer full): the host's devices as they are now */
    FerryInventory *(*inventory)(void *data);
    void *inventory_data;
    const FerryKernel *kernel; /* root with run/ too; the process's own, see ferry_mdev_remove() */
    const FerryVfOps *vf_ops;
    void *vf_data;
    const FerryClock *clock;
} FerryPoolsConfig;

FerryPools *ferry_pools_new(const FerryPoolsConfig *config);
void ferry_pools_free(FerryPools *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPools, ferry_pools_free)

/* ---- pools ---- */

/**
 * Defines a pool.  Refused (an answer) when a VF would be in two pools.
 *
 * @pool: valid
 * @ret_reasons: (out) (nullable) (transfer full): NULL when it is defined
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when a member is not on this host, FERRY_ERROR_INVALID
 *          when two members are one device, FERRY_ERROR_EXISTS when the name is taken
 */
bool
ferry_pools_define(FerryPools *self, const FerryPool *pool, json_t **ret_reasons, GError **error);

/**
 * Forgets a pool.  Refused (an answer) while there are claims in it, naming them.
 *
 * @ret_reasons: (out) (nullable) (transfer full): NULL when it is gone
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND
 */
bool ferry_pools_undefine(FerryPools *self, const char *name, json_t **ret_reasons, GError **error);

/** @ret: (out) (nullable) (transfer full): NULL when there is none of that name */
bool ferry_pools_find(FerryPools *self, const char *name, FerryPool **ret, GError **error);

/** @ret: (out) (transfer full): array of FerryPool, sorted by name, freeing its elements */
bool ferry_pools_list(FerryPools *self, GPtrArray **ret, GError **error);

/**
 * A pool as it is now.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when there is none of that name
 */
bool ferry_pools_view(FerryPools *self, const char *name, FerryPoolView **ret, GError **error);

/* ---- claims ---- */

/** What one device of a guest asks for; strings are the caller's. */
typedef struct {
    const char *guest_uuid; /* "": a person's claim, no guest's */
    const char *guest_name;
    const char *alias;
    const char *job;            /* (nullable) that holds the claim until ferry_pools_keep() */
    const char *pool;           /* (nullable) pool or parent, exactly one */
    const char *parent;         /* (nullable) kernel's or libvirt's name */
    const char *type;           /* (nullable) of mdevs; NULL: the pool's only one */
    const char *uuid;           /* (nullable) of mdevs; NULL: a new one */
    const FerryMdevAttr *attrs; /* of mdevs */
    size_t n_attrs;
    const char *pf;   /* (nullable) only VFs of this PF: netdev or PCI address */
    const char *slot; /* (nullable) exactly this one, "mtty/mtty-1"; its parent or pool may be left
                         out, but for a VF's */
    const GPtrArray *avoid; /* (nullable) of char *: VFs' slots that come last, if at all */
    FerryPolicy policy;     /* FERRY_POLICY_OF_POOL: as the pool says */
} FerryNeed;

/**
 * Claims a slot; the claim is on the disk when this returns, and nothing is made yet.  The same
 * need of the same guest, alias and job again returns the claim that is there.
 *
 * @ret: (out) (nullable) (transfer full): NULL when refused
 * @ret_reasons: (out) (nullable) (transfer full): NULL when there is a claim
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND (pool), FERRY_ERROR_INVALID (the need)
 */
bool ferry_pools_claim(FerryPools *self,
                       const FerryNeed *need,
                       FerryClaimRow **ret,
                       json_t **ret_reasons,
                       GError **error);

/**
 * Makes the claimed mdev, or saves what is set on the claimed VF, once.  Repeating it succeeds.
 *
 * A device with the mdev's UUID that was not made under this claim is never touched: refused.  When
 * a parent turns out to have nothing left, the claim moves to another one of its pool; a job's
 * claim stays on what was checked for it.
 *
 * @ret_reasons: (out) (nullable) (transfer full): why it is refused; the claim is still there
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the claim is gone or being released, or as
 *          ferry_mdev_create() and ferry_vf_read() say
 */
bool
ferry_pools_prepare(FerryPools *self, int64_t generation, json_t **ret_reasons, GError **error);

/**
 * The guest runs with it: the claim is in use, and no job's.  Repeating it succeeds.
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the claim is gone or being released
 */
bool ferry_pools_keep(FerryPools *self, int64_t generation, GError **error);

/**
 * Gives a claim back: the mdev that was made under it is removed, the VF is reset and gets its
 * settings back, and the claim is gone.  A generation that is gone already is a success, whoever
 * has the slot now.
 *
 * @limit_ms: for the kernel's removal of an mdev
 *
 * Returns: false with FERRY_ERROR_BUSY, naming who has the device open, FERRY_ERROR_TIMEOUT,
 *          FERRY_ERROR_DENIED or FERRY_ERROR_IO: the claim stays, as being released, and this is to
 *          be called again
 */
bool ferry_pools_release(FerryPools *self, int64_t generation, unsigned limit_ms, GError **error);

/**
 * @guest_uuid: (nullable): of that guest only
 * @ret: (out) (transfer full): array of FerryClaimRow, oldest first, freeing its elements
 */
bool ferry_pools_claims(FerryPools *self, const char *guest_uuid, GPtrArray **ret, GError **error);

/**
 * @ret: (out) (transfer full): the claim of that generation
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when it is gone or being released
 */
bool
ferry_pools_find_claim(FerryPools *self, int64_t generation, FerryClaimRow **ret, GError **error);

/** Returns: (nullable) (transfer none): the VF or mdev behind a claim, as @inventory has it */
const FerryHostDevice *ferry_pools_device(const FerryInventory *inventory,
                                          const FerryClaimRow *claim);
