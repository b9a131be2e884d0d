#pragma once

#include "api/resources.h"
#include "host/users.h"
#include "store/claims.h"

/** Who has a device, as an administrator is told. */
typedef enum {
    FERRY_DEVICE_FREE,
    FERRY_DEVICE_CLAIMED, /* held for a guest that does not have it open: not yet, or no more */
    FERRY_DEVICE_IN_USE,  /* open, and claimed */
    FERRY_DEVICE_FOREIGN, /* used by somebody who asked nobody: shown, and never touched */
    FERRY_DEVICE_N_USES
} FerryDeviceUse;

/** One look at the host's devices: what there is, who has it open, who claimed it.  One thread uses
 * it; it is not kept. */
typedef struct {
    FerryInventory *inventory;
    FerryUsers *users;
    GPtrArray *claims;     /* of FerryClaimRow */
    GHashTable *by_device; /* from device to claim */
} FerryDeviceView;

/** @ret: (out) (transfer full): ferry_watch_current() with its users and claims */
bool ferry_device_view_new(const FerryApi *api, FerryDeviceView **ret, GError **error);

/** The same after something was changed: it is looked at anew. */
bool ferry_device_view_look(const FerryApi *api, FerryDeviceView **ret, GError **error);

void ferry_device_view_free(FerryDeviceView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDeviceView, ferry_device_view_free)

/**
 * Finds a device by the kernel's name, a netdev's, or libvirt's ("pci_0000_03_10_0").
 *
 * Returns: (nullable) (transfer none): NULL with FERRY_ERROR_NOT_FOUND
 */
const FerryHostDevice *
ferry_device_view_find(const FerryDeviceView *self, const char *name, GError **error);

/** Returns: (nullable) (transfer none): the claim on a VF or an mdev */
const FerryClaimRow *ferry_device_view_claim(const FerryDeviceView *self,
                                             const FerryHostDevice *device);

/** @ret_who: (out) (optional) (nullable) (transfer full): "guest g1", "process 4711 (…)" */
FerryDeviceUse
ferry_device_view_use(const FerryDeviceView *self, const FerryHostDevice *device, char **ret_who);

/**
 * A device as ferry_host_json() has it, with state (free, claimed, in_use, foreign), used_by,
 * claim as ferry_claim_to_json() has it, and note, a line for people.
 *
 * Returns: (transfer full)
 */
json_t *ferry_device_view_json(const FerryDeviceView *self, const FerryHostDevice *device);

/** Returns: (transfer full): "24 × mtty-1 or 12 × mtty-2": alternatives, as types share a device */
char *ferry_device_capacity(const FerryHostDevice *device);
