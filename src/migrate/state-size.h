#pragma once

#include <jansson.h>

#include "host/inventory.h"
#include "store/store.h"

/**
 * How much state a device will have, by what is known of its like without asking it.
 *
 * @store: (nullable): with the sizes of earlier loads, and what probes were told
 * @type: (nullable): of an mdev: its framebuffer is the most that its state can be
 * @print: fingerprint of @facts
 * @ret_basis: (out) (nullable) (transfer none): "measured", "probed", "framebuffer"; NULL: no
 * figure
 *
 * Returns: bytes; -1 = no figure yet
 */
int64_t ferry_state_size(FerryStore *store,
                         const FerryHostDevice *device,
                         const FerryHostType *type,
                         const json_t *facts,
                         const char *print,
                         const char **ret_basis);

/**
 * Which devices a probe's answer holds for: of the same type or id, with the same drivers of the
 * same version.  In-tree drivers have no version but the kernel's.
 *
 * Returns: (transfer full): the key of store/probes.h
 */
char *ferry_state_size_probe_kind(const FerryHostDevice *device, const json_t *facts);

/** Returns: bytes of "framebuffer=1024M" in a type's description, -1 when it says none */
int64_t ferry_state_size_framebuffer(const char *description);
