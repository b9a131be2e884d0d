#include "host/inventory.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "host/mediated.h"
#include "host/pci.h"
#include "host/port.h"
#include "host/sysfs.h"

struct _FerryInventory {
    atomic_uint refs;   /* not GLib's count, which the thread sanitizer cannot see */
    GPtrArray *devices; /* of FerryHostDevice, sorted by bus, then name */
    GHashTable *by_name;
    GHashTable *by_netdev;
};

FerryInventory *
ferry_inventory_new_empty(void)
{
    FerryInventory *self = g_new0(FerryInventory, 1);

    self->refs = 1;
    self->devices = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_host_device_free);
    self->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    self->by_netdev = g_hash_table_new(g_str_hash, g_str_equal);
    return self;
}

FerryInventory *
ferry_inventory_ref(FerryInventory *self)
{
    (void)atomic_fetch_add(&self->refs, 1);
    return self;
}

void
ferry_inventory_unref(FerryInventory *self)
{
    if (self == NULL || atomic_fetch_sub(&self->refs, 1) > 1)
        return;
    g_hash_table_unref(self->by_netdev);
    g_hash_table_unref(self->by_name);
    g_ptr_array_unref(self->devices);
    g_free(self);
}

unsigned
ferry_inventory_n_devices(const FerryInventory *self)
{
    return self->devices->len;
}

const FerryHostDevice *
ferry_inventory_device(const FerryInventory *self, unsigned i)
{
    g_assert(i < self->devices->len);
    return g_ptr_array_index(self->devices, i);
}

const FerryHostDevice *
ferry_inventory_find(const FerryInventory *self, const char *name)
{
    const FerryHostDevice *device = g_hash_table_lookup(self->by_name, name);
    g_autofree char *lower = NULL;

    if (device != NULL || !g_uuid_string_is_valid(name))
        return device;
    lower = g_ascii_strdown(name, -1); /* the kernel writes UUIDs so, whatever was written to it */
    return g_hash_table_lookup(self->by_name, lower);
}

const FerryHostDevice *
ferry_inventory_find_netdev(const FerryInventory *self, const char *netdev)
{
    return g_hash_table_lookup(self->by_netdev, netdev);
}

static void
add(FerryInventory *self, FerryHostDevice *device)
{
    if (device == NULL)
        return;
    g_ptr_array_add(self->devices, device);
    if (!g_hash_table_contains(self->by_name, device->name))
        g_hash_table_insert(self->by_name, device->name, device);
    if (device->netdev != NULL)
        g_hash_table_insert(self->by_netdev, device->netdev, device);
    for (guint i = 1; device->ports != NULL && i < device->ports->len; i++) {
        const FerryPort *port = g_ptr_array_index(device->ports, i);

        g_hash_table_insert(self->by_netdev, port->netdev, device);
    }
}

static void
read_pci(FerryInventory *self, int sys)
{
    FERRY_AUTOFD int devices = ferry_sysfs_open(sys, "bus/pci/devices");
    g_autoptr(GPtrArray) names = devices >= 0 ? ferry_sysfs_list(devices, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        FerryHostDevice *device = ferry_pci_read(devices, g_ptr_array_index(names, i));

        if (device != NULL && (device->roles & FERRY_HOST_PF) != 0)
            device->path = ferry_mediated_path(devices, device->name);
        add(self, device);
    }
}

/* A parent that is a PF or a VF is in the inventory already: it gets one more role. */
static void
read_parent(FerryInventory *self, int classes, const char *name)
{
    FerryHostDevice *known = g_hash_table_lookup(self->by_name, name);
    FERRY_AUTOFD int folder = -1;

    if (known == NULL) {
        add(self, ferry_mediated_read_parent(classes, name));
        return;
    }
    folder = ferry_sysfs_open(classes, name);
    if (folder < 0)
        return;
    known->roles |= FERRY_HOST_PARENT;
    ferry_mediated_read_types(known, folder);
}

static void
read_parents(FerryInventory *self, int sys)
{
    FERRY_AUTOFD int classes = ferry_sysfs_open(sys, "class/mdev_bus");
    g_autoptr(GPtrArray) names = classes >= 0 ? ferry_sysfs_list(classes, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++)
        read_parent(self, classes, g_ptr_array_index(names, i));
}

static void
read_mdevs(FerryInventory *self, int sys)
{
    FERRY_AUTOFD int devices = ferry_sysfs_open(sys, "bus/mdev/devices");
    g_autoptr(GPtrArray) names = devices >= 0 ? ferry_sysfs_list(devices, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++)
        add(self, ferry_mediated_read(devices, g_ptr_array_index(names, i)));
}

/* Since 6.1 each VFIO device has a folder here; the device node is there only where "dev" is. */
static void
read_cdevs(FerryInventory *self, int sys)
{
    FERRY_AUTOFD int classes = ferry_sysfs_open(sys, "class/vfio-dev");
    g_autoptr(GPtrArray) names = classes >= 0 ? ferry_sysfs_list(classes, ".") : NULL;
    g_autofree char *first = NULL;

    if (names == NULL || names->len == 0)
        return;
    first = g_strconcat(g_ptr_array_index(names, 0), "/dev", NULL);
    if (faccessat(classes, first, F_OK, 0) < 0)
        return;
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = ferry_mediated_path(classes, g_ptr_array_index(names, i));
        g_autofree char *above = path != NULL ? g_path_get_dirname(path) : g_strdup(".");
        g_autofree char *folder = g_path_get_dirname(above); /* that is DEVICE/vfio-dev */
        g_autofree char *name = g_path_get_basename(folder);
        FerryHostDevice *device = g_hash_table_lookup(self->by_name, name);

        if (device != NULL && device->cdev == NULL)
            device->cdev = g_strdup(g_ptr_array_index(names, i));
    }
}

/* A VF is on the port whose id its netdev has; without a netdev of its own nobody can tell. */
static void
fill_port(FerryHostDevice *vf, const FerryHostDevice *pf, int root)
{
    g_autofree char *id = vf->netdev != NULL ? ferry_port_read_id(root, vf->netdev) : NULL;

    for (guint i = 0; id != NULL && vf->pf_netdev == NULL && i < pf->ports->len; i++) {
        const FerryPort *port = g_ptr_array_index(pf->ports, i);

        if (g_strcmp0(port->id, id) == 0)
            vf->pf_netdev = g_strdup(port->netdev);
    }
}

/* What a VF has from its PF need not be read for each: place in sysfs, node, class, ids. */
static void
fill_vf(FerryHostDevice *vf, const FerryHostDevice *pf, unsigned index)
{
    g_autofree char *above = pf->path != NULL ? g_path_get_dirname(pf->path) : NULL;

    if (g_strcmp0(vf->pf, pf->name) != 0)
        return;
    vf->vf_index = (int)index;
    if (vf->device_id == NULL)
        vf->device_id = g_strdup(pf->vf_device_id);
    if (vf->class_code == NULL)
        vf->class_code = g_strdup(pf->class_code);
    if (vf->numa_node < 0)
        vf->numa_node = pf->numa_node;
    if (vf->path == NULL && above != NULL)
        vf->path = g_build_filename(above, vf->name, NULL);
}

static void
fill_vfs(FerryInventory *self, int root)
{
    for (guint i = 0; i < self->devices->len; i++) {
        const FerryHostDevice *pf = g_ptr_array_index(self->devices, i);

        for (guint n = 0; pf->vfs != NULL && n < pf->vfs->len; n++) {
            const char *name = g_ptr_array_index(pf->vfs, n);
            FerryHostDevice *vf = name != NULL ? g_hash_table_lookup(self->by_name, name) : NULL;

            if (vf != NULL)
                fill_vf(vf, pf, n);
            if (vf != NULL && pf->ports != NULL)
                fill_port(vf, pf, root);
        }
    }
}

static void
fill_mdevs(FerryInventory *self)
{
    for (guint i = 0; i < self->devices->len; i++) {
        FerryHostDevice *mdev = g_ptr_array_index(self->devices, i);
        const FerryHostDevice *parent =
            mdev->parent != NULL ? g_hash_table_lookup(self->by_name, mdev->parent) : NULL;

        if (parent != NULL)
            mdev->numa_node = parent->numa_node;
    }
}

static int
compare_devices(gconstpointer a, gconstpointer b)
{
    const FerryHostDevice *left = *(const FerryHostDevice *const *)a;
    const FerryHostDevice *right = *(const FerryHostDevice *const *)b;
    const int buses = strcmp(left->bus, right->bus);

    return buses != 0 ? buses : strcmp(left->name, right->name);
}

bool
ferry_inventory_read(int root, FerryInventory **ret, GError **error)
{
    FERRY_AUTOFD int sys = ferry_sysfs_open(root, "sys");
    g_autoptr(FerryInventory) self = NULL;

    if (sys < 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "cannot look for devices: there is no /sys: is it mounted?");
        return false;
    }
    self = ferry_inventory_new_empty();
    read_pci(self, sys);
    read_parents(self, sys);
    read_mdevs(self, sys);
    read_cdevs(self, sys);
    fill_vfs(self, root);
    fill_mdevs(self);
    g_ptr_array_sort(self->devices, compare_devices);
    *ret = g_steal_pointer(&self);
    return true;
}
