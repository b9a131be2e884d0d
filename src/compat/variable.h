#pragma once

#include "compat/value.h"

#define FERRY_VARIABLES_MAX     8
#define FERRY_VARIABLE_NAME_MAX 32
#define FERRY_EXPANSIONS_MAX    4096

typedef enum {
    FERRY_VARIABLE_INT,
    FERRY_VARIABLE_STRING,
    FERRY_VARIABLE_VERSION,
    FERRY_VARIABLE_SET, /* in JSON form only */
    FERRY_N_VARIABLE_TYPES
} FerryVariableType;

/** One item as written: a value, or a range with both its ends. */
typedef struct {
    FerryValue low;
    FerryValue high; /* the same as @low when no range was written */
    bool is_range;
} FerryVariableItem;

/**
 * A variable of a list entry.  Items are judged as they are added; the values are made by
 * ferry_variable_expand(), after the count was found to be within its limit.
 */
typedef struct {
    char *name;
    FerryVariableType type;
    GArray *items;   /* of FerryVariableItem, as written */
    uint64_t count;  /* of values: computed, not built */
    GArray *values;  /* of FerryValue, in order; NULL before expansion */
    char **texts;    /* of each value; NULL at the end */
    uint16_t *order; /* indexes of @texts, sorted bytewise, for ferry_variable_find() */
} FerryVariable;

FerryVariable *ferry_variable_new(const char *name, FerryVariableType type);
void ferry_variable_free(FerryVariable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryVariable, ferry_variable_free)

/** Returns: (transfer none): "int" and so on */
const char *ferry_variable_type_name(FerryVariableType type);

/** Returns: FERRY_N_VARIABLE_TYPES when there is none of that name */
FerryVariableType ferry_variable_type_find(const char *name);

/** [a-z][a-z0-9_]*, at most FERRY_VARIABLE_NAME_MAX bytes */
bool ferry_variable_name_is_valid(const char *name);

/** What adding an item can answer. */
typedef enum {
    FERRY_ITEM_OK,
    FERRY_ITEM_BAD,
    FERRY_ITEM_BAD_RANGE, /* descending, or over two majors */
    FERRY_ITEM_DUPLICATE, /* it repeats or overlaps an earlier one */
    FERRY_ITEM_OUT_OF_RANGE
} FerryItemStatus;

/** Adds "4", "1..8", "1.2" or "0.2..0.4"; for a string variable the text itself. */
FerryItemStatus ferry_variable_add_text(FerryVariable *self, const char *text);

/** Adds a value that was read already: a set. */
FerryItemStatus ferry_variable_add_value(FerryVariable *self, const FerryValue *value);

/** Builds values, texts and their order.  @count must be at most FERRY_EXPANSIONS_MAX. */
void ferry_variable_expand(FerryVariable *self);

/** Returns: the index of the value whose text is exactly those @size bytes, or SIZE_MAX */
size_t ferry_variable_find(const FerryVariable *self, const char *text, size_t size);

/** Returns: the i-th value */
const FerryValue *ferry_variable_value(const FerryVariable *self, size_t i);
