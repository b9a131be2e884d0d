#pragma once

#include <jansson.h>

#include "xml/domain.h"

/**
 * The last look at a guest that comes, when libvirt asks its hook: its XML was written by the
 * source, and so may name any device of this host.  A host device that was not assigned to just
 * that alias is refused; so is a macvtap of a hybrid on another netdev than the assigned one.
 *
 * @incoming: as libvirt is about to start it
 * @assign: (nullable): see migrate/assign.h; absent is empty: then it gets no host device
 * @reasons: an array; gets {code, alias, message} for each device that is refused
 */
void ferry_guard_check(const FerryDomain *incoming, const json_t *assign, json_t *reasons);
