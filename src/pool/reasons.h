#pragma once

#include <jansson.h>

#include "pool/view.h"
#include "store/claims.h"

/**
 * What "no" looks like: each returns (transfer full) an array of one {code, message, remedy?, …},
 * with the values that the message is made of.
 */

/** No VF is free.  @pf: (nullable): only those of that PF were asked for */
json_t *ferry_reasons_no_vf(const FerryPoolView *view, const char *pf);

/** One VF that was asked for is not free.  @slot: (nullable): NULL: it is not in the pool */
json_t *ferry_reasons_slot_taken(const FerryPoolView *view, const char *id, const FerrySlot *slot);

/** Nothing is left of a type.  @look: to name other parents that would do
 * @parent: (nullable): only that one was asked */
json_t *ferry_reasons_no_mdev(const FerryLook *look,
                              const FerryPoolView *view,
                              const char *parent,
                              const char *type);

/** The guest's device holds another claim, or the UUID is another one's. */
json_t *ferry_reasons_held(const FerryClaimRow *holder, const char *alias);

/** There is an mdev with that UUID that was not made under the claim. */
json_t *ferry_reasons_exists(const FerryHostDevice *mdev);

/** A VF would be in two pools.  @slots: of char * */
json_t *ferry_reasons_shared(const char *other_pool, const GPtrArray *slots);

/** A pool has claims.  @claims: of FerryClaimRow, at least one */
json_t *ferry_reasons_pool_in_use(const char *pool, const GPtrArray *claims);
