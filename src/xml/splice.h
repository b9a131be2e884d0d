#pragma once

#include <stdbool.h>

#include <libxml/tree.h>

#include <glib.h>

/**
 * Changes to an XML text that leave every other byte of it as its author wrote it: comments,
 * quotes, CDATA, indentation, other people's namespaces.  libxml2's own serializer keeps the
 * meaning of these and not their look.
 *
 * The tree says which element is meant, the text is what is changed; the tree stays as it was read,
 * so that a later step still sees what the author wrote.  One thread uses it.
 *
 *     text:   … <hostdev managed='yes' type='mdev'> … </hostdev> …
 *               ^begin                            ^content ^close  ^end     of that element
 */
typedef struct _FerrySplice FerrySplice;

/**
 * @text: outlives @self
 * @document: the tree of @text, outlives @self; its nodes' _private is used from now on
 *
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_INVALID when text and tree are not of
 *          one document, as with a declared encoding that it is not in
 */
FerrySplice *ferry_splice_new(const char *text, xmlDoc *document, GError **error);

void ferry_splice_free(FerrySplice *self);

/**
 * Sets an attribute that is in no namespace, at most once for each element and name.
 *
 * @value: (nullable): NULL takes it away; one that is not there is a success
 */
void ferry_splice_set(FerrySplice *self, const xmlNode *node, const char *name, const char *value);

/** Takes an element out, with the line that it stood on when it was alone there. */
void ferry_splice_remove(FerrySplice *self, const xmlNode *node);

/**
 * Adds XML behind the last child of @parent, in the order of the calls, on lines of its own when
 * the parent's children have such.
 *
 * @xml: line ends in it get the indentation of that place
 */
void ferry_splice_append(FerrySplice *self, const xmlNode *parent, const char *xml);

/** Adds XML behind an element, beside it. */
void ferry_splice_insert_after(FerrySplice *self, const xmlNode *node, const char *xml);

/** Returns: (transfer full): the text with all changes */
char *ferry_splice_finish(FerrySplice *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySplice, ferry_splice_free)
