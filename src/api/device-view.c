#include "api/device-view.h"

#include <string.h>

#include "base/error.h"
#include "host/json.h"
#include "xml/nodedev.h"

static const char *const use_names[] = {
    [FERRY_DEVICE_FREE] = "free",
    [FERRY_DEVICE_CLAIMED] = "claimed",
    [FERRY_DEVICE_IN_USE] = "in_use",
    [FERRY_DEVICE_FOREIGN] = "foreign",
};
G_STATIC_ASSERT(G_N_ELEMENTS(use_names) == FERRY_DEVICE_N_USES);

/* @inventory: (transfer full) */
static bool
view_of(const FerryApi *api, FerryInventory *inventory, FerryDeviceView **ret, GError **error)
{
    g_autoptr(FerryDeviceView) self = g_new0(FerryDeviceView, 1);

    self->inventory = inventory;
    self->users = ferry_users_read(api->kernel->root);
    self->by_device = g_hash_table_new(NULL, NULL);
    if (!ferry_store_claim_list(api->store, NULL, &self->claims, error))
        return false;
    for (guint i = 0; i < self->claims->len; i++) {
        FerryClaimRow *claim = g_ptr_array_index(self->claims, i);
        const FerryHostDevice *device = ferry_pools_device(inventory, claim);

        if (device != NULL)
            (void)g_hash_table_insert(self->by_device, (gpointer)device, claim);
    }
    *ret = g_steal_pointer(&self);
    return true;
}

bool
ferry_device_view_new(const FerryApi *api, FerryDeviceView **ret, GError **error)
{
    return view_of(api, ferry_watch_current(api->watch), ret, error);
}

bool
ferry_device_view_look(const FerryApi *api, FerryDeviceView **ret, GError **error)
{
    return view_of(api, ferry_watch_look(api->watch), ret, error);
}

void
ferry_device_view_free(FerryDeviceView *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->by_device);
    ferry_inventory_unref(self->inventory);
    ferry_users_free(self->users);
    g_clear_pointer(&self->claims, g_ptr_array_unref);
    g_free(self);
}

static const FerryHostDevice *
find_by_libvirt_name(const FerryInventory *inventory, const char *name)
{
    for (unsigned i = 0; i < ferry_inventory_n_devices(inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(inventory, i);

        if (ferry_nodedev_is_named(name, device->name))
            return device;
    }
    return NULL;
}

const FerryHostDevice *
ferry_device_view_find(const FerryDeviceView *self, const char *name, GError **error)
{
    const FerryHostDevice *device = ferry_inventory_find(self->inventory, name);

    if (device == NULL)
        device = ferry_inventory_find_netdev(self->inventory, name);
    if (device == NULL)
        device = find_by_libvirt_name(self->inventory, name);
    if (device == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no device %s that guests could be given, or that makes such: see "
                    "\"ferry device list\"",
                    name);
    return device;
}

const FerryClaimRow *
ferry_device_view_claim(const FerryDeviceView *self, const FerryHostDevice *device)
{
    return g_hash_table_lookup(self->by_device, device);
}

FerryDeviceUse
ferry_device_view_use(const FerryDeviceView *self, const FerryHostDevice *device, char **ret_who)
{
    const FerryClaimRow *claim = ferry_device_view_claim(self, device);
    g_autofree char *user = ferry_users_describe(self->users, device);
    g_autofree char *holder = claim != NULL ? ferry_claim_describe(claim) : NULL;
    const char *who = holder != NULL ? holder : user;

    if (ret_who != NULL)
        *ret_who = g_strdup(who);
    if (claim != NULL)
        return user != NULL ? FERRY_DEVICE_IN_USE : FERRY_DEVICE_CLAIMED;
    return user != NULL ? FERRY_DEVICE_FOREIGN : FERRY_DEVICE_FREE;
}

char *
ferry_device_capacity(const FerryHostDevice *device)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; device->types != NULL && i < device->types->len; i++) {
        const FerryHostType *type = g_ptr_array_index(device->types, i);

        g_string_append_printf(text, "%s%u × %s", i > 0 ? " or " : "", type->available, type->id);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
describe_pf(const FerryHostDevice *pf)
{
    const unsigned n_vfs = ferry_host_device_n_vfs(pf);

    if (n_vfs > 0)
        return g_strdup_printf("%u of %u VFs", n_vfs, pf->total_vfs);
    return g_strdup_printf("0 of %u VFs: \"ferry pf set-vfs %s %u\" makes them", pf->total_vfs,
                           pf->netdev != NULL ? pf->netdev : pf->name, pf->total_vfs);
}

/* The vendor's service may come long after its driver, and the kernel tells of the types then. */
static char *
describe_parent(const FerryHostDevice *parent)
{
    return parent->types != NULL && parent->types->len > 0
               ? ferry_device_capacity(parent)
               : g_strdup("types not published yet: does its vendor's service run?");
}

/* Returns: (transfer full) (nullable): what else there is to say of a device, in a line */
static char *
describe(const FerryHostDevice *device)
{
    const FerryHostType *type =
        device->type != NULL ? ferry_host_device_type(device, device->type) : NULL;

    if ((device->roles & FERRY_HOST_MDEV) != 0)
        return g_strdup_printf("%s of %s", device->type, device->parent);
    if ((device->roles & FERRY_HOST_VGPU) != 0 && device->type != NULL)
        return g_strdup_printf("vGPU of type %s%s%s", device->type, type != NULL ? " " : "",
                               type != NULL && type->name != NULL ? type->name : "");
    if ((device->roles & (FERRY_HOST_PARENT | FERRY_HOST_VGPU)) != 0)
        return describe_parent(device);
    if ((device->roles & FERRY_HOST_PF) != 0)
        return describe_pf(device);
    return device->vf_index >= 0 ? g_strdup_printf("VF %d of %s", device->vf_index, device->pf)
                                 : NULL;
}

json_t *
ferry_device_view_json(const FerryDeviceView *self, const FerryHostDevice *device)
{
    json_t *json = ferry_host_json(device, NULL);
    const FerryClaimRow *claim = ferry_device_view_claim(self, device);
    g_autofree char *who = NULL;
    g_autofree char *note = describe(device);

    if ((device->roles & (FERRY_HOST_MDEV | FERRY_HOST_VF)) != 0) {
        const FerryDeviceUse use = ferry_device_view_use(self, device, &who);

        (void)json_object_set_new(json, "state", json_string(use_names[use]));
    }
    if (who != NULL)
        (void)json_object_set_new(json, "used_by", json_string(who));
    if (claim != NULL)
        (void)json_object_set_new(json, "claim", ferry_claim_to_json(claim));
    if (note != NULL)
        (void)json_object_set_new(json, "note", json_string(note));
    return json;
}
