#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * Reading below a root: "/" or a recorded tree.  Paths are relative to a directory descriptor;
 * nothing here writes or takes a lock, and any thread may call any of it.
 *
 * What the kernel's files hold is not trusted: at most FERRY_SYSFS_MAX_BYTES are read, and bytes
 * that are no printable text become "?".  An attribute that cannot be read is absent: drivers
 * answer with whatever errno they like, and a device may go while it is looked at.
 */

#define FERRY_SYSFS_MAX_BYTES 4096

/** Returns: (nullable) (transfer full): a file's text without space around it; NULL when absent */
char *ferry_sysfs_text(int folder, const char *path);

/**
 * A file's number, decimal or 0x-hex.
 *
 * Returns: false when it is absent or none from 0 to @limit; @ret is untouched then
 */
bool ferry_sysfs_number(int folder, const char *path, uint64_t limit, uint64_t *ret);

/** Returns: (nullable) (transfer full): last part of what a symbolic link points to */
char *ferry_sysfs_link(int folder, const char *path);

/** Returns: descriptor of a folder, for use with FERRY_AUTOFD; -1 when absent */
int ferry_sysfs_open(int folder, const char *path);

/**
 * Returns: (nullable) (transfer full): names in a folder but those with a dot first, sorted; NULL
 *          when absent
 */
GPtrArray *ferry_sysfs_list(int folder, const char *path);
