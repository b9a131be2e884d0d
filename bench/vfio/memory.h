#pragma once

#include "vfio/channel.h"

/** Two ends of a channel in this process: what one sends is copied once, by the other's recv,
 *  which the sender waits for.  Made for bench/vfio/pump.c. */
void bench_memory_pair(FerryChannel **ret);
