#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "cli/table.h"

/** Where certificates may lie on this host. */
typedef struct {
    const char *pki_dir, *tls_dir, *qemu_dir;
} FerryPkiFolders;

/**
 * Reads what there is to show of every certificate found in the folders, or of all in @file.
 *
 * @file: (nullable)
 * @ret: (out) (transfer full): {certificates: [{file, name, role, issuer, not_before, not_after,
 *       state, fingerprint}]}; state is valid, early or expired
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when there is none, FERRY_ERROR_INVALID when a file
 *          holds none, or another of ferry_file_read()
 */
bool ferry_pki_show(const FerryPkiFolders *folders,
                    const char *file,
                    int64_t now_s,
                    json_t **ret,
                    GError **error);

/** Prints it on stdout. */
void ferry_pki_print(FerryPrint print, const json_t *document);
