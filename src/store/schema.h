#pragma once

#include <stdbool.h>

#include "store/store.h"

/** What tells ferry's database from others, in its header: "Frry". */
#define FERRY_SCHEMA_APPLICATION_ID 0x46727279

/**
 * Brings an open database of ours to the newest schema, one transaction a step; an empty one gets
 * all of them.
 *
 * Returns: false with FERRY_ERROR_UNSUPPORTED when a newer ferry has written it, else as store.h
 */
bool ferry_schema_upgrade(FerryStore *self, GError **error);

/** Returns: the schema version that this ferry writes, 1 or more */
int ferry_schema_newest(void);
