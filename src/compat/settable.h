#pragma once

#include "compat/json.h"
#include "compat/value.h"

#define FERRY_SETTABLE_VALUES_MAX 256

/** When a value can be chosen. */
typedef enum {
    FERRY_PHASE_CREATE, /* only as the device is made */
    FERRY_PHASE_ANY     /* on a living instance too */
} FerrySettablePhase;

/** One value, or a range of whole numbers or of minor versions of one major, ends included. */
typedef struct {
    FerryValue low; /* the value itself when there is no range */
    bool is_range;
    FerryValue high;
} FerryDomainItem;

/** The values one key of a target can be given. */
typedef struct {
    char *key;
    FerrySettablePhase phase;
    GArray *items; /* of FerryDomainItem */
} FerrySettable;

void ferry_settable_free(FerrySettable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySettable, ferry_settable_free)

/**
 * Reads one member of "settable".
 *
 * Returns: (transfer full) (nullable): NULL with @fault set, key "settable"
 */
FerrySettable *ferry_settable_from_json(const char *key, const json_t *json, FerryFault **fault);

/** Whether @value is one of the item's. */
bool ferry_domain_item_has(const FerryDomainItem *item, const FerryValue *value);

/** Whether exactly @value can be set: sets as sets, versions by major and minor. */
bool ferry_settable_has(const FerrySettable *self, const FerryValue *value);

/**
 * Chooses what to set so that @wanted loads: the value itself; for a set the superset with fewest
 * elements, ties by the sorted elements; for a version its major and minor.
 *
 * Returns: false, @ret untouched, when nothing in the domain would do
 */
bool ferry_settable_choose(const FerrySettable *self, const FerryValue *wanted, FerryValue *ret);
