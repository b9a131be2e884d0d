#pragma once

#include "sim/device.h"
#include "vfio/transport.h"

/**
 * The simulated device as the kernel would show it, in the process: with P2P, PRECOPY_INFO and
 * sizes.  A planned stall comes back at once as the timeout that it would be.
 *
 * @device: (transfer none): outlives the transport
 */
FerryTransport *sim_transport_new(SimDevice *device, const char *name);

/** The region and offset where the device's 8-byte register lies, here and over vfio-user. */
#define SIM_REGION 0u
#define SIM_OFFSET 8u
