#include "host/mediated.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "host/pci.h"
#include "host/sysfs.h"

char *
ferry_mediated_path(int folder, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(folder, name, target, sizeof(target) - 1);
    const char *path = target;

    if (n <= 0)
        return NULL;
    target[n] = '\0';
    while (g_str_has_prefix(path, "../"))
        path += strlen("../");
    return g_strdup(path);
}

/* "num_heads=1\nframebuffer=4096M" is one line for us, as for mdevctl. */
static char *
join_lines(char *text)
{
    g_auto(GStrv) lines = text != NULL ? g_strsplit(text, "\n", -1) : NULL;

    return lines != NULL ? g_strjoinv(", ", lines) : NULL;
}

static void
read_left(FerryHostType *type, int folder)
{
    uint64_t available = 0;

    if (ferry_sysfs_number(folder, "available_instances", G_MAXINT32, &available))
        type->available = (uint32_t)available;
}

static void
read_all(FerryHostType *type, int folder)
{
    g_autofree char *description = ferry_sysfs_text(folder, "description");

    type->name = ferry_sysfs_text(folder, "name");
    type->description = join_lines(description);
    type->device_api = ferry_sysfs_text(folder, "device_api");
    read_left(type, folder);
}

static void
read_types(FerryHostDevice *device, int folder, void (*take)(FerryHostType *type, int folder))
{
    FERRY_AUTOFD int types = ferry_sysfs_open(folder, "mdev_supported_types");
    g_autoptr(GPtrArray) ids = types >= 0 ? ferry_sysfs_list(types, ".") : NULL;

    for (guint i = 0; ids != NULL && i < ids->len; i++) {
        const char *id = g_ptr_array_index(ids, i);
        FERRY_AUTOFD int of_type = ferry_sysfs_open(types, id);

        if (of_type >= 0)
            take(ferry_host_device_add_type(device, id), of_type);
    }
}

void
ferry_mediated_read_types(FerryHostDevice *device, int folder)
{
    read_types(device, folder, read_all);
}

FerryHostDevice *
ferry_mediated_read_left(int classes, const char *name)
{
    FERRY_AUTOFD int folder = ferry_sysfs_open(classes, name);
    FerryHostDevice *device = NULL;

    if (folder < 0)
        return NULL;
    device = ferry_host_device_new(name, "");
    device->roles = FERRY_HOST_PARENT;
    read_types(device, folder, read_left);
    return device;
}

FerryHostDevice *
ferry_mediated_read_parent(int classes, const char *name)
{
    FERRY_AUTOFD int folder = ferry_sysfs_open(classes, name);
    g_autofree char *bus = NULL;
    FerryHostDevice *device = NULL;

    if (folder < 0)
        return NULL;
    bus = ferry_sysfs_link(folder, "subsystem");
    device = ferry_host_device_new(name, bus != NULL ? bus : "virtual");
    device->roles = FERRY_HOST_PARENT;
    device->path = ferry_mediated_path(classes, name);
    ferry_pci_read_common(device, classes);
    ferry_pci_read_node(device, classes);
    ferry_mediated_read_types(device, folder);
    return device;
}

FerryHostDevice *
ferry_mediated_read(int devices, const char *uuid)
{
    g_autofree char *type = g_strconcat(uuid, "/mdev_type", NULL);
    g_autoptr(FerryHostDevice) device = NULL;
    g_autofree char *above = NULL;

    if (!g_uuid_string_is_valid(uuid))
        return NULL;
    device = ferry_host_device_new(uuid, "mdev");
    device->roles = FERRY_HOST_MDEV;
    device->path = ferry_mediated_path(devices, uuid);
    device->type = ferry_sysfs_link(devices, type);
    if (device->path == NULL || device->type == NULL)
        return NULL;
    above = g_path_get_dirname(device->path);
    device->parent = g_path_get_basename(above);
    ferry_pci_read_quickly(device, devices);
    return g_steal_pointer(&device);
}
