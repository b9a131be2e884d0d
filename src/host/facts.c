#include "host/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "base/file.h"
#include "host/facts-dir.h"
#include "host/sysfs.h"

static int
ethtool_info(void *data, const char *netdev, FerryDriverInfo *ret)
{
    struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
    struct ifreq request = { .ifr_data = (char *)&info };
    FERRY_AUTOFD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)data;
    if (fd < 0)
        return errno;
    (void)g_strlcpy(request.ifr_name, netdev, sizeof(request.ifr_name));
    if (ioctl(fd, SIOCETHTOOL, &request) < 0)
        return errno;
    /* the kernel's are of 32 bytes, with no 0 when they are full */
    (void)memcpy(ret->driver, info.driver, sizeof(info.driver));
    (void)memcpy(ret->version, info.version, sizeof(info.version));
    (void)memcpy(ret->firmware, info.fw_version, sizeof(info.fw_version));
    return 0;
}

const FerryDriverOps *
ferry_host_ethtool(void)
{
    static const FerryDriverOps ops = { ethtool_info };

    return &ops;
}

/* A fact is printable ASCII of 1 to 256 bytes without blanks around it; else it is left out. */
static void
add(json_t *facts, const char *key, const char *value)
{
    g_autofree char *text = value != NULL ? g_strstrip(g_strdup(value)) : NULL;

    if (text == NULL || text[0] == '\0' || strlen(text) > 256)
        return;
    for (char *c = text; *c != '\0'; c++)
        if (!g_ascii_isprint(*c))
            *c = '?';
    (void)json_object_set_new(facts, key, json_string(text));
}

static void
add_module_version(json_t *facts, int root, const char *driver)
{
    g_autofree char *path = g_strconcat("sys/module/", driver, "/version", NULL);
    g_autofree char *text = NULL;

    if (strchr(driver, '/') != NULL)
        return;
    g_strdelimit(path, "-", '_'); /* "vfio-pci" is the module vfio_pci */
    text = ferry_sysfs_text(root, path);
    add(facts, "driver_version", text);
}

static void
add_kernel(json_t *facts, int root)
{
    g_autofree char *text = ferry_sysfs_text(root, "proc/sys/kernel/osrelease");

    add(facts, "kernel", text);
}

/* "none" is a fact too, but "" or "N/A" says that the driver does not tell. */
static void
add_firmware(json_t *facts, const FerryHostDevice *worker, const FerryDriverOps *ops, void *data)
{
    FerryDriverInfo info = { 0 };

    if (worker->netdev == NULL || ops->driver_info(data, worker->netdev, &info) != 0)
        return;
    if (g_ascii_strcasecmp(info.firmware, "n/a") != 0)
        add(facts, "firmware", info.firmware);
}

/* Plain vfio-pci only passes registers through: the PF's driver and firmware are what counts. */
static const FerryHostDevice *
worker_of(const FerryInventory *inventory, const FerryHostDevice *device)
{
    const FerryHostDevice *above = NULL;

    if ((device->roles & FERRY_HOST_MDEV) != 0)
        above = ferry_inventory_find(inventory, device->parent);
    else if ((device->roles & FERRY_HOST_VF) != 0)
        above = ferry_inventory_find(inventory, device->pf);
    return above != NULL ? above : device;
}

static bool
is_variant(const char *driver)
{
    return driver != NULL && strstr(driver, "vfio") != NULL && strcmp(driver, "vfio-pci") != 0;
}

/* A parent that is no bus's device (mtty's) has no driver of its own.  The kernel puts the name of
 * the driver, or of such a device's class, before each type's own name (Linux,
 * Documentation/driver-api/vfio-mediated-device.rst): a module of that name is the driver. */
static void
add_driver_of_type(json_t *facts, int root, const char *type)
{
    const char *dash = strchr(type, '-');
    g_autofree char *name = dash == NULL ? NULL : g_strndup(type, (gsize)(dash - type));
    g_autofree char *path = name == NULL ? NULL : g_strconcat("sys/module/", name, NULL);

    if (name != NULL && name[0] != '\0' && strchr(name, '/') == NULL && name[0] != '.' &&
        faccessat(root, path, F_OK, 0) == 0)
        add(facts, "driver", name);
}

static void
add_mdev(json_t *facts, int root, const FerryHostDevice *parent, const char *type)
{
    const FerryHostType *known = ferry_host_device_type(parent, type);

    add(facts, "class", "mdev");
    add(facts, "mdev_type", type);
    add(facts, "device_api", known != NULL ? known->device_api : NULL);
    if (parent->driver != NULL)
        add(facts, "driver", parent->driver);
    else if (type != NULL)
        add_driver_of_type(facts, root, type);
}

static void
add_pci(json_t *facts, const FerryHostDevice *vf, const FerryHostDevice *pf)
{
    add(facts, "class", "pci");
    add(facts, "device_api", "vfio-pci");
    add(facts, "device_id", vf->device_id);
    add(facts, "driver", is_variant(vf->driver) ? vf->driver : pf->driver);
}

json_t *
ferry_host_facts(int root,
                 const FerryInventory *inventory,
                 const FerryHostDevice *device,
                 const char *type,
                 const FerryDriverOps *ops,
                 void *data)
{
    const FerryHostDevice *worker = worker_of(inventory, device);
    g_autoptr(FerryFactsDir) more = NULL;
    json_t *facts = json_pack("{s:i}", "format", 1);
    const char *driver = NULL;

    add(facts, "name", device->name);
    if (type != NULL) {
        add_mdev(facts, root, device, type);
        add(facts, "state", "type");
    } else if ((device->roles & FERRY_HOST_MDEV) != 0) {
        add_mdev(facts, root, worker, device->type);
    } else {
        add_pci(facts, device, worker);
    }
    driver = json_string_value(json_object_get(facts, "driver"));
    if (driver != NULL)
        add_module_version(facts, root, driver);
    add(facts, "parent_id", worker->device_id);
    add_kernel(facts, root);
    add_firmware(facts, worker, ops, data);
    more = ferry_facts_dir_read(root);
    ferry_facts_dir_complete(more, facts);
    return facts;
}
