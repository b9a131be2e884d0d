#pragma once

#include "api/device-view.h"

/**
 * Whether devices can migrate, as their VFIO drivers say: asked only when somebody wants it, since
 * the driver resets a device that is opened; remembered for the devices of a kind.
 */

/**
 * What is known of @device: {migratable?, flags[], dma_logging, stop_copy_bytes?, driver, probed?,
 * message}.
 *
 * @facts: as ferry_host_facts() gives them
 *
 * Returns: (transfer full) (nullable): NULL with the store's error
 */
json_t *ferry_probe_remembered(const FerryApi *api,
                               const FerryHostDevice *device,
                               const json_t *facts,
                               GError **error);

/**
 * Opens @device under a claim and asks; the answer is in the store then.
 *
 * @ret_reasons: (out) (nullable) (transfer full): why it was not: an answer
 *
 * Returns: false with FERRY_ERROR_TIMEOUT or FERRY_ERROR_IO, or the store's error
 */
bool ferry_probe_run(const FerryApi *api,
                     const FerryDeviceView *view,
                     const FerryHostDevice *device,
                     const json_t *facts,
                     json_t **ret_reasons,
                     GError **error);

/** Drops the claims of probes that a crash ended: to be called before the first. */
bool ferry_probe_clean_up(FerryStore *store, GError **error);

/** Returns: (transfer none): opens devices of this machine; its data is NULL */
const FerryVfioOps *ferry_probe_vfio(void);
