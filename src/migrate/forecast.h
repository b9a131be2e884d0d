#pragma once

#include "migrate/plan.h"

/** What is known besides the plan; all zero is nothing. */
typedef struct {
    uint64_t rate_bps;       /* of the slower side of the link; 0 = no figure */
    const int64_t *moves_ms; /* blackouts of the guest's last moves */
    unsigned n_moves;
} FerryForecastKnown;

/**
 * How long the guest will stand still: of each device whose state is carried, and in all.
 *
 * A device's share is its state over the link: the sum of them is held against the limit, for QEMU
 * does not hand the guest over before.  The whole blackout is what earlier moves of this guest
 * took; where there is neither, there is no figure, and that is said.
 *
 * Returns: (transfer full): {blackout_ms?, basis?: "measured" or "computed", limit_ms, rate_bps?,
 *          device_bytes?, device_ms?, devices: [{alias, bytes?, basis?, ms?}], message}; null is no
 *          figure yet
 */
json_t *ferry_forecast(const FerryPlan *plan, const FerryForecastKnown *known);

/** Adds a reason "blackout-too-long" when the devices alone need longer than the plan's limit. */
void ferry_forecast_object(const json_t *forecast, json_t *reasons);

/**
 * How many connections the guest's memory goes over unless somebody says: as many as fill the link,
 * when one carries what a processor can encrypt and send.
 *
 * @forecast: of ferry_forecast(); a link without a figure gets one connection
 * @bandwidth_bps: what may be used of the link; 0 = all of it
 *
 * Returns: 1 or more
 */
unsigned ferry_forecast_connections(const json_t *forecast, uint64_t bandwidth_bps);
