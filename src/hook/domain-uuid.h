#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Length of a UUID as text, without the 0 byte. */
#define HOOK_UUID_LENGTH 36

/**
 * Finds the guest's UUID in a domain XML: the text of the first <uuid> that is a child of the
 * outermost element.  Comments, CDATA, processing instructions and quoted attribute values are
 * stepped over, so that nothing written in a name, a description or another program's metadata can
 * pass for it.
 *
 * @ret: (out): the UUID in lower case, untouched when there is none
 *
 * Returns: false for what is no such XML
 */
bool hook_find_uuid(const char *xml, char ret[static HOOK_UUID_LENGTH + 1]);
