#include "pool/choose.h"

#include <string.h>

bool
ferry_member_is_of_pf(const FerryMember *member, const char *pf)
{
    return pf == NULL || g_strcmp0(pf, member->device) == 0 || g_strcmp0(pf, member->netdev) == 0 ||
           strcmp(pf, member->name) == 0;
}

/* Whether a member with @left is to be taken before one with @best, which comes earlier. */
static bool
is_better(FerryPolicy policy, uint64_t left, uint64_t best)
{
    if (policy == FERRY_POLICY_PACK)
        return left < best;
    return policy == FERRY_POLICY_SPREAD && left > best;
}

static FerryPolicy
policy_of(const FerryPoolView *view, FerryPolicy policy)
{
    return policy == FERRY_POLICY_OF_POOL ? view->pool->policy : policy;
}

static bool
is_among(const GPtrArray *names, const char *name)
{
    for (guint i = 0; names != NULL && i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), name) == 0)
            return true;
    return false;
}

static const FerrySlot *
first_free(const FerryMember *member, const GPtrArray *avoid)
{
    for (guint i = 0; i < member->slots->len; i++) {
        const FerrySlot *slot = g_ptr_array_index(member->slots, i);

        if (slot->state == FERRY_SLOT_FREE && !is_among(avoid, slot->id))
            return slot;
    }
    return NULL;
}

const FerrySlot *
ferry_choose_vf(const FerryPoolView *view,
                FerryPolicy policy,
                const char *pf,
                const GPtrArray *avoid)
{
    const FerryMember *best = NULL;

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (!ferry_member_is_of_pf(member, pf) || first_free(member, avoid) == NULL)
            continue;
        if (best == NULL || (best->without_link && !member->without_link) ||
            (best->without_link == member->without_link &&
             is_better(policy_of(view, policy), member->total - member->used,
                       best->total - best->used)))
            best = member;
    }
    if (best == NULL)
        return avoid != NULL ? ferry_choose_vf(view, policy, pf, NULL) : NULL;
    return first_free(best, avoid);
}

const FerryMember *
ferry_choose_parent(const FerryPoolView *view,
                    FerryPolicy policy,
                    const char *type,
                    const GPtrArray *tried)
{
    const FerryMember *best = NULL;
    uint32_t best_left = 0;

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);
        const FerrySlotType *row = ferry_member_type(member, type);

        if (row == NULL || row->available == 0 || is_among(tried, member->device))
            continue;
        if (best != NULL && !is_better(policy_of(view, policy), row->available, best_left))
            continue;
        best = member;
        best_left = row->available;
    }
    return best;
}
