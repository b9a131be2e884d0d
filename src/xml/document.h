#pragma once

#include <stdbool.h>

#include <libxml/tree.h>

#include <glib.h>

/**
 * Reads XML that nobody vouches for: no DOCTYPE (so no entities), nothing fetched, libxml2's own
 * limits on depth and names, and a limit on length.
 *
 * @what: for messages, "domain XML"
 * @root: name that the outermost element must have, in no namespace
 * @ret: (out) (transfer full): xmlFreeDoc, or g_autoptr(xmlDoc)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the line
 */
bool ferry_document_parse(const char *text,
                          size_t max_bytes,
                          const char *what,
                          const char *root,
                          xmlDoc **ret,
                          GError **error);

/** Returns: (transfer full): @node and all in it as text, as it was written */
char *ferry_document_format(const xmlNode *node);

/** Returns: (nullable) (transfer none): first child element of that name in no namespace; @parent
 * may be NULL */
xmlNode *ferry_document_child(const xmlNode *parent, const char *name);

/** Returns: (nullable) (transfer none): next element beside @node, whatever its name */
xmlNode *ferry_document_next(const xmlNode *node);

/** Returns: (nullable) (transfer none): first child element, whatever its name; @parent may be NULL
 */
xmlNode *ferry_document_first(const xmlNode *parent);

/** Returns: whether @node is an element of that name in no namespace */
bool ferry_document_is(const xmlNode *node, const char *name);

/** Returns: (nullable) (transfer full): an attribute in no namespace; @node may be NULL */
char *ferry_document_attribute(const xmlNode *node, const char *name);

/** Returns: (nullable) (transfer full): the element's text without space around it; @node may be
 * NULL */
char *ferry_document_text(const xmlNode *node);

/** Sets FERRY_ERROR_INVALID "line N, <element>: …" and returns false. */
bool ferry_document_refuse(GError **error, const xmlNode *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
