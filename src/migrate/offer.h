#pragma once

#include <jansson.h>

#include "host/facts.h"
#include "migrate/plan.h"
#include "pool/pools.h"

/**
 * What this host has for a guest that would come: the target's half of the check of its devices.
 * Any thread may call; nothing is changed by a call.
 */
typedef struct _FerryOffers FerryOffers;

/** All of it the caller's; it outlives the offers. */
typedef struct {
    FerryPools *pools;
    FerryInventory *(*inventory)(void *data); /* (transfer full): the newest */
    void *inventory_data;
    int root;
    const FerryDriverOps *ops;
    void *data;
    FerryStore *store;      /* (nullable): which states these devices took before */
    const char *rules_root; /* see ferry_rulebook_new() */
} FerryOffersConfig;

FerryOffers *ferry_offers_new(const FerryOffersConfig *config);
void ferry_offers_free(FerryOffers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryOffers, ferry_offers_free)

/**
 * For each need of the plan the slots that could meet it, the verdict of each by this host's rules,
 * and the one chosen: the best one of which something is left when the needs before it have got
 * theirs.  State that is carried comes first, for it is choosy.
 *
 * @ret: (out) (transfer full): an array, in the order of the plan's needs, of {alias, way, pool?,
 *       verdict, slot?, why?, candidates[]}; verdict is "yes", "provision", "unknown" or "no";
 *       slot is {name, member, netdev?, type?, device?, slot?} of the chosen one; each candidate is
 *       {name, available, usable, …} with the verdict object of the compatibility check when it was
 *       judged, best first, and "loads": {success, rejected, last?} of states like this one
 * @reasons: an array; gets {code, alias, message} for each need that is not met
 *
 * Returns: false with the store's errors, or those of reading the rules
 */
bool ferry_offers_answer(FerryOffers *self,
                         const FerryPlan *plan,
                         json_t **ret,
                         json_t *reasons,
                         GError **error);
