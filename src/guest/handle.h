#pragma once

#include <libvirt/libvirt.h>

#include "guest/connection.h"

/*
 * For the files of guest/ only: libvirt's handles and errors.  Who uses guests includes the other
 * headers and needs none of libvirt's.
 */

/** Drops a domain handle; the last libvirt error stays. */
static inline void
ferry_handle_domain_free(virDomain *domain)
{
    (void)virDomainFree(domain);
}

static inline void
ferry_handle_connect_close(virConnect *connect)
{
    (void)virConnectClose(connect);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, ferry_handle_domain_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virConnect, ferry_handle_connect_close)

/**
 * @ret: (out) (nullable) (transfer full): NULL when libvirt knows no such guest
 *
 * Returns: false with FERRY_ERROR_IO when libvirt does not answer, FERRY_ERROR_INVALID when @uuid
 * is none
 */
bool ferry_handle_find(FerryGuests *self, const char *uuid, virDomain **ret, GError **error);

/** The same for a guest that must be there: else false with FERRY_ERROR_NOT_FOUND. */
bool ferry_handle_need(FerryGuests *self, const char *uuid, virDomain **ret, GError **error);

/** Returns: code of this thread's last libvirt error, VIR_ERR_* */
int ferry_handle_error_code(void);

/**
 * Turns this thread's last libvirt error into a GError, "cannot WHAT SUBJECT: libvirt's words", and
 * returns false.  FERRY_ERROR_IO, or what the code says: no such domain is FERRY_ERROR_NOT_FOUND,
 * a guest's lock that another call holds FERRY_ERROR_TIMEOUT, unsupported FERRY_ERROR_UNSUPPORTED.
 */
bool ferry_handle_failed(GError **error, const char *what, const char *subject);
