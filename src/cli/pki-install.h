#pragma once

#include <stdbool.h>

#include <glib.h>

#include "cli/pki-bundle.h"

/** Where a host's certificates belong; "ferryd.conf" and libvirt look there. */
#define FERRY_PKI_TLS_DIR     "/etc/ferry/tls"
#define FERRY_PKI_QEMU_DIR    "/etc/pki/qemu"
#define FERRY_PKI_LIBVIRT_DIR "/etc/pki/libvirt-migrate"

/** What to do where other credentials are in the way. */
typedef enum { FERRY_INSTALL_REFUSE, FERRY_INSTALL_REPLACE } FerryInstallForeign;

typedef struct {
    const char *tls_dir;
    const char *qemu_dir; /* NULL: leave QEMU's credentials alone */
    FerryInstallForeign foreign;
} FerryInstallPlan;

/**
 * Puts a bundle's parts where ferryd and QEMU look for them.  Nothing is written before all is
 * checked.  A certificate of the same authority and host is a renewal and is replaced.
 *
 * QEMU's keys become readable for its group ("libvirt-qemu" on Debian, "qemu" on Fedora); where
 * there is no such group they stay root's, and @ret_notes says so.
 *
 * @ret_notes: (out) (transfer full): lines for the user, each with its newline, maybe ""
 *
 * Returns: false with FERRY_ERROR_EXISTS when other credentials are in the way, FERRY_ERROR_DENIED
 *          or another of ferry_file_write()
 */
bool ferry_install(const FerryBundle *bundle,
                   const FerryInstallPlan *plan,
                   char **ret_notes,
                   GError **error);
