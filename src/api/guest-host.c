#include "api/guest-host.h"

#include <string.h>

#include "pool/pool.h"
#include "xml/nodedev.h"

struct _FerryGuestHost {
    FerryConvertHost convert;
    GPtrArray *pools; /* of FerryPool */
    GArray *values;   /* of FerryConvertPool, their names those of @pools */
    FerryInventory *inventory;
};

static FerryConvertKind
kind_of(const FerryPool *pool)
{
    if (pool->kind == FERRY_POOL_MDEV)
        return FERRY_CONVERT_MDEVS;
    return pool->hybrid ? FERRY_CONVERT_HYBRIDS : FERRY_CONVERT_VFS;
}

static bool
has_name(const GPtrArray *names, const char *name)
{
    for (guint i = 0; name != NULL && i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), name) == 0)
            return true;
    return false;
}

/* Returns: (nullable) (transfer none) */
static const FerryHostDevice *
pf_of(const FerryGuestHost *self, const char *vf)
{
    const FerryHostDevice *device = ferry_inventory_find(self->inventory, vf);

    return device != NULL && device->pf != NULL ? ferry_inventory_find(self->inventory, device->pf)
                                                : NULL;
}

static char **
pools_of_vf(void *data, const char *vf)
{
    const FerryGuestHost *self = data;
    const FerryHostDevice *pf = pf_of(self, vf);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < self->pools->len; i++) {
        const FerryPool *pool = g_ptr_array_index(self->pools, i);

        if (has_name(pool->addresses, vf) ||
            (pf != NULL && (has_name(pool->pfs, pf->name) || has_name(pool->pfs, pf->netdev))))
            g_ptr_array_add(names, g_strdup(pool->name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

/* A VLAN device has its PF's name before the dot, if whoever made it did as everybody does. */
static FerryConvertAnswer
shares_pf(void *data, const char *netdev, const char *vf)
{
    const FerryGuestHost *self = data;
    g_autofree char *base = g_strndup(netdev, strcspn(netdev, "."));
    const FerryHostDevice *pf = pf_of(self, vf);
    const FerryHostDevice *other = ferry_inventory_find_netdev(self->inventory, base);

    if (pf == NULL || other == NULL)
        return FERRY_CONVERT_UNKNOWN;
    return strcmp(pf->name, other->name) == 0 ? FERRY_CONVERT_YES : FERRY_CONVERT_NO;
}

static char *
find_parent(void *data, const char *name)
{
    const FerryGuestHost *self = data;

    for (unsigned i = 0; i < ferry_inventory_n_devices(self->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(self->inventory, i);

        if ((device->roles & FERRY_HOST_PARENT) != 0 && ferry_nodedev_is_named(name, device->name))
            return g_strdup(device->name);
    }
    return NULL;
}

/* Types may be published late: none yet is no "no". */
static FerryConvertAnswer
has_type(void *data, const char *parent, const char *type)
{
    const FerryGuestHost *self = data;
    const FerryHostDevice *device = ferry_inventory_find(self->inventory, parent);

    if (device == NULL || device->types == NULL || device->types->len == 0)
        return FERRY_CONVERT_UNKNOWN;
    return ferry_host_device_type(device, type) != NULL ? FERRY_CONVERT_YES : FERRY_CONVERT_NO;
}

FerryGuestHost *
ferry_guest_host_new(GPtrArray *pools, FerryInventory *inventory, const FerryClock *clock)
{
    FerryGuestHost *self = g_new0(FerryGuestHost, 1);

    self->pools = pools;
    self->inventory = inventory;
    self->values = g_array_new(FALSE, FALSE, sizeof(FerryConvertPool));
    for (guint i = 0; i < pools->len; i++) {
        const FerryPool *pool = g_ptr_array_index(pools, i);
        const FerryConvertPool value = { .name = pool->name,
                                         .kind = kind_of(pool),
                                         .ephemeral = pool->ephemeral,
                                         .vlan = pool->vlan };

        g_array_append_val(self->values, value);
    }
    self->convert = (FerryConvertHost){
        .pools = (const FerryConvertPool *)(void *)self->values->data,
        .n_pools = self->values->len,
        .clock = clock,
        .data = self,
        .pools_of_vf = pools_of_vf,
        .shares_pf = shares_pf,
        .find_parent = find_parent,
        .has_type = has_type,
    };
    return self;
}

void
ferry_guest_host_free(FerryGuestHost *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->pools);
    g_array_unref(self->values);
    ferry_inventory_unref(self->inventory);
    g_free(self);
}

const FerryConvertHost *
ferry_guest_host_convert(const FerryGuestHost *self)
{
    return &self->convert;
}
