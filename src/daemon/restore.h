#pragma once

#include <stdbool.h>

#include <glib.h>

#include "daemon/config.h"
#include "host/kernel.h"
#include "host/watch.h"

/**
 * Gives the PFs that the configuration names their VFs back, which a boot or a new load of the
 * driver takes: once for each time that a PF appears, and only when it has none.  Other numbers are
 * somebody's wish and stay; PFs that are not named are never touched.
 *
 * A thread of its own, as a PF's driver may be loaded late.  What it does and what it leaves alone,
 * it logs.
 */
typedef struct _FerryRestore FerryRestore;

/**
 * All of the parameters must outlive it.
 *
 * @pfs: of FerryPfConfig
 *
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_EXHAUSTED
 */
FerryRestore *ferry_restore_new(const GPtrArray *pfs,
                                FerryWatch *watch,
                                const FerryKernel *kernel,
                                GError **error);

/**
 * Waits until every PF was there and has been looked after.
 *
 * Returns: false when @limit_ms went by before
 */
bool ferry_restore_wait(FerryRestore *self, int64_t limit_ms);

void ferry_restore_free(FerryRestore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRestore, ferry_restore_free)
