#include "migrate/hybrid-nic.h"

#include <string.h>

#include "base/error.h"
#include "xml/address.h"
#include "xml/document.h"

static bool
is_interface(const FerryDevice *device, const char *type)
{
    return device != NULL && strcmp(device->kind, "interface") == 0 &&
           (type == NULL || g_strcmp0(device->type, type) == 0);
}

/* What FerryDevice has no name for: macvtap and what is below it. */
static void
read_virtio(FerryHybridNic *self)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autofree char *link = NULL;
    const xmlNode *root = NULL;

    if (!ferry_document_parse(self->virtio->xml, FERRY_DOMAIN_MAX_BYTES, "interface XML",
                              "interface", &document, NULL))
        return;
    root = xmlDocGetRootElement(document);
    self->netdev = ferry_document_attribute(ferry_document_child(root, "source"), "dev");
    self->macvtap = ferry_document_attribute(ferry_document_child(root, "target"), "dev");
    link = ferry_document_attribute(ferry_document_child(root, "link"), "state");
    if (g_strcmp0(link, "down") == 0)
        self->link = FERRY_LINK_DOWN;
}

FerryHybridNic *
ferry_hybrid_nic_new(const FerryDomain *domain, const FerryHybridMeta *meta)
{
    FerryHybridNic *self = g_new0(FerryHybridNic, 1);
    const FerryDevice *virtio = ferry_domain_device(domain, meta->alias);
    const FerryDevice *vf = ferry_domain_device(domain, meta->vf_alias);

    self->meta = meta;
    self->link = FERRY_LINK_UP;
    if (is_interface(vf, "hostdev"))
        self->vf = vf;
    if (is_interface(virtio, NULL)) {
        self->virtio = virtio;
        read_virtio(self);
    }
    return self;
}

void
ferry_hybrid_nic_free(FerryHybridNic *self)
{
    if (self == NULL)
        return;
    g_free(self->netdev);
    g_free(self->macvtap);
    g_free(self);
}

const FerryHybridMeta *
ferry_hybrid_meta_of_vf(const FerryDomain *domain, const char *vf_alias)
{
    const GPtrArray *hybrids = domain->metadata->hybrids;

    for (guint i = 0; i < hybrids->len; i++) {
        const FerryHybridMeta *meta = g_ptr_array_index(hybrids, i);

        if (strcmp(meta->vf_alias, vf_alias) == 0)
            return meta;
    }
    return NULL;
}

/* @format with one %s, which is a user's text. */
static void
append(GString *text, const char *format, const char *value)
{
    g_auto(GStrv) around = g_strsplit(format, "%s", 2);
    g_autofree char *escaped = g_markup_escape_text(value, -1);

    g_string_append(text, around[0]);
    g_string_append(text, escaped);
    g_string_append(text, around[1]);
}

/* The ROM is left out: a target that has no VF yet would lack its memory block. */
char *
ferry_hybrid_vf_xml(const FerryHybridNic *nic, const FerryPool *pool, const char *vf)
{
    const FerryHybridMeta *meta = nic->meta;
    g_autoptr(GString) text = g_string_new("<interface type='hostdev' managed='yes'>\n");

    append(text, "  <mac address='%s'/>\n", nic->virtio->mac);
    if (pool->driver_model != NULL)
        append(text, "  <driver name='vfio' model='%s'/>\n", pool->driver_model);
    g_string_append(text, "  <source><address type='pci'");
    ferry_address_append(text, vf);
    g_string_append(text, "/></source>\n");
    if (pool->vlan != 0)
        g_string_append_printf(text, "  <vlan><tag id='%u'/></vlan>\n", pool->vlan);
    append(text, "  <teaming type='transient' persistent='%s'/>\n  <rom enabled='no'/>\n",
           meta->alias);
    append(text, "  <alias name='%s'/>\n  <address type='pci'", meta->vf_alias);
    ferry_address_append(text, meta->vf_address);
    g_string_append(text, "/>\n</interface>\n");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static xmlNode *
find_interface(const xmlDoc *document, const char *alias)
{
    xmlNode *root = xmlDocGetRootElement((xmlDoc *)document);
    xmlNode *devices = ferry_document_child(root, "devices");

    for (xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *name =
            ferry_document_attribute(ferry_document_child(node, "alias"), "name");

        if (ferry_document_is(node, "interface") && g_strcmp0(name, alias) == 0)
            return node;
    }
    return NULL;
}

bool
ferry_hybrid_xml_on(const char *xml,
                    const char *alias,
                    const char *netdev,
                    char **ret,
                    GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    xmlNode *node = NULL, *source = NULL;

    if (!ferry_document_parse(xml, FERRY_DOMAIN_MAX_BYTES, "domain XML", "domain", &document,
                              error))
        return false;
    node = find_interface(document, alias);
    source = ferry_document_child(node, "source");
    if (source == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "there is no <interface> with the alias %s and a <source>", alias);
        return false;
    }
    (void)xmlSetProp(node, (const xmlChar *)"type", (const xmlChar *)"direct");
    while (source->properties != NULL)
        (void)xmlRemoveProp(source->properties);
    (void)xmlSetProp(source, (const xmlChar *)"dev", (const xmlChar *)netdev);
    (void)xmlSetProp(source, (const xmlChar *)"mode", (const xmlChar *)"bridge");
    *ret = ferry_document_format(xmlDocGetRootElement(document));
    return true;
}
