#include "guest/device.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "guest/handle.h"
#include "guest/look.h"
#include "xml/domain.h"

static const struct {
    FerryGuestsXml xml;
    unsigned flags;
} places[] = {
    [FERRY_DEVICE_LIVE] = { FERRY_GUESTS_XML_LIVE, VIR_DOMAIN_AFFECT_LIVE },
    [FERRY_DEVICE_CONFIG] = { FERRY_GUESTS_XML_INACTIVE, VIR_DOMAIN_AFFECT_CONFIG },
};

static bool
find_device(FerryGuests *self,
            const char *uuid,
            FerryGuestsXml which,
            const char *alias,
            bool *ret,
            GError **error)
{
    g_autoptr(FerryDomain) parsed = NULL;
    g_autofree char *xml = NULL;

    if (!ferry_guests_xml(self, uuid, which, &xml, error) ||
        !ferry_domain_parse(xml, &parsed, error))
        return false;
    *ret = ferry_domain_device(parsed, alias) != NULL;
    return true;
}

bool
ferry_guests_attach(FerryGuests *self,
                    const char *uuid,
                    const char *alias,
                    const char *device_xml,
                    FerryDevicePlace place,
                    GError **error)
{
    g_autofree char *what = g_strdup_printf("attach device %s to guest", alias);
    g_autoptr(virDomain) domain = NULL;
    bool has = false;

    if (!find_device(self, uuid, places[place].xml, alias, &has, error))
        return false;
    if (has)
        return true;
    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    return virDomainAttachDeviceFlags(domain, device_xml, places[place].flags) == 0 ||
           ferry_handle_failed(error, what, uuid);
}

/* QEMU's words, which libvirt passes on: there is no code of its own for it. */
static bool
is_being_unplugged(const char *words)
{
    return strstr(words, "already in the process of unplug") != NULL;
}

bool
ferry_guests_detach_ask(FerryGuests *self,
                        const char *uuid,
                        const char *alias,
                        FerryDetach *ret,
                        char **ret_reason,
                        GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    FerryDetach answer = FERRY_DETACH_ASKED;
    g_autofree char *reason = NULL;
    bool has = false;

    if (!find_device(self, uuid, FERRY_GUESTS_XML_LIVE, alias, &has, error))
        return false;
    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    if (!has) {
        answer = FERRY_DETACH_ABSENT;
    } else if (virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) < 0) {
        reason = g_strdup(virGetLastErrorMessage());
        answer = ferry_handle_error_code() == VIR_ERR_DEVICE_MISSING ? FERRY_DETACH_ABSENT
                 : is_being_unplugged(reason)                        ? FERRY_DETACH_ASKED
                                                                     : FERRY_DETACH_REFUSED;
    }
    *ret = answer;
    *ret_reason = answer == FERRY_DETACH_REFUSED ? g_steal_pointer(&reason) : NULL;
    return true;
}
