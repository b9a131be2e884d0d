#include "guest/handle.h"

#include <libvirt/virterror.h>

#include "base/error.h"

/* libvirt's codes that some caller acts on; every other is FERRY_ERROR_IO. */
/* clang-format off */
static const struct {
    int libvirt;
    FerryErrorCode code;
} codes[] = {
    { VIR_ERR_NO_DOMAIN,             FERRY_ERROR_NOT_FOUND   },
    { VIR_ERR_DEVICE_MISSING,        FERRY_ERROR_NOT_FOUND   },
    { VIR_ERR_OPERATION_TIMEOUT,     FERRY_ERROR_TIMEOUT     }, /* another call holds the guest's job lock */
    { VIR_ERR_NO_SUPPORT,            FERRY_ERROR_UNSUPPORTED },
    { VIR_ERR_OPERATION_UNSUPPORTED, FERRY_ERROR_UNSUPPORTED },
    { VIR_ERR_CONFIG_UNSUPPORTED,    FERRY_ERROR_UNSUPPORTED },
    { VIR_ERR_ACCESS_DENIED,         FERRY_ERROR_DENIED      },
    { VIR_ERR_AUTH_FAILED,           FERRY_ERROR_DENIED      },
    { VIR_ERR_XML_ERROR,             FERRY_ERROR_INVALID     },
    { VIR_ERR_XML_DETAIL,            FERRY_ERROR_INVALID     },
};
/* clang-format on */

int
ferry_handle_error_code(void)
{
    const virError *last = virGetLastError();

    return last != NULL ? last->code : VIR_ERR_OK;
}

bool
ferry_handle_failed(GError **error, const char *what, const char *subject)
{
    const int last = ferry_handle_error_code();
    FerryErrorCode code = FERRY_ERROR_IO;

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].libvirt == last)
            code = codes[i].code;
    g_set_error(error, FERRY_ERROR, code, "cannot %s %s: %s", what, subject,
                virGetLastErrorMessage());
    return false;
}

bool
ferry_handle_find(FerryGuests *self, const char *uuid, virDomain **ret, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    virDomain *domain = NULL;

    if (!g_uuid_string_is_valid(uuid)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\" is not a guest's UUID", uuid);
        return false;
    }
    if (!ferry_guests_connect(self, &connect, error))
        return false;
    domain = virDomainLookupByUUIDString(connect, uuid);
    if (domain == NULL && ferry_handle_error_code() != VIR_ERR_NO_DOMAIN)
        return ferry_handle_failed(error, "look for guest", uuid);
    *ret = domain;
    return true;
}

bool
ferry_handle_need(FerryGuests *self, const char *uuid, virDomain **ret, GError **error)
{
    virDomain *domain = NULL;

    if (!ferry_handle_find(self, uuid, &domain, error))
        return false;
    if (domain == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "libvirt at %s has no guest %s",
                    ferry_guests_uri(self), uuid);
        return false;
    }
    *ret = domain;
    return true;
}
