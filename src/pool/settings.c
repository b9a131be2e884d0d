#include "pool/settings.h"

#include <errno.h>

#include "base/error.h"
#include "base/file.h"
#include "host/json.h"
#include "host/users.h"
#include "pool/members.h"

/* A claimed VF as the host has it. */
typedef struct {
    FerryInventory *inventory;
    const FerryHostDevice *pf, *vf; /* NULL: gone */
    unsigned index;
} Function;

static void
function_clear(Function *self)
{
    ferry_inventory_unref(self->inventory);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Function, function_clear)

static void
find_function(FerryPools *self, const FerryClaimRow *claim, Function *ret)
{
    g_autofree char *pf = NULL;

    ret->inventory = self->config.inventory(self->config.inventory_data);
    ret->vf = ferry_pools_device(ret->inventory, claim);
    if (ferry_slot_parse_vf(claim->slot, &pf, &ret->index))
        ret->pf = ferry_inventory_find(ret->inventory, pf);
}

bool
ferry_settings_save(FerryPools *self, FerryClaimRow *claim, GError **error)
{
    g_auto(Function) function = { 0 };
    FerryVfSettings settings = { 0 };
    json_t *json = NULL;
    char *text = NULL;

    if (claim->saved_settings[0] != '\0')
        return true;
    find_function(self, claim, &function);
    if (function.vf == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "%s is not there any more: its PF has fewer VFs now, or is gone", claim->slot);
        return false;
    }
    /* a PF without a netdev has no way to tell, and libvirt none to set anything */
    if (function.pf->netdev != NULL &&
        !ferry_vf_read(self->config.vf_ops, self->config.vf_data, function.pf->netdev,
                       function.index, &settings, error))
        return false;
    json = ferry_vf_json(&settings);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    g_free(claim->saved_settings);
    claim->saved_settings = g_strdup(text);
    free(text);
    return ferry_store_claim_update(self->config.store, claim, error);
}

static bool
refuse_user(FerryPools *self, const FerryClaimRow *claim, const FerryHostDevice *vf, GError **error)
{
    g_autoptr(FerryUsers) users = ferry_users_read(self->config.kernel->root);
    const FerryUser *user = ferry_users_find(users, vf);
    g_autofree char *who = user != NULL ? ferry_user_describe(user) : NULL;

    if (who == NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                "cannot give %s (%s) back: %s has it open. Stop it, or detach the device there "
                "first.",
                claim->slot, vf->name, who);
    return false;
}

/* One after the other on each PF: ConnectX-7 needs about a second for each function when there are
 * more than 200 (its firmware's notes 28.44, 3875417). */
static bool
reset(FerryPools *self, const Function *function, GError **error)
{
    const FerryKernel *kernel = self->config.kernel;
    g_autofree char *path = g_strconcat("sys/bus/pci/devices/", function->vf->name, "/reset", NULL);
    const int64_t turn = g_str_hash(function->pf->name);
    int code = 0;

    ferry_turns_take(self->resets, turn);
    code = kernel->ops->write(kernel->data, path, "1");
    ferry_turns_give(self->resets, turn);
    /* the file is absent, or says that no method is left to try, where there is no reset */
    if (code == 0 || code == ENOENT || code == ENOTTY || code == EOPNOTSUPP)
        return true;
    return ferry_error_set_errno(error, code, "reset VF", function->vf->name);
}

static bool
read_saved(const FerryClaimRow *claim, FerryVfSettings *ret, GError **error)
{
    json_t *json = json_loads(claim->saved_settings, 0, NULL);
    const bool ok = ferry_vf_from_json(json, ret, error);

    json_decref(json);
    return ok;
}

/*
 * "No MAC was set" is all zeros, which some drivers don't take: libvirt writes this one then, and
 * so do we (its virnetdev.c).  It belongs to nobody, and the VF's next user sets its own.
 */
static const FerryVfSettings nobodys_mac = { .known = FERRY_VF_MAC, .mac = { 0x02 } };

static bool
has_no_mac(const FerryVfSettings *saved)
{
    static const FerryVfSettings none = { .known = FERRY_VF_MAC };

    return (ferry_vf_compare(saved, &none) & FERRY_VF_MAC) == 0;
}

static bool
write_back(FerryPools *self,
           const Function *function,
           const FerryVfSettings *saved,
           FerryVfFields fields,
           GError **error)
{
    const FerryVfOps *ops = self->config.vf_ops;
    void *data = self->config.vf_data;
    const char *netdev = function->pf->netdev;
    g_autoptr(GError) failure = NULL;

    if (!ferry_vf_write(ops, data, netdev, function->index, saved, fields & ~FERRY_VF_MAC, NULL,
                        error))
        return false;
    if (ferry_vf_write(ops, data, netdev, function->index, saved, fields & FERRY_VF_MAC, NULL,
                       &failure))
        return true;
    if (has_no_mac(saved) && g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_IO))
        return ferry_vf_write(ops, data, netdev, function->index, &nobodys_mac, FERRY_VF_MAC, NULL,
                              error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

bool
ferry_settings_restore(FerryPools *self, const FerryClaimRow *claim, GError **error)
{
    g_auto(Function) function = { 0 };
    FerryVfSettings saved = { 0 };
    FerryVfFields fields = FERRY_VF_ALL;
    g_autofree char *libvirts = NULL;

    if (claim->saved_settings[0] == '\0')
        return true;
    find_function(self, claim, &function);
    if (function.vf == NULL)
        return true;
    if (!refuse_user(self, claim, function.vf, error) || !read_saved(claim, &saved, error))
        return false;
    libvirts = ferry_libvirt_file(self->config.kernel->root, function.pf, function.index);
    if (libvirts != NULL)
        fields &= ~(FERRY_VF_MAC | FERRY_VF_VLAN);
    else if (!reset(self, &function, error))
        return false;
    return function.pf->netdev == NULL || write_back(self, &function, &saved, fields, error);
}
