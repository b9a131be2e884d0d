#pragma once

#include <stddef.h>

#include <glib.h>

/** Where one element stands in a text; offsets in bytes. */
typedef struct {
    size_t begin;   /* of "<name" */
    size_t content; /* behind the start tag */
    size_t close;   /* of "</name>", or of the "/>" of an empty element */
    size_t end;     /* behind the element */
} FerrySpan;

/**
 * Where all elements begin and end.  libxml2 records it only through a field that is deprecated,
 * and sorts it by address.
 *
 * @text: well-formed and without DOCTYPE, as libxml2 has read it: little is to be known then
 *
 * Returns: (transfer full) (nullable): of FerrySpan, in the order of their start tags; NULL when
 *          tags do not match, which a text in another encoding than UTF-8 may look like
 */
GArray *ferry_scan_elements(const char *text);
