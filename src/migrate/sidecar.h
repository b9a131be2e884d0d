#pragma once

#include "migrate/saved-sum.h"

/**
 * What lies beside a saved guest: FILE.ferry, which says what FILE was when it was written
 * (docs/saved-guest.md).  A plain value.
 */
typedef struct {
    char *guest_name, *guest_uuid;
    char *host; /* that saved it */
    char *saved;
    FerrySavedSum *sum;
    json_t *devices;     /* array of {alias, way, …}: what is in the file, and what it needs */
    char *restored_on;   /* (nullable): the host that restored it last, as far as this file knows */
    char *restored_when; /* (nullable) */
} FerrySidecar;

void ferry_sidecar_free(FerrySidecar *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySidecar, ferry_sidecar_free)

/** Returns: (transfer full): the path of the sidecar of @file */
char *ferry_sidecar_path(const char *file);

/** Writes it whole or not at all, readable by its owner only.  Errors of ferry_file_write(). */
bool ferry_sidecar_write(const char *file, const FerrySidecar *sidecar, GError **error);

/**
 * @ret: (out) (nullable) (transfer full): NULL when there is none
 *
 * Returns: false with FERRY_ERROR_INVALID when it is none of ferry's, FERRY_ERROR_UNSUPPORTED when
 *          it is a newer ferry's, FERRY_ERROR_DENIED or _IO; each naming it
 */
bool ferry_sidecar_read(const char *file, FerrySidecar **ret, GError **error);
