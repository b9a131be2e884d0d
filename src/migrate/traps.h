#pragma once

#include <jansson.h>

#include "migrate/need.h"
#include "xml/domain.h"

/* What fails later, and then says little: traps for guests whose devices' state is carried.  Pure;
 * each adds {code, message} to @reasons, an array. */

/** In the guest itself. */
void ferry_traps_of_guest(const FerryDomain *domain, const GPtrArray *needs, json_t *reasons);

/** On the host called @host, either of the two; @qemu_version: (nullable): "10.0.2" */
void ferry_traps_of_host(const GPtrArray *needs,
                         const char *host,
                         const char *qemu_version,
                         json_t *reasons);
