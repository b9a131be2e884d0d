#pragma once

#include "event.h"

/** What libvirt, its call's client, QEMU and the guest do: the first of all events. */
#define SIM_N_PROGRESS 14
extern const SimEvent sim_progress[];

/** Whether the guest was asked for a device: it lets it go, or keeps it. */
bool sim_may_let_go(const SimWorld *world);
