#pragma once

#include <stdbool.h>
#include <unistd.h>

#include <glib.h>

/**
 * A file descriptor that closes itself at the end of its scope: FERRY_AUTOFD int fd = -1;
 * (g_autofd needs GLib 2.80.)  What must be seen to close is closed by hand and checked.
 */
#define FERRY_AUTOFD __attribute__((cleanup(ferry_fd_clear)))

/** Closes *@fd unless it is negative, and makes it -1; errno stays as it was. */
void ferry_fd_clear(int *fd);

/** Returns: (transfer full): the descriptor, which @fd then no longer owns */
int ferry_fd_steal(int *fd);

/**
 * Writes a whole file so that a crash leaves either the old one or the new one, on the disk:
 * temporary name in the same folder, fsync, rename, fsync of the folder.
 *
 * @mode: permission bits of the new file, set before a byte is written
 *
 * Returns: false with FERRY_ERROR_EXHAUSTED (no space), FERRY_ERROR_DENIED, FERRY_ERROR_IO or
 *          FERRY_ERROR_INVALID (@path is a device, a pipe or a socket), naming @path; no temporary
 *          file is left
 */
bool ferry_file_write(const char *path, const char *text, mode_t mode, GError **error);

/**
 * Reads a whole file of at most @max_bytes.
 *
 * @ret: (out) (transfer full): its text, with a 0 byte added
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED, FERRY_ERROR_INVALID (too long,
 *          or a 0 byte within) or FERRY_ERROR_IO, naming @path
 */
bool ferry_file_read(const char *path, size_t max_bytes, char **ret, GError **error);

/**
 * Removes a file for good: unlink and fsync of its folder.  One that is not there is a success.
 *
 * Returns: false with FERRY_ERROR_DENIED or FERRY_ERROR_IO, naming @path
 */
bool ferry_file_remove(const char *path, GError **error);

/** Sets @error from an errno: @what is a verb: "open" makes "cannot open PATH: …"; returns false.
 */
bool ferry_error_set_errno(GError **error, int code, const char *what, const char *path);
