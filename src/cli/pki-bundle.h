#pragma once

#include <stdbool.h>

#include <glib.h>

#include "cli/pki-certificate.h"

/** In the OU of a certificate that is QEMU's: no role, so a ferryd turns its holder away. */
#define FERRY_BUNDLE_MEMORY_UNIT "guest-memory"

/**
 * What one host gets from "ferry pki issue": all in one file.
 *
 * A peer gets two identities: ferryd's, which may act on every host as root, and QEMU's, which may
 * only send and take guest memory.  They are of two authorities: QEMU's user can read its key, and
 * QEMU trusts whoever its authority signed.
 */
typedef struct {
    FerryCredentials host;
    FerryCredentials memory; /* all NULL but for peers */
} FerryBundle;

/** Overwrites the keys and frees the texts. */
void ferry_bundle_clear(FerryBundle *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryBundle, ferry_bundle_clear)

/** Returns: (transfer full): PEM blocks: authority, certificate, key; then the same of memory */
char *ferry_bundle_format(const FerryBundle *self);

/**
 * Reads what ferry_bundle_format() wrote and checks that all parts fit and are valid today.
 *
 * @ret: (out): untouched on failure
 *
 * Returns: false with FERRY_ERROR_INVALID
 */
bool ferry_bundle_parse(const char *text, FerryBundle *ret, GError **error);
