#pragma once

#include "api/device-view.h"

/* What mdevs.c and mdev-create.c share. */

/** Answers POST /v1/mdevs: @data is the FerryApi. */
bool ferry_mdevs_create(void *data,
                        const FerryRequest *request,
                        FerryResponse *response,
                        GError **error);

/**
 * A mediated device that is there, or a VF that is a vGPU: name, uuid, parent, type, active,
 * defined, autostart, attrs, state, used_by, and what its definition, if it has one, says.
 *
 * @definitions: of FerryDefinition
 *
 * Returns: (transfer full)
 */
json_t *ferry_mdevs_json(const FerryDeviceView *view,
                         const FerryHostDevice *device,
                         const GPtrArray *definitions);

/** Returns: whether it is an mdev, or a VF that is a vGPU now */
bool ferry_mdevs_is_one(const FerryHostDevice *device);
