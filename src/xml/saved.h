#pragma once

#include <stdbool.h>

#include <glib.h>

/** The namespace of what ferry writes into the <metadata> of a guest that is saved in a file; its
 * number is its version. */
#define FERRY_SAVED_NAMESPACE "urn:ferry:saved:1"

/**
 * Domain XML with a text of ferry's in its metadata, for who will restore it.
 *
 * @text: anything that XML can hold; an earlier one is replaced
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when @xml is not a domain
 */
bool ferry_saved_put(const char *xml, const char *text, char **ret, GError **error);

/**
 * The inverse: the text, and the domain XML without it.
 *
 * @ret_text: (out) (nullable) (transfer full): NULL when there is none: not saved by ferry
 * @ret: (out) (transfer full)
 */
bool ferry_saved_take(const char *xml, char **ret_text, char **ret, GError **error);
