#pragma once

#include "api/handler.h"
#include "api/json.h"
#include "migrate/restore-there.h"

/**
 * Reads what is asked of a restore, by a user or by another host; @ret is to be used after the end
 * of the reading was fine.
 *
 * Returns: whether only the check is asked for
 */
FerryRestoreHow ferry_restore_request_read(FerryFields *fields, FerryRestoreRequest *ret);
