#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

/** What happens to a saved guest that is in the file already. */
typedef enum { FERRY_SAVE_NEW, FERRY_SAVE_OVER } FerrySaveOver;

/**
 * Whether a guest may be saved in @file: what is there already, and whether its folder is there.
 * Only a saved guest is ever written over.  Nothing is changed.
 *
 * @reasons: an array; gets {code, message, remedy}
 */
void ferry_save_file_check(const char *file, FerrySaveOver over, json_t *reasons);

/** Makes the empty file that libvirt writes, which nobody else may read.  Errors of base/file.h */
bool ferry_save_file_make(const char *partial, GError **error);

/**
 * Puts a file that is whole on the disk, takes the old sidecar away and gives it its name.  A
 * success when @partial is not there: it was done before.
 *
 * Returns: false with FERRY_ERROR_EXISTS when there is a @file that is not to be written over, or
 *          as base/file.h; @partial stays
 */
bool
ferry_save_file_name(const char *partial, const char *file, FerrySaveOver over, GError **error);
