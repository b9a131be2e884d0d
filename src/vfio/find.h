#pragma once

#include "vfio/kernel.h"
#include "vfio/user.h"

/**
 * From the name an operator types to an opened device and its facts.
 *
 *   0000:3b:00.4             a PCI function           /dev/vfio/7             the one device of a
 * group 4b20d080-1b54-…          a mediated device        /dev/vfio/devices/vfio0 a device's own
 * node vfio-user:/run/x.sock    a vfio-user server
 *
 * By address or UUID the device's own node is taken where the kernel has one, else its group.
 */
typedef struct {
    const char *sys_root; /* (nullable): "/sys" */
    int timeout_ms;       /* 0: 30 s */
    FerryUserOptions user;
} FerryFindOptions;

/** Where a kernel device is.  Strings (transfer full). */
typedef struct {
    FerryKernelDoor door;
    char *node;   /* /dev/vfio/… */
    char *device; /* its name: address or UUID */
    char *folder; /* its sysfs folder */
} FerryPlace;

void ferry_place_clear(FerryPlace *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryPlace, ferry_place_clear)

/**
 * Looks a kernel device up in sysfs; opens nothing.
 *
 * Returns: false with FERRY_ERROR_INVALID (no name of any form), FERRY_ERROR_NOT_FOUND or
 *          FERRY_ERROR_UNSUPPORTED (not bound to a VFIO driver; a group of several devices)
 */
bool ferry_place_find(const char *name, const char *sys_root, FerryPlace *ret, GError **error);

/** What sysfs says of the device there, as a compat description.  Returns: (transfer full) */
char *ferry_place_describe(const FerryPlace *self, const char *sys_root);

/** What a vfio-user server shows of its device: PCI identity.  Returns: (transfer full) */
char *ferry_user_device_describe(FerryTransport *transport);

/**
 * Opens the device called @name.
 *
 * @ret_facts: (out) (transfer full): its compat description, JSON
 */
FerryTransport *ferry_find_open(const char *name,
                                const FerryFindOptions *options,
                                char **ret_facts,
                                GError **error);
