#pragma once

#include "compat/notation.h"

/** A text document: what a device is, and which sources it accepts. */
typedef struct {
    FerryEntry *self;   /* literals only; NULL when there is no SELF body */
    GPtrArray *entries; /* of FerryEntry */
} FerryTextDocument;

/**
 * Reads [ "SELF:" body ] { "COMPATIBLE:" body }.
 *
 * @fault: (out): set when NULL comes back; offsets count from the start of the document
 *
 * Returns: (transfer full) (nullable): the document
 */
FerryTextDocument *
ferry_text_document_parse(const char *text, size_t size, FerryNotationFault *fault);
void ferry_text_document_free(FerryTextDocument *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryTextDocument, ferry_text_document_free)

/**
 * Writes a document; ferry_text_document_parse() reads it back.
 *
 * Returns: (transfer full) (nullable): NULL, with a reason, when an entry needs the JSON form
 */
char *ferry_text_document_format(const FerryTextDocument *self, const char **reason);
