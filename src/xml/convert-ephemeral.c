/* ephemeral='yes' (libvir-list, August 2012): libvirt passes over it, ferry's metadata keeps it. */
#include <string.h>

#include "xml/conversion.h"
#include "xml/device.h"
#include "xml/document.h"

/* A hybrid's VF is taken off in any case, and what an ephemeral network says is said already. */
static bool
is_said_by_pool(const FerryConversion *self, const xmlNode *device)
{
    g_autofree char *type = ferry_document_attribute(device, "type");
    g_autofree char *network =
        ferry_document_attribute(ferry_document_child(device, "source"), "network");

    if (!ferry_document_is(device, "interface"))
        return false;
    for (size_t i = 0; i < self->host->n_pools; i++) {
        const FerryConvertPool *pool = &self->host->pools[i];

        if (g_strcmp0(type, "network") == 0 && g_strcmp0(network, pool->name) == 0)
            return pool->kind == FERRY_CONVERT_HYBRIDS || pool->ephemeral;
    }
    return g_strcmp0(type, "hostdev-hybrid") == 0;
}

bool
ferry_convert_ephemeral(FerryConversion *self, const xmlNode *device, GError **error)
{
    g_autofree char *flag = ferry_document_attribute(device, "ephemeral");
    g_autofree char *alias = NULL;
    GString *element = NULL;

    if (flag == NULL || is_said_by_pool(self, device))
        return true;
    if (strcmp(flag, "yes") != 0 && strcmp(flag, "no") != 0)
        return ferry_document_refuse(error, device, "ephemeral=\"%s\" is neither yes nor no", flag);
    ferry_splice_set(self->splice, device, "ephemeral", NULL);
    if (strcmp(flag, "no") == 0)
        return true;
    if (ferry_device_plug(device) == FERRY_PLUG_NO)
        return ferry_document_refuse(error, device,
                                     "a %s cannot be taken off a running guest, so it cannot be "
                                     "ephemeral: take the attribute out",
                                     (const char *)device->name);
    alias = ferry_conversion_alias(self, device);
    if (ferry_metadata_is_ephemeral(self->metadata, alias))
        return true;
    element = ferry_conversion_element(self, "ephemeral");
    ferry_conversion_attribute(element, "alias", alias);
    ferry_conversion_add(self, element);
    ferry_conversion_note(self, device, FERRY_NOTE_CHANGED,
                          "marked %s as ephemeral: taken off for migration and save, and put back",
                          alias);
    return true;
}
