#pragma once

#include <stdbool.h>

#include <libxml/tree.h>

#include <glib.h>

/**
 * A host's PCI address as an <address> element writes it: decimal or 0x-hex, both in one document;
 * a missing domain is 0.  "08" is refused: libvirt reads a leading 0 as octal, a person does not.
 *
 * @node: the element with the attributes domain, bus, slot, function
 * @ret: (out) (transfer full): the kernel's form, "0000:03:10.2"
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element
 */
bool ferry_address_parse(const xmlNode *node, char **ret, GError **error);

/** Appends " domain='0x0000' bus=…" and so on for the kernel's form of an address to @text. */
void ferry_address_append(GString *text, const char *address);
