/*
 * A release names a generation, so one that comes late finds its claim gone and touches nothing,
 * whoever has the slot by then.  "Releasing" is on the disk before anything is undone; the row goes
 * last: until then nobody else gets the slot, and a crash leaves something to release again.
 */
#include "base/crash.h"
#include "host/mdev.h"
#include "pool/members.h"
#include "pool/settings.h"
#include "pool/state.h"

static bool
undo(FerryPools *self, const FerryClaimRow *claim, unsigned limit_ms, GError **error)
{
    g_autoptr(FerryHostDevice) mdev = NULL;

    if (claim->device[0] == '\0')
        return ferry_settings_restore(self, claim, error);
    mdev = ferry_mdev_look(self->config.kernel->root, claim->device);
    if (mdev == NULL || !ferry_pools_owns(self, claim, mdev))
        return true;
    return ferry_mdev_remove(self->config.kernel, claim->device, limit_ms, error);
}

static bool
release(FerryPools *self, int64_t generation, unsigned limit_ms, GError **error)
{
    FerryStore *store = self->config.store;
    g_autoptr(FerryClaimRow) claim = NULL;

    if (!ferry_store_claim_find(store, generation, &claim, error))
        return false;
    if (claim == NULL)
        return true;
    if (claim->state != FERRY_CLAIM_RELEASING) {
        claim->state = FERRY_CLAIM_RELEASING;
        if (!ferry_store_claim_update(store, claim, error))
            return false;
    }
    ferry_crash_at(FERRY_CRASH_D_UNDO_BEFORE);
    if (!undo(self, claim, limit_ms, error))
        return false;
    ferry_crash_at(FERRY_CRASH_D_UNDO_AFTER);
    if (!ferry_store_claim_remove(store, generation, error))
        return false;
    ferry_crash_at(FERRY_CRASH_D_RELEASE_AFTER);
    return true;
}

bool
ferry_pools_release(FerryPools *self, int64_t generation, unsigned limit_ms, GError **error)
{
    bool ok = false;

    ferry_turns_take(self->turns, generation);
    ok = release(self, generation, limit_ms, error);
    ferry_turns_give(self->turns, generation);
    return ok;
}
