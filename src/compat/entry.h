#pragma once

#include <stdint.h>

#include "compat/variable.h"

#define FERRY_ENTRY_TERMS_MAX     64
#define FERRY_LIST_ENTRIES_MAX    64
#define FERRY_LIST_EXPANSIONS_MAX 16384

/** What one line of an entry asks of its key. */
typedef enum {
    FERRY_TERM_ANY,      /* accepts anything, absence too */
    FERRY_TERM_ABSENT,   /* the source must lack it */
    FERRY_TERM_LITERAL,  /* one value */
    FERRY_TERM_QUANTITY, /* an int variable, times @mul, divided by @div */
    FERRY_TERM_TEMPLATE  /* text and variables in a row */
} FerryTermSort;

/** A part of a template: @text, or a variable when @text is NULL. */
typedef struct {
    char *text;
    unsigned variable;
} FerryPiece;

/** One line: a key, and what it is compared with, or (directive) what the target is made with. */
typedef struct {
    char *key;
    bool is_directive; /* set:KEY= */
    bool splits;       /* a lone string variable whose items with "+" are sets (text form) */
    FerryTermSort sort;
    FerryValue literal;
    int32_t mul;
    int32_t div;
    GArray *pieces;     /* of FerryPiece; a quantity has one */
    unsigned variables; /* bit i: variable i is used */
    FerryValue *values; /* of each combination of its variables, for keys that compare by a rule */
    size_t n_values;
} FerryTerm;

/**
 * One entry of a target's list: every assignment of its variables is one alternative.  Variables
 * are enumerated with the first slowest.  Immutable once ferry_entry_finish() was called.
 */
typedef struct {
    GPtrArray *variables; /* of FerryVariable, in order of enumeration */
    GPtrArray *terms;     /* of FerryTerm, as written */
    GPtrArray *by_key;    /* the same, in canonical order of keys, matches before directives */
    uint64_t count;       /* of assignments */
} FerryEntry;

FerryEntry *ferry_entry_new(void);
void ferry_entry_free(FerryEntry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryEntry, ferry_entry_free)

FerryTerm *ferry_term_new(const char *key);
void ferry_term_free(FerryTerm *term);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryTerm, ferry_term_free)

/** Adds text (any bytes; NULL for a variable) to a template. */
void ferry_term_add_piece(FerryTerm *term, const char *text, size_t size, unsigned variable);

/**
 * Judges the term's value under every combination of its variables, and keeps the values where
 * comparing needs them.
 */
FerryValueStatus ferry_term_finish(const FerryEntry *entry, FerryTerm *term);

/** Orders the terms by key; to be called once, when the last was added. */
void ferry_entry_finish(FerryEntry *self);

/** Returns: (nullable): the term of that key */
const FerryTerm *ferry_entry_find(const FerryEntry *self, const char *key);

/** Whether the entry says anything of @key, as a match or as a directive. */
bool ferry_entry_mentions(const FerryEntry *self, const char *key);

/** How many assignments lie between two values of variable @i. */
size_t ferry_entry_stride(const FerryEntry *self, unsigned i);

/** Sets @digits, one per variable, to those of assignment @index. */
void ferry_entry_digits(const FerryEntry *self, size_t index, size_t *digits);

/** Moves @digits to the next combination of the term's own variables; false after the last. */
bool ferry_term_next(const FerryEntry *entry, const FerryTerm *term, size_t *digits);

/** Returns: the place of @digits among the term's combinations */
size_t ferry_term_place(const FerryEntry *entry, const FerryTerm *term, const size_t *digits);

/**
 * The term's value under one assignment.
 *
 * @ret: (out) (transfer full): untouched unless FERRY_VALUE_OK comes back
 */
FerryValueStatus ferry_term_value(const FerryEntry *entry,
                                  const FerryTerm *term,
                                  const size_t *digits,
                                  FerryValue *ret);

/** Returns: (transfer full): the canonical text of that value, "*" for any, "!" for absent */
char *ferry_term_value_text(const FerryEntry *entry, const FerryTerm *term, const size_t *digits);
