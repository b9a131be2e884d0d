/*
 * The order of a device's making, and of its removal:
 *   1. the claim is on the disk (claim.c);
 *   2. no device of that UUID is there;
 *   3. that we make it in this boot is on the disk: made_in;
 *   4. the device is made.
 * So after a crash a device of that UUID is ours if and only if made_in says this boot and it is on
 * the claim's parent and of its type; release removes that one and no other.  Of a VF the settings
 * are on the disk before anybody may change them.
 */
#include <string.h>

#include "base/crash.h"
#include "base/error.h"
#include "base/file.h"
#include "host/mdev.h"
#include "host/sysfs.h"
#include "pool/choose.h"
#include "pool/members.h"
#include "pool/reasons.h"
#include "pool/settings.h"
#include "pool/state.h"

#define BOOT_ID "proc/sys/kernel/random/boot_id"

/* For the removal of a device that is half made: nobody can have it open. */
#define REMOVE_LIMIT_MS 5000

char *
ferry_pools_boot(const FerryPools *self)
{
    char *id = ferry_sysfs_text(self->config.kernel->root, BOOT_ID);

    return id != NULL ? id : g_strdup("this");
}

bool
ferry_pools_find_claim(FerryPools *self, int64_t generation, FerryClaimRow **ret, GError **error)
{
    g_autoptr(FerryClaimRow) row = NULL;

    if (!ferry_store_claim_find(self->config.store, generation, &row, error))
        return false;
    if (row == NULL || row->state == FERRY_CLAIM_RELEASING) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "claim %" G_GINT64_FORMAT " is %s",
                    generation, row == NULL ? "not there any more" : "being released");
        return false;
    }
    *ret = g_steal_pointer(&row);
    return true;
}

static bool
set_made_in(FerryPools *self, FerryClaimRow *claim, const char *boot, GError **error)
{
    g_free(claim->made_in);
    claim->made_in = g_strdup(boot);
    return ferry_store_claim_update(self->config.store, claim, error);
}

bool
ferry_pools_owns(const FerryPools *self, const FerryClaimRow *claim, const FerryHostDevice *mdev)
{
    g_autofree char *boot = ferry_pools_boot(self);
    g_autofree char *slot = g_strconcat(mdev->parent, "/", mdev->type, NULL);

    return strcmp(claim->made_in, boot) == 0 && strcmp(claim->slot, slot) == 0;
}

/* @attrs: freed by the caller; they point into @json */
static FerryMdevAttr *
attrs_of(const json_t *json, size_t *ret_n)
{
    const size_t n = json_array_size(json);
    FerryMdevAttr *attrs = g_new0(FerryMdevAttr, n + 1);

    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(json, i);

        attrs[i].name = json_string_value(json_object_get(row, "name"));
        attrs[i].value = json_string_value(json_object_get(row, "value"));
    }
    *ret_n = n;
    return attrs;
}

static bool
create(FerryPools *self, const FerryClaimRow *claim, GError **error)
{
    json_t *json = json_loads(claim->attrs, 0, NULL);
    g_autofree char *parent = NULL;
    g_autofree char *type = NULL;
    FerryMdevRequest request = { .uuid = claim->device };
    g_autofree FerryMdevAttr *attrs = attrs_of(json, &request.n_attrs);
    bool ok = false;

    ferry_slot_parse_mdev(claim->slot, &parent, &type);
    request.parent = parent;
    request.type = type;
    request.attrs = attrs;
    ok = ferry_mdev_create(self->config.kernel, &request, error);
    json_decref(json);
    return ok;
}

/*
 * A device that an earlier try has left is taken as it is when the claim has no attributes: then it
 * is whole.  Otherwise that try may have ended between two of them, and it is made anew, unless
 * somebody has it open: that is its guest, so it was whole.
 */
static bool
take_over(FerryPools *self, const FerryClaimRow *claim, FerryHostDevice **mdev, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (strcmp(claim->attrs, "[]") == 0 || claim->state == FERRY_CLAIM_IN_USE)
        return true;
    if (ferry_mdev_remove(self->config.kernel, claim->device, REMOVE_LIMIT_MS, &failure)) {
        g_clear_pointer(mdev, ferry_host_device_free);
        return true;
    }
    if (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_BUSY))
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* Moves a claim to another parent of its pool; @tried gets the one it was on.  *@ret_reasons is set
 * when there is none. */
static bool
move(FerryPools *self, FerryClaimRow *claim, GPtrArray *tried, json_t **ret_reasons, GError **error)
{
    FERRY_POOLS_CHOOSING(self);
    g_auto(FerryPoolsLook) look = { 0 };
    g_autoptr(FerryPoolView) view = NULL;
    FerryPool *pool = NULL;
    const FerryMember *other = NULL;
    g_autofree char *type = NULL;
    char *parent = NULL;

    ferry_slot_parse_mdev(claim->slot, &parent, &type);
    g_ptr_array_add(tried, parent);
    if (!ferry_pools_look(self, &look, error) || !ferry_pools_pool_of(self, claim, &pool, error))
        return false;
    view = ferry_pool_view_new(&look.look, pool);
    if (claim->job[0] == '\0') /* a job's stays on what was checked for it */
        other = ferry_choose_parent(view, FERRY_POLICY_OF_POOL, type, tried);
    if (other == NULL) {
        *ret_reasons = ferry_reasons_no_mdev(&look.look, view, NULL, type);
        return true;
    }
    g_free(claim->slot);
    claim->slot = g_strconcat(other->device, "/", type, NULL);
    return ferry_store_claim_update(self->config.store, claim, error);
}

/* Makes the device on the claim's parent: true with *@ret_made false when that has nothing left. */
static bool
make_once(FerryPools *self,
          FerryClaimRow *claim,
          bool *ret_made,
          json_t **ret_reasons,
          GError **error)
{
    g_autofree char *boot = ferry_pools_boot(self);
    g_autoptr(FerryHostDevice) mdev = ferry_mdev_look(self->config.kernel->root, claim->device);
    g_autoptr(GError) failure = NULL;

    if (mdev != NULL && !ferry_pools_owns(self, claim, mdev)) {
        *ret_reasons = ferry_reasons_exists(mdev);
        return true;
    }
    *ret_made = true;
    if (mdev != NULL && !take_over(self, claim, &mdev, error))
        return false;
    if (mdev != NULL)
        return true;
    if (!set_made_in(self, claim, boot, error))
        return false;
    ferry_crash_at(FERRY_CRASH_D_CREATE_BEFORE);
    if (create(self, claim, &failure)) {
        ferry_crash_at(FERRY_CRASH_D_CREATE_AFTER);
        return true;
    }
    *ret_made = false;
    if (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_EXHAUSTED))
        return set_made_in(self, claim, "", error);
    /* somebody was quicker with that UUID: it is not ours, and must not be taken for it */
    if (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_EXISTS) &&
        !set_made_in(self, claim, "", error))
        return false;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
make(FerryPools *self, FerryClaimRow *claim, json_t **ret_reasons, GError **error)
{
    g_autoptr(GPtrArray) tried = g_ptr_array_new_with_free_func(g_free);
    bool made = false;

    /* each round leaves one parent less to try */
    while (!made && *ret_reasons == NULL) {
        if (!make_once(self, claim, &made, ret_reasons, error) ||
            (!made && *ret_reasons == NULL && !move(self, claim, tried, ret_reasons, error)))
            return false;
    }
    return true;
}

static bool
prepare(FerryPools *self, int64_t generation, json_t **ret_reasons, GError **error)
{
    g_autoptr(FerryClaimRow) claim = NULL;

    if (!ferry_pools_find_claim(self, generation, &claim, error))
        return false;
    if (claim->device[0] == '\0') {
        if (!ferry_settings_save(self, claim, error))
            return false;
        ferry_crash_at(FERRY_CRASH_D_SAVE_AFTER);
        return true;
    }
    return make(self, claim, ret_reasons, error);
}

bool
ferry_pools_prepare(FerryPools *self, int64_t generation, json_t **ret_reasons, GError **error)
{
    json_t *reasons = NULL;
    bool ok = false;

    ferry_turns_take(self->turns, generation);
    ok = prepare(self, generation, &reasons, error);
    ferry_turns_give(self->turns, generation);
    if (!ok)
        return false;
    *ret_reasons = reasons;
    return true;
}

static bool
keep(FerryPools *self, int64_t generation, GError **error)
{
    g_autoptr(FerryClaimRow) claim = NULL;

    if (!ferry_pools_find_claim(self, generation, &claim, error))
        return false;
    if (claim->state == FERRY_CLAIM_IN_USE && claim->job[0] == '\0')
        return true;
    claim->state = FERRY_CLAIM_IN_USE;
    g_free(claim->job);
    claim->job = g_strdup("");
    if (!ferry_store_claim_update(self->config.store, claim, error))
        return false;
    ferry_crash_at(FERRY_CRASH_D_KEEP_AFTER);
    return true;
}

bool
ferry_pools_keep(FerryPools *self, int64_t generation, GError **error)
{
    bool ok = false;

    ferry_turns_take(self->turns, generation);
    ok = keep(self, generation, error);
    ferry_turns_give(self->turns, generation);
    return ok;
}
