#include "host/sriov.h"

#include <errno.h>

#include "base/error.h"
#include "base/file.h"
#include "host/inventory.h"
#include "host/users.h"

static char *
path_of(const char *pf, const char *file)
{
    return g_strconcat("sys/bus/pci/devices/", pf, "/", file, NULL);
}

static bool
find_pf(const FerryInventory *inventory,
        const char *name,
        unsigned n_vfs,
        const FerryHostDevice **ret,
        GError **error)
{
    const FerryHostDevice *pf = ferry_inventory_find(inventory, name);

    if (pf == NULL || (pf->roles & FERRY_HOST_PF) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "%s is no device that can have VFs: \"ferry pf list\" lists those", name);
        return false;
    }
    if (n_vfs > pf->total_vfs) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot set %u VFs on %s: it can have %u at most", n_vfs, name, pf->total_vfs);
        return false;
    }
    *ret = pf;
    return true;
}

static bool
refuse_use(const FerryKernel *kernel,
           const FerryInventory *inventory,
           const FerryHostDevice *pf,
           GError **error)
{
    g_autoptr(FerryUsers) users = ferry_users_read(kernel->root);

    for (guint i = 0; i < pf->vfs->len; i++) {
        const char *name = g_ptr_array_index(pf->vfs, i);
        const FerryHostDevice *vf = name != NULL ? ferry_inventory_find(inventory, name) : NULL;
        g_autofree char *who = vf != NULL ? ferry_users_describe(users, vf) : NULL;

        if (who == NULL)
            continue;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "cannot change the number of VFs of %s: VF %u (%s) is used by %s", pf->name, i,
                    name, who);
        return false;
    }
    return true;
}

static bool
write_number(const FerryKernel *kernel, const char *pf, unsigned n_vfs, GError **error)
{
    g_autofree char *path = path_of(pf, "sriov_numvfs");
    g_autofree char *text = g_strdup_printf("%u", n_vfs);
    const int code = kernel->ops->write(kernel->data, path, text);

    if (code == 0)
        return true;
    if (code == ENOENT || code == ENOSYS)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "cannot set %u VFs on %s: it has no driver, or one that makes no VFs", n_vfs,
                    pf);
    else
        g_set_error(error, FERRY_ERROR, code == EACCES ? FERRY_ERROR_DENIED : FERRY_ERROR_IO,
                    "cannot set %u VFs on %s: %s. The driver's own messages are in the kernel's "
                    "log (dmesg).",
                    n_vfs, pf, g_strerror(code));
    return false;
}

/* A driver may make fewer than asked for, and the write succeeds. */
static bool
check_number(const FerryKernel *kernel, const char *pf, unsigned wanted, GError **error)
{
    g_autoptr(FerryInventory) after = NULL;
    const FerryHostDevice *device = NULL;
    unsigned n_vfs = 0;

    if (!ferry_inventory_read(kernel->root, &after, error))
        return false;
    device = ferry_inventory_find(after, pf);
    n_vfs = device != NULL ? ferry_host_device_n_vfs(device) : 0;
    if (n_vfs == wanted)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                "cannot set %u VFs on %s: its driver made %u. The reason is in the kernel's log "
                "(dmesg).",
                wanted, pf, n_vfs);
    return false;
}

bool
ferry_sriov_set_vfs(const FerryKernel *kernel, const char *pf, unsigned n_vfs, GError **error)
{
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *device = NULL;
    g_autofree char *autoprobe = path_of(pf, "sriov_drivers_autoprobe");

    if (!ferry_inventory_read(kernel->root, &inventory, error) ||
        !find_pf(inventory, pf, n_vfs, &device, error))
        return false;
    if (ferry_host_device_n_vfs(device) == n_vfs)
        return true;
    if (!refuse_use(kernel, inventory, device, error) ||
        (ferry_host_device_n_vfs(device) != 0 && !write_number(kernel, pf, 0, error)))
        return false;
    if (n_vfs == 0)
        return check_number(kernel, pf, 0, error);
    /* Absent before 4.12, and then VFs get a driver: harmless, a claim takes it off. */
    (void)kernel->ops->write(kernel->data, autoprobe, "0");
    return write_number(kernel, pf, n_vfs, error) && check_number(kernel, pf, n_vfs, error);
}
