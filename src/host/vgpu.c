#include "host/vgpu.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "host/pci.h"
#include "host/sysfs.h"
#include "host/users.h"

#define DEVICES "sys/bus/pci/devices/"

static FerryHostDevice *
read_vf(const FerryKernel *kernel, const char *name)
{
    FERRY_AUTOFD int devices = ferry_sysfs_open(kernel->root, DEVICES ".");
    g_autoptr(FerryHostDevice) vf = NULL;

    if (devices < 0 || name[0] == '.' || strchr(name, '/') != NULL)
        return NULL;
    vf = ferry_pci_read(devices, name);
    if (vf == NULL || (vf->roles & FERRY_HOST_VGPU) == 0)
        return NULL;
    ferry_pci_read_cdev(vf, devices);
    return g_steal_pointer(&vf);
}

static bool
refuse_other(const FerryHostDevice *vf, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                "VF %s is a vGPU of type %s now, which is somebody else's", vf->name, vf->type);
    return false;
}

static bool
write_type(const FerryKernel *kernel, const char *vf, const char *type, GError **error)
{
    g_autofree char *path = g_strconcat(DEVICES, vf, "/nvidia/current_vgpu_type", NULL);
    g_autofree char *what = g_strconcat("make a vGPU of type ", type, " of", NULL);
    const int code = kernel->ops->write(kernel->data, path, type);

    return code == 0 || ferry_error_set_errno(error, code, what, vf);
}

bool
ferry_vgpu_set(const FerryKernel *kernel, const char *vf, const char *type, GError **error)
{
    g_autoptr(FerryHostDevice) device = read_vf(kernel, vf);

    if (device == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "%s is no VF that takes vGPU types: \"ferry mdev types\" lists those", vf);
        return false;
    }
    if (device->type != NULL)
        return strcmp(device->type, type) == 0 || refuse_other(device, error);
    if (ferry_host_device_type(device, type) == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "VF %s cannot be a vGPU of type %s: its GPU has no such type, or nothing left "
                    "for it",
                    vf, type);
        return false;
    }
    return write_type(kernel, vf, type, error);
}

bool
ferry_vgpu_clear(const FerryKernel *kernel, const char *vf, const char *type, GError **error)
{
    g_autoptr(FerryHostDevice) device = read_vf(kernel, vf);
    g_autoptr(FerryUsers) users = NULL;
    const FerryUser *user = NULL;
    g_autofree char *who = NULL;

    if (device == NULL || device->type == NULL)
        return true;
    if (strcmp(device->type, type) != 0)
        return refuse_other(device, error);
    users = ferry_users_read(kernel->root);
    user = ferry_users_find(users, device);
    if (user == NULL)
        return write_type(kernel, vf, "0", error);
    who = ferry_user_describe(user);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                "cannot take the vGPU type off VF %s: %s has it open", vf, who);
    return false;
}
