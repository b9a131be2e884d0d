#pragma once

#include "compat/entry.h"

#define FERRY_ENTRY_TEXT_MAX    4096
#define FERRY_DOCUMENT_TEXT_MAX 65536

/** Why an entry cannot be read.  The names are stable: tests and vendors' tools match on them. */
typedef enum {
    FERRY_NOTATION_BAD_CHAR,
    FERRY_NOTATION_BAD_EXPR,
    FERRY_NOTATION_BAD_FORM, /* JSON form only: not an object of vars, match and set */
    FERRY_NOTATION_BAD_GROUP,
    FERRY_NOTATION_BAD_HEADER,
    FERRY_NOTATION_BAD_ITEM,
    FERRY_NOTATION_BAD_KEY,
    FERRY_NOTATION_BAD_LITERAL,
    FERRY_NOTATION_BAD_QUOTE,
    FERRY_NOTATION_BAD_RANGE,
    FERRY_NOTATION_BAD_TYPE,
    FERRY_NOTATION_BAD_VALUE,
    FERRY_NOTATION_DUPLICATE_ITEM,
    FERRY_NOTATION_DUPLICATE_KEY,
    FERRY_NOTATION_DUPLICATE_VARIABLE,
    FERRY_NOTATION_EMPTY_ENTRY,
    FERRY_NOTATION_EMPTY_VALUE,
    FERRY_NOTATION_NO_EQUALS,
    FERRY_NOTATION_NOT_PLAIN,
    FERRY_NOTATION_NUMBER_RANGE,
    FERRY_NOTATION_RESERVED_KEY,
    FERRY_NOTATION_TOO_LONG,
    FERRY_NOTATION_TOO_MANY_ENTRIES,
    FERRY_NOTATION_TOO_MANY_EXPANSIONS,
    FERRY_NOTATION_TOO_MANY_KEYS,
    FERRY_NOTATION_TOO_MANY_VARIABLES,
    FERRY_NOTATION_UNDEFINED_VARIABLE,
    FERRY_NOTATION_ZERO_DIVISOR,
    FERRY_N_NOTATION_CODES
} FerryNotationCode;

/** Where reading stopped: a byte offset into the text; always 0 for the JSON form. */
typedef struct {
    FerryNotationCode code;
    size_t offset;
} FerryNotationFault;

/** Returns: (transfer none): "bad-key" and so on */
const char *ferry_notation_code_name(FerryNotationCode code);

/** The fault that a value's or an item's status stands for; the status is not OK. */
FerryNotationCode ferry_notation_code_of_value(FerryValueStatus status);
FerryNotationCode ferry_notation_code_of_item(FerryItemStatus status);

/**
 * Whether @key may stand in an entry: facts and attributes; in a directive attributes and version.
 *
 * @fault: (out): BAD_KEY or RESERVED_KEY when false comes back
 */
bool
ferry_notation_key_is_allowed(const char *key, const FerryTerm *term, FerryNotationCode *fault);

/**
 * Reads one entry in text notation.
 *
 * @fault: (out): set when NULL comes back
 *
 * Returns: (transfer full) (nullable): the entry
 */
FerryEntry *ferry_notation_parse(const char *text, size_t size, FerryNotationFault *fault);

/**
 * Writes an entry as text, one line a term, variables defined where they are first used.
 *
 * Returns: (transfer full) (nullable): NULL, with a reason, for what only the JSON form can say:
 *          strings with '"', '\' or an unwanted '+', unused variables, variables of sets
 */
char *ferry_notation_format(const FerryEntry *entry, const char **reason);

/** What reading a body gets from its surroundings. */
typedef enum {
    FERRY_BODY_ENTRY, /* variables, "*", "!" and "set:" are allowed */
    FERRY_BODY_PLAIN  /* the SELF body: plain values only */
} FerryBodySort;

/**
 * Reads the lines of @text from byte @start to @end as one body, whose bytes were judged already.
 *
 * @header: the offset to report for a body without lines, and for a list above its limit
 * @budget: how many assignments are left of the list's limit
 */
FerryEntry *ferry_notation_parse_body(const char *text,
                                      size_t start,
                                      size_t end,
                                      FerryBodySort sort,
                                      uint64_t budget,
                                      size_t header,
                                      FerryNotationFault *fault);

/** Returns: the offset of the first byte that is not printable ASCII, LF or TAB, or SIZE_MAX */
size_t ferry_notation_find_bad_char(const char *text, size_t size);
