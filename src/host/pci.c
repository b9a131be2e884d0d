/*
 * PFs and VFs.  Which files are read, and why not others:
 *
 * - uevent: driver, class and ids in one reading, of a PF or a parent.  There may be thousands of
 *   VFs and mdevs: of these a link tells the driver, and the PF the rest.
 * - virtfnN: a PF's VFs.  sriov_numvfs says how many, but newer kernels take the device's lock for
 *   reading it, which its driver may hold for seconds.
 * - physfn: makes a VF of it; there shortly *after* the VF's own uevent.
 * - net/: phys_port_name and phys_port_id wait for the RTNL lock, so they are only read when there
 *   is a choice to make.
 */
#include "host/pci.h"

#include <string.h>

#include "base/file.h"
#include "host/port.h"
#include "host/sysfs.h"

#define MAX_VFS 65535 /* sriov_numvfs is 16 bits wide */

static char *
text_of(int folder, const char *name, const char *file)
{
    g_autofree char *path = g_strconcat(name, "/", file, NULL);

    return ferry_sysfs_text(folder, path);
}

static char *
link_of(int folder, const char *name, const char *file)
{
    g_autofree char *path = g_strconcat(name, "/", file, NULL);

    return ferry_sysfs_link(folder, path);
}

static bool
number_of(int folder, const char *name, const char *file, uint64_t limit, uint64_t *ret)
{
    g_autofree char *path = g_strconcat(name, "/", file, NULL);

    return ferry_sysfs_number(folder, path, limit, ret);
}

/* "8086:10CA" of uevent as "808610ca". */
static char *
device_id(const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);

    if (strlen(lower) != 9 || lower[4] != ':')
        return NULL;
    memmove(lower + 4, lower + 5, 5);
    return strspn(lower, "0123456789abcdef") == 8 ? g_steal_pointer(&lower) : NULL;
}

static void
take_line(FerryHostDevice *device, const char *key, const char *value)
{
    if (strcmp(key, "DRIVER") == 0 && device->driver == NULL)
        device->driver = g_strdup(value);
    else if (strcmp(key, "PCI_CLASS") == 0 && device->class_code == NULL)
        device->class_code = g_ascii_strdown(value, -1);
    else if (strcmp(key, "PCI_ID") == 0 && device->device_id == NULL)
        device->device_id = device_id(value);
    else if (strcmp(key, "PCI_SUBSYS_ID") == 0 && device->subsystem_id == NULL)
        device->subsystem_id = device_id(value);
}

static void
read_uevent(FerryHostDevice *device, int folder)
{
    g_autofree char *text = text_of(folder, device->name, "uevent");
    char *rest = NULL;

    if (text == NULL)
        return;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *value = strchr(line, '=');

        if (value == NULL)
            continue;
        *value = '\0';
        take_line(device, line, value + 1);
    }
}

static int
read_group(int folder, const char *name)
{
    g_autofree char *text = link_of(folder, name, "iommu_group");
    guint64 number = 0;

    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &number, NULL))
        return -1;
    return (int)number;
}

void
ferry_pci_read_common(FerryHostDevice *device, int folder)
{
    read_uevent(device, folder);
    device->iommu_group = read_group(folder, device->name);
}

void
ferry_pci_read_quickly(FerryHostDevice *device, int folder)
{
    device->driver = link_of(folder, device->name, "driver");
    device->iommu_group = read_group(folder, device->name);
}

void
ferry_pci_read_node(FerryHostDevice *device, int folder)
{
    uint64_t node = 0;

    if (number_of(folder, device->name, "numa_node", G_MAXINT32, &node))
        device->numa_node = (int)node;
}

void
ferry_pci_read_cdev(FerryHostDevice *device, int folder)
{
    g_autofree char *path = g_strconcat(device->name, "/vfio-dev", NULL);
    g_autoptr(GPtrArray) names = ferry_sysfs_list(folder, path);

    if (device->cdev == NULL && names != NULL && names->len > 0)
        device->cdev = g_strdup(g_ptr_array_index(names, 0));
}

/* "virtfn12" is 12; -1 for any other name. */
static int
virtfn_index(const char *name)
{
    guint64 index = 0;

    if (!g_str_has_prefix(name, "virtfn") ||
        !g_ascii_string_to_unsigned(name + strlen("virtfn"), 10, 0, MAX_VFS - 1, &index, NULL))
        return -1;
    return (int)index;
}

static void
read_vfs(FerryHostDevice *device, int folder, const GPtrArray *names)
{
    device->vfs = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        const int index = virtfn_index(name);

        if (index < 0)
            continue;
        if ((guint)index >= device->vfs->len)
            g_ptr_array_set_size(device->vfs, index + 1);
        g_free(g_ptr_array_index(device->vfs, (guint)index));
        g_ptr_array_index(device->vfs, (guint)index) = link_of(folder, device->name, name);
    }
}

/* VFs have their PF's vendor, and one device id. */
static void
read_vf_id(FerryHostDevice *pf, int folder)
{
    g_autofree char *text = text_of(folder, pf->name, "sriov_vf_device");

    if (text != NULL && pf->device_id != NULL && strlen(text) == 4 &&
        strspn(text, "0123456789abcdef") == 4)
        pf->vf_device_id = g_strdup_printf("%.4s%s", pf->device_id, text);
}

static bool
read_pf(FerryHostDevice *device, int folder)
{
    g_autoptr(GPtrArray) names = NULL;
    uint64_t total = 0;
    uint64_t autoprobe = 1;

    if (!number_of(folder, device->name, "sriov_totalvfs", MAX_VFS, &total))
        return false;
    /* 1 where it is absent */
    (void)number_of(folder, device->name, "sriov_drivers_autoprobe", 1, &autoprobe);
    names = ferry_sysfs_list(folder, device->name);
    device->roles |= FERRY_HOST_PF;
    device->total_vfs = (unsigned)total;
    device->autoprobe = autoprobe != 0;
    if (names != NULL)
        read_vfs(device, folder, names);
    ferry_pci_read_common(device, folder);
    ferry_pci_read_node(device, folder);
    read_vf_id(device, folder);
    return true;
}

/* The function's own netdev is that of its first port. */
static void
read_netdev(FerryHostDevice *device, int folder)
{
    g_autoptr(GPtrArray) ports = ferry_port_list(folder, device->name);
    g_autofree char *link = NULL;

    if (ports->len == 0)
        return;
    device->netdev = g_strdup(((const FerryPort *)g_ptr_array_index(ports, 0))->netdev);
    link = g_strconcat("net/", device->netdev, "/operstate", NULL);
    device->link = text_of(folder, device->name, link);
    if (ports->len > 1)
        device->ports = g_steal_pointer(&ports);
}

/* "ID    : vGPU Name" and rows "  1145 : NVIDIA H100-4C": id, colon, name. */
static void
read_vgpu_types(FerryHostDevice *device, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strchr(line, ':');
        FerryHostType *type = NULL;

        if (colon == NULL)
            continue;
        *colon = '\0';
        g_strstrip(line);
        if (line[0] == '\0' || strspn(line, "0123456789") != strlen(line))
            continue; /* the heading */
        type = ferry_host_device_add_type(device, line);
        type->name = g_strdup(g_strstrip(colon + 1));
        type->device_api = g_strdup("vfio-pci");
        type->available = 1; /* a VF takes one vGPU */
    }
}

/* NVIDIA without mdev: the VF itself takes a type's number. */
static void
read_vgpu(FerryHostDevice *device, int folder)
{
    g_autofree char *text = text_of(folder, device->name, "nvidia/creatable_vgpu_types");
    uint64_t current = 0;

    if (text == NULL)
        return;
    device->roles |= FERRY_HOST_VGPU;
    read_vgpu_types(device, text);
    if (number_of(folder, device->name, "nvidia/current_vgpu_type", G_MAXUINT32, &current) &&
        current != 0)
        device->type = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)current);
}

FerryHostDevice *
ferry_pci_read(int devices, const char *name)
{
    g_autoptr(FerryHostDevice) device = ferry_host_device_new(name, "pci");

    device->pf = link_of(devices, name, "physfn");
    if (device->pf != NULL) {
        device->roles |= FERRY_HOST_VF;
        ferry_pci_read_quickly(device, devices);
    } else if (!read_pf(device, devices)) {
        return NULL;
    }
    if (device->driver != NULL && strstr(device->driver, "vfio") == NULL)
        read_netdev(device, devices);
    if (g_strcmp0(device->driver, "nvidia") == 0)
        read_vgpu(device, devices);
    return g_steal_pointer(&device);
}
