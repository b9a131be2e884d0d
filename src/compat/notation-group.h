#pragma once

#include "compat/notation.h"

/** Where the reading of one body stands.  One reader per body, on the stack of its caller. */
typedef struct {
    const char *text;
    size_t at;  /* the next byte to read */
    size_t end; /* of the line, blanks after it left out */
    FerryEntry *entry;
    FerryBodySort sort;
    uint64_t budget; /* how many assignments the entry may have */
    FerryNotationFault *fault;
} FerryNotationReader;

/** Notes the fault; returns false. */
bool ferry_notation_fail(FerryNotationReader *self, FerryNotationCode code, size_t offset);

/** Reads the group whose "{" is next, and adds it to @term; a definition joins the entry. */
bool ferry_notation_read_group(FerryNotationReader *self, FerryTerm *term);
