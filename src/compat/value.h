#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "compat/fraction.h"
#include "compat/key.h"
#include "compat/version.h"

#define FERRY_STRING_MAX    256
#define FERRY_ELEMENT_MAX   64
#define FERRY_SET_MAX       64
#define FERRY_MDEV_TYPE_MAX 128

typedef enum {
    FERRY_KIND_NONE, /* the fact is not stated */
    FERRY_KIND_QUANTITY,
    FERRY_KIND_SET,
    FERRY_KIND_STRING,
    FERRY_KIND_FLAG,
    FERRY_KIND_VERSION
} FerryKind;

/** One fact's value.  Owns its text; ferry_value_clear() ends it.  Immutable once made. */
typedef struct {
    FerryKind kind;
    union {
        FerryFraction quantity;
        char **set; /* sorted bytewise, each element once, NULL at the end */
        char *string;
        bool flag;
        FerryVersion version;
    };
} FerryValue;

void ferry_value_clear(FerryValue *value);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryValue, ferry_value_clear)

FerryValue ferry_value_copy(const FerryValue *value);
FerryValue ferry_value_of_string(const char *text);
FerryValue ferry_value_of_flag(const char *text); /* "true", or anything else for false */
FerryValue ferry_value_of_quantity(FerryFraction quantity);
FerryValue ferry_value_of_version(FerryVersion version);

/** Why a value cannot be read; the texts are for the reports. */
typedef enum {
    FERRY_VALUE_OK,
    FERRY_VALUE_BAD,         /* wrong kind, form or bytes */
    FERRY_VALUE_TOO_LONG,    /* a string above its limit */
    FERRY_VALUE_OUT_OF_RANGE /* a number beyond FERRY_NUMBER_MAX */
} FerryValueStatus;

/** What separates the elements of a set in text: "none+ppgtt". */
#define FERRY_SET_SEPARATOR "+"

/**
 * Reads the text of a fact, or of a built-in attribute (aggregator, pv_mode), by its own rule;
 * any other attribute becomes a string.  @ret is untouched unless FERRY_VALUE_OK comes back.
 */
FerryValueStatus ferry_value_parse(const char *key, const char *text, FerryValue *ret);

/** Reads a fact's or attribute's value as JSON; numbers with a fraction part are refused. */
FerryValueStatus ferry_value_from_json(const char *key, const json_t *json, FerryValue *ret);

/** Makes a set of @elements, in any order and with repetitions. */
FerryValueStatus ferry_value_make_set(const char *const *elements, size_t n, FerryValue *ret);

/** Whether the key's values have a rule of their own: all facts, aggregator and pv_mode. */
bool ferry_key_has_own_rule(const char *key);

/** Returns: (transfer full): the new reference of the canonical JSON value */
json_t *ferry_value_to_json(const FerryValue *value);

/** Returns: (transfer full): canonical text: 2, 1/2, none+ppgtt, true, 0.2.1, or the string */
char *ferry_value_format(const FerryValue *value);

/** Whether two kinds can be compared; a string counts as a set of one element. */
bool ferry_kinds_meet(FerryKind a, FerryKind b);

/** Exact equality, sets as sets, a string against a set as a set of one.  Versions by number. */
bool ferry_value_equal(const FerryValue *a, const FerryValue *b);

/** Whether all of @a is in @b, both sets or strings. */
bool ferry_value_is_subset(const FerryValue *a, const FerryValue *b);

/** As an entry or condition means it: equal, but a version without bugfix accepts any. */
bool ferry_value_matches(const FerryValue *wanted, const FerryValue *value);

/** The number of elements of a set; 1 for a string. */
size_t ferry_value_n_elements(const FerryValue *value);

/** Returns: (transfer none): element @i of a set, or the string itself */
const char *ferry_value_element(const FerryValue *value, size_t i);
