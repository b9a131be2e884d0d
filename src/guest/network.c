#include "guest/network.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "guest/handle.h"
#include "xml/document.h"
#include "xml/network.h"

#define MARK "urn:ferry:pool:1"

static inline void
network_free(virNetwork *network)
{
    (void)virNetworkFree(network);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNetwork, network_free)

/* @ret: (out) (nullable) (transfer full) */
static bool
find(FerryGuests *self, const char *name, virNetwork **ret, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    virNetwork *network = NULL;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    network = virNetworkLookupByName(connect, name);
    if (network == NULL && ferry_handle_error_code() != VIR_ERR_NO_NETWORK)
        return ferry_handle_failed(error, "look for network", name);
    *ret = network;
    return true;
}

static bool
has_mark(const xmlNode *metadata)
{
    for (const xmlNode *node = ferry_document_first(metadata); node != NULL;
         node = ferry_document_next(node))
        if (node->ns != NULL && xmlStrEqual(node->ns->href, (const xmlChar *)MARK) &&
            xmlStrEqual(node->name, (const xmlChar *)"pool"))
            return true;
    return false;
}

static bool
is_ours(virNetwork *network, const char *name, bool *ret, GError **error)
{
    char *xml = virNetworkGetXMLDesc(network, 0);
    g_autoptr(xmlDoc) document = NULL;
    bool parsed = false;

    if (xml == NULL)
        return ferry_handle_failed(error, "read network", name);
    parsed = ferry_document_parse(xml, FERRY_NETWORK_MAX_BYTES, "network XML", "network", &document,
                                  error);
    free(xml); /* libvirt's own allocation */
    if (!parsed)
        return false;
    *ret = has_mark(ferry_document_child(xmlDocGetRootElement(document), "metadata"));
    return true;
}

bool
ferry_guests_companion_find(FerryGuests *self,
                            const char *name,
                            FerryCompanion *ret,
                            GError **error)
{
    g_autoptr(virNetwork) network = NULL;
    bool ours = false;

    if (!find(self, name, &network, error))
        return false;
    if (network != NULL && !is_ours(network, name, &ours, error))
        return false;
    *ret = network == NULL ? FERRY_COMPANION_ABSENT
           : ours          ? FERRY_COMPANION_OURS
                           : FERRY_COMPANION_FOREIGN;
    return true;
}

static bool
mark(const char *xml, const char *name, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    xmlNode *root = NULL, *metadata = NULL, *pool = NULL;

    if (!ferry_document_parse(xml, FERRY_NETWORK_MAX_BYTES, "network XML", "network", &document,
                              error))
        return false;
    root = xmlDocGetRootElement(document);
    metadata = xmlNewChild(root, NULL, (const xmlChar *)"metadata", NULL);
    pool = xmlNewChild(metadata, NULL, (const xmlChar *)"pool", NULL);
    xmlSetNs(pool, xmlNewNs(pool, (const xmlChar *)MARK, (const xmlChar *)"ferry"));
    (void)xmlSetProp(pool, (const xmlChar *)"name", (const xmlChar *)name);
    *ret = ferry_document_format(root);
    return true;
}

static bool
refuse_foreign(FerryGuests *self, const char *name, GError **error)
{
    FerryCompanion is = FERRY_COMPANION_ABSENT;

    if (!ferry_guests_companion_find(self, name, &is, error))
        return false;
    if (is != FERRY_COMPANION_FOREIGN)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                "libvirt has a network %s that ferry did not make: a pool of hybrids needs a "
                "network of its own name. Give the pool another name, or remove that network "
                "(\"virsh net-undefine %s\")",
                name, name);
    return false;
}

bool
ferry_guests_companion_undefine(FerryGuests *self, const char *name, GError **error)
{
    g_autoptr(virNetwork) network = NULL;
    bool ours = false;

    if (!find(self, name, &network, error))
        return false;
    if (network == NULL)
        return true;
    if (!is_ours(network, name, &ours, error))
        return false;
    if (!ours)
        return true;
    if (virNetworkIsActive(network) == 1 && virNetworkDestroy(network) < 0)
        return ferry_handle_failed(error, "stop network", name);
    return virNetworkIsPersistent(network) == 0 || virNetworkUndefine(network) == 0 ||
           ferry_handle_failed(error, "undefine network", name);
}

bool
ferry_guests_companion_define(FerryGuests *self, const char *name, const char *xml, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(virNetwork) network = NULL;
    g_autofree char *marked = NULL;

    if (!refuse_foreign(self, name, error) || !mark(xml, name, &marked, error) ||
        !ferry_guests_companion_undefine(self, name, error) ||
        !ferry_guests_connect(self, &connect, error))
        return false;
    network = virNetworkDefineXMLFlags(connect, marked, 0);
    if (network == NULL)
        return ferry_handle_failed(error, "define network", name);
    if (virNetworkSetAutostart(network, 1) < 0)
        return ferry_handle_failed(error, "set autostart of network", name);
    return virNetworkIsActive(network) == 1 || virNetworkCreate(network) == 0 ||
           ferry_handle_failed(error, "start network", name);
}

bool
ferry_guests_network_state(FerryGuests *self,
                           const char *name,
                           FerryNetworkState *ret,
                           GError **error)
{
    g_autoptr(virNetwork) network = NULL;
    int active = 0;

    if (!find(self, name, &network, error))
        return false;
    active = network != NULL ? virNetworkIsActive(network) : 0;
    if (active < 0)
        return ferry_handle_failed(error, "look at network", name);
    *ret = network == NULL ? FERRY_NETWORK_ABSENT
           : active == 0   ? FERRY_NETWORK_INACTIVE
                           : FERRY_NETWORK_ACTIVE;
    return true;
}
