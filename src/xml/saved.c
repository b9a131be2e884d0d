#include "xml/saved.h"

#include "xml/document.h"
#include "xml/domain.h"

static bool
open_domain(const char *xml, xmlDoc **ret, GError **error)
{
    return ferry_document_parse(xml, FERRY_DOMAIN_MAX_BYTES, "domain XML", "domain", ret, error);
}

static xmlNode *
find(const xmlNode *metadata)
{
    for (xmlNode *node = ferry_document_first(metadata); node != NULL;
         node = ferry_document_next(node))
        if (node->ns != NULL && xmlStrEqual(node->ns->href, (const xmlChar *)FERRY_SAVED_NAMESPACE))
            return node;
    return NULL;
}

/* Returns: (nullable) (transfer full): the text of the first one; none of them stays */
static char *
take_all(const xmlNode *metadata)
{
    char *text = NULL;

    for (xmlNode *node = find(metadata); node != NULL; node = find(metadata)) {
        if (text == NULL)
            text = ferry_document_text(node);
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
    return text;
}

bool
ferry_saved_put(const char *xml, const char *text, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    xmlNode *root = NULL, *metadata = NULL, *node = NULL;

    if (!open_domain(xml, &document, error))
        return false;
    root = xmlDocGetRootElement(document);
    metadata = ferry_document_child(root, "metadata");
    if (metadata == NULL)
        metadata = xmlNewChild(root, NULL, (const xmlChar *)"metadata", NULL);
    g_free(take_all(metadata));
    /* xmlNewTextChild escapes, xmlNewChild would not. */
    node = xmlNewTextChild(metadata, NULL, (const xmlChar *)"guest", (const xmlChar *)text);
    xmlSetNs(node, xmlNewNs(node, (const xmlChar *)FERRY_SAVED_NAMESPACE,
                            (const xmlChar *)"ferry-saved"));
    *ret = ferry_document_format(root);
    return true;
}

bool
ferry_saved_take(const char *xml, char **ret_text, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    xmlNode *root = NULL;

    if (!open_domain(xml, &document, error))
        return false;
    root = xmlDocGetRootElement(document);
    *ret_text = take_all(ferry_document_child(root, "metadata"));
    *ret = ferry_document_format(root);
    return true;
}
