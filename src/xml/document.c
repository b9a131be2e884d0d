#include "xml/document.h"

#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)

/*
 * libxml2 2.9 wants to be initialized before a second thread uses it (xmlInitParser in its parser.c
 * looks at a flag without a lock), and libvirt's client uses it in a thread of ours.
 */
__attribute__((constructor)) static void
initialize_parser(void)
{
    xmlInitParser();
}

/*
 * XML_PARSE_NONET only forbids the network: a DOCTYPE could still name local files and hold
 * entities that grow when they are expanded.  libvirt writes none, so the parser stops at the first
 * one.
 */
static void
stop_at_doctype(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    xmlParserCtxt *parser = data;

    (void)name;
    (void)external;
    (void)system;
    parser->_private = parser; /* any address: says that this was the reason */
    xmlStopParser(parser);
}

static bool
refuse_malformed(GError **error, const char *what, const xmlParserCtxt *parser)
{
    const xmlError *last = &parser->lastError;
    g_autofree char *message = g_strdup(last->message != NULL ? last->message : "not well-formed");

    if (parser->_private != NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "%s has a DOCTYPE: take it out, ferry reads no document type", what);
        return false;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s is not XML: line %d: %s", what,
                last->line, g_strstrip(message));
    return false;
}

bool
ferry_document_parse(const char *text,
                     size_t max_bytes,
                     const char *what,
                     const char *root,
                     xmlDoc **ret,
                     GError **error)
{
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                        XML_PARSE_NOCDATA | XML_PARSE_COMPACT | XML_PARSE_BIG_LINES;
    g_autoptr(xmlParserCtxt) parser = NULL;
    g_autoptr(xmlDoc) document = NULL;
    const size_t n_bytes = strlen(text);

    if (n_bytes > max_bytes) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "%s is longer than %zu bytes, the most that ferry reads", what, max_bytes);
        return false;
    }
    parser = xmlNewParserCtxt();
    parser->sax->internalSubset = stop_at_doctype;
    document = xmlCtxtReadMemory(parser, text, (int)n_bytes, NULL, NULL, options);
    if (document == NULL || !parser->wellFormed || parser->_private != NULL)
        return refuse_malformed(error, what, parser);
    if (!ferry_document_is(xmlDocGetRootElement(document), root)) {
        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_INVALID,
            "%s is not what it should be: line %ld: the outermost element is <%s> and not <%s>",
            what, xmlGetLineNo(xmlDocGetRootElement(document)),
            (const char *)xmlDocGetRootElement(document)->name, root);
        return false;
    }
    *ret = g_steal_pointer(&document);
    return true;
}

char *
ferry_document_format(const xmlNode *node)
{
    xmlBuffer *buffer = xmlBufferCreate();
    char *text = NULL;

    (void)xmlNodeDump(buffer, node->doc, (xmlNode *)node, 0, 0);
    text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

static xmlNode *
element_from(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

xmlNode *
ferry_document_next(const xmlNode *node)
{
    return element_from(node->next);
}

xmlNode *
ferry_document_first(const xmlNode *parent)
{
    return parent != NULL ? element_from(parent->children) : NULL;
}

bool
ferry_document_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns == NULL &&
           xmlStrEqual(node->name, (const xmlChar *)name);
}

xmlNode *
ferry_document_child(const xmlNode *parent, const char *name)
{
    xmlNode *node = ferry_document_first(parent);

    while (node != NULL && !ferry_document_is(node, name))
        node = ferry_document_next(node);
    return node;
}

/* libxml2's own allocator need not be GLib's. */
static char *
take(xmlChar *text)
{
    char *copy = g_strdup((const char *)text);

    xmlFree(text);
    return copy;
}

char *
ferry_document_attribute(const xmlNode *node, const char *name)
{
    return node != NULL ? take(xmlGetNoNsProp(node, (const xmlChar *)name)) : NULL;
}

char *
ferry_document_text(const xmlNode *node)
{
    char *text = node != NULL ? take(xmlNodeGetContent(node)) : NULL;

    return text != NULL ? g_strstrip(text) : NULL;
}

bool
ferry_document_refuse(GError **error, const xmlNode *node, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_INVALID, "line %ld, <%s%s%s>: %s", xmlGetLineNo(node),
        node->ns != NULL && node->ns->prefix != NULL ? (const char *)node->ns->prefix : "",
        node->ns != NULL && node->ns->prefix != NULL ? ":" : "", (const char *)node->name, why);
    return false;
}
