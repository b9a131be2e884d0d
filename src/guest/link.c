#include "guest/link.h"

#include "base/error.h"
#include "guest/handle.h"
#include "guest/look.h"
#include "xml/document.h"
#include "xml/domain.h"

static const char *const names[] = {
    [FERRY_LINK_UP] = "up",
    [FERRY_LINK_DOWN] = "down",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == FERRY_LINK_N_STATES);

const char *
ferry_link_state_name(FerryLinkState state)
{
    return names[state];
}

/* @ret: (out) (nullable): the NIC's element with the state in it; NULL when it is so already */
static bool
edit(const char *nic, FerryLinkState state, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autofree char *now = NULL;
    xmlNode *root = NULL, *link = NULL;

    if (!ferry_document_parse(nic, FERRY_DOMAIN_MAX_BYTES, "interface XML", "interface", &document,
                              error))
        return false;
    root = xmlDocGetRootElement(document);
    link = ferry_document_child(root, "link");
    now = ferry_document_attribute(link, "state");
    *ret = NULL;
    if (g_str_equal(now != NULL ? now : names[FERRY_LINK_UP], names[state]))
        return true;
    if (link == NULL)
        link = xmlNewChild(root, NULL, (const xmlChar *)"link", NULL);
    (void)xmlSetProp(link, (const xmlChar *)"state", (const xmlChar *)names[state]);
    *ret = ferry_document_format(root);
    return true;
}

/* libvirt compares the whole element with the NIC that the guest has, so it is taken from there. */
static bool
find_nic(FerryGuests *self, const char *uuid, const char *alias, char **ret, GError **error)
{
    g_autofree char *xml = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    const FerryDevice *device = NULL;

    if (!ferry_guests_xml(self, uuid, FERRY_GUESTS_XML_LIVE, &xml, error) ||
        !ferry_domain_parse(xml, &domain, error))
        return false;
    device = ferry_domain_device(domain, alias);
    if (device == NULL || !g_str_equal(device->kind, "interface")) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "guest %s has no network interface %s just now", domain->name, alias);
        return false;
    }
    *ret = g_strdup(device->xml);
    return true;
}

bool
ferry_guests_set_link(FerryGuests *self,
                      const char *uuid,
                      const char *alias,
                      FerryLinkState state,
                      GError **error)
{
    g_autofree char *what = g_strdup_printf("take the link of %s %s in guest", alias, names[state]);
    g_autofree char *nic = NULL;
    g_autofree char *edited = NULL;
    g_autoptr(virDomain) domain = NULL;

    if (!find_nic(self, uuid, alias, &nic, error) || !edit(nic, state, &edited, error))
        return false;
    if (edited == NULL)
        return true;
    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    return virDomainUpdateDeviceFlags(domain, edited, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
           ferry_handle_failed(error, what, uuid);
}
