#pragma once

#include <stdbool.h>

#include <glib.h>

/** A file that is being written beside its final name: readable by its owner only, and the final
 *  name appears when all of it is on the disk.  One thread. */
typedef struct {
    int fd;
    char *path;
    char *partial;
} FerryStateFile;

/** Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED, FERRY_ERROR_EXHAUSTED,
 *           FERRY_ERROR_IO, or FERRY_ERROR_INVALID for a device, pipe or socket, naming @path */
bool ferry_state_file_create(FerryStateFile *self, const char *path, GError **error);

/** Puts it on the disk under its name.  On failure nothing is left. */
bool ferry_state_file_commit(FerryStateFile *self, GError **error);

/** Removes it, unless it was committed. */
void ferry_state_file_clear(FerryStateFile *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryStateFile, ferry_state_file_clear)
