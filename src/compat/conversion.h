#pragma once

#include "compat/document.h"
#include "compat/json.h"

/**
 * Both forms of what a user gave: an entry, or a document (in JSON a description).
 *
 * In JSON form a document is a description: the facts of SELF, and "compatible" with its entries.
 */
typedef struct {
    FerryTextDocument *document; /* of an entry: that entry alone */
    json_t *json;                /* NULL when the JSON form cannot say it */
    char *text;                  /* NULL when the text notation cannot say it */
    const char *reason;          /* why one of them is NULL */
} FerryConversion;

/**
 * Reads either form: what begins with "{" is JSON; text is a document when it has a header line.
 *
 * @fault: (out): set when NULL comes back
 *
 * Returns: (transfer full) (nullable)
 */
FerryConversion *ferry_conversion_new(const char *text, size_t size, FerryNotationFault *fault);
void ferry_conversion_free(FerryConversion *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryConversion, ferry_conversion_free)

/** Whether @text is read as JSON. */
bool ferry_conversion_is_json(const char *text, size_t size);

/**
 * The values of one assignment as canonical texts: {"aggregator":"1/2","set:slices":"4"}.
 *
 * Returns: (transfer full)
 */
json_t *ferry_conversion_assignment(const FerryEntry *entry, size_t index);
