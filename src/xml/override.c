#include "xml/override.h"

#include "xml/document.h"
#include "xml/domain.h"

/* libvirt's namespace for what it passes to QEMU without understanding it. */
#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

static bool
is(const xmlNode *node, const char *name)
{
    return node->ns != NULL && xmlStrEqual(node->ns->href, (const xmlChar *)QEMU_NAMESPACE) &&
           xmlStrEqual(node->name, (const xmlChar *)name);
}

/* The first child of @parent (nullable) that is @name and has @key = @value. */
static xmlNode *
find(const xmlNode *parent, const char *name, const char *key, const char *value)
{
    for (xmlNode *node = ferry_document_first(parent); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *text = key == NULL ? NULL : ferry_document_attribute(node, key);

        if (is(node, name) && g_strcmp0(text, value) == 0)
            return node;
    }
    return NULL;
}

char *
ferry_override_find(const char *xml, const char *alias, const char *property)
{
    g_autoptr(xmlDoc) document = NULL;
    const xmlNode *node = NULL;

    if (!ferry_document_parse(xml, FERRY_DOMAIN_MAX_BYTES, "domain XML", "domain", &document, NULL))
        return NULL;
    node = find(xmlDocGetRootElement(document), "override", NULL, NULL);
    node = find(node, "device", "alias", alias);
    node = find(node, "frontend", NULL, NULL);
    return ferry_document_attribute(find(node, "property", "name", property), "value");
}
