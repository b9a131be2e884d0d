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

/*
 * libvirt passes QEMU's words on as "internal error", so only they tell an unplug that is under way
 * from a refusal.  QEMU 10.0 has two such, for PCIe's own hot-plug; by ACPI, q35's default, it
 * takes any number of requests.
 */
static bool
is_being_unplugged(const char *words)
{
    static const char *const under_way[] = {
        "already in the process of unplug",
        "guest is busy (power indicator blinking)",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(under_way); i++)
        if (strstr(words, under_way[i]) != NULL)
            return true;
    return false;
}

bool
ferry_device_judge_refusal(int libvirt_code, const char *words, FerryDetach *ret)
{
    /* clang-format off */
    static const struct {
        int code;
        FerryDetach answer;
    } rows[] = {
        { VIR_ERR_DEVICE_MISSING,        FERRY_DETACH_ABSENT  },
        { VIR_ERR_INTERNAL_ERROR,        FERRY_DETACH_REFUSED }, /* QEMU's: "Bus 'pcie.0' does not support hotplugging" */
        { VIR_ERR_OPERATION_FAILED,      FERRY_DETACH_REFUSED },
        { VIR_ERR_OPERATION_INVALID,     FERRY_DETACH_REFUSED }, /* it does not run */
        { VIR_ERR_OPERATION_UNSUPPORTED, FERRY_DETACH_REFUSED }, /* "controller cannot be hot unplugged" */
        { VIR_ERR_CONFIG_UNSUPPORTED,    FERRY_DETACH_REFUSED },
    };
    /* clang-format on */

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].code != libvirt_code)
            continue;
        *ret = is_being_unplugged(words) ? FERRY_DETACH_ASKED : rows[i].answer;
        return true;
    }
    return false;
}

static bool
ask(virDomain *domain,
    const char *uuid,
    const char *alias,
    FerryDetach *ret,
    char **ret_reason,
    GError **error)
{
    FerryDetach answer = FERRY_DETACH_ASKED;
    g_autofree char *words = NULL;

    if (virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) < 0) {
        words = g_strdup(virGetLastErrorMessage());
        if (!ferry_device_judge_refusal(ferry_handle_error_code(), words, &answer))
            return ferry_handle_failed(error, "detach a device of guest", uuid);
    }
    *ret = answer;
    *ret_reason = answer == FERRY_DETACH_REFUSED ? g_steal_pointer(&words) : NULL;
    return true;
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
    bool has = false;

    if (!find_device(self, uuid, FERRY_GUESTS_XML_LIVE, alias, &has, error))
        return false;
    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    if (has)
        return ask(domain, uuid, alias, ret, ret_reason, error);
    *ret = FERRY_DETACH_ABSENT;
    *ret_reason = NULL;
    return true;
}
