#pragma once

#include <stdbool.h>

#include <glib.h>

#include "api/resources.h"

/** Writes settings that are to be kept into ferryd's configuration.  Any thread may use it. */
typedef struct _FerryKeep FerryKeep;

/** @path: of the configuration, which need not be there yet */
FerryKeep *ferry_keep_new(const char *path);
void ferry_keep_free(FerryKeep *self);

/** Returns: (transfer none): with a FerryKeep as their data */
const FerryKeepOps *ferry_keep_ops(void);

/**
 * A configuration with another number of VFs for a PF.  Everything else stays as it is, comments
 * too: only the value's line is another one, or a section is added.
 *
 * @names: NULL-terminated: what the PF may be called; the first is written when none is there
 *
 * Returns: (transfer full)
 */
char *ferry_keep_edit(const char *text, const char *const *names, unsigned n_vfs);
