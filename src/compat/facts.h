#pragma once

#include "compat/entry.h"
#include "compat/settable.h"

#define FERRY_DESCRIPTION_BYTES_MAX 65536
#define FERRY_ATTRIBUTES_MAX        64

/** One vendor attribute. */
typedef struct {
    char *name;
    FerryValue value;
} FerryAttribute;

/** Whether a device can be migrated at all, as its driver said. */
typedef enum {
    FERRY_MIGRATABLE_NOT_STATED,
    FERRY_MIGRATABLE_YES,
    FERRY_MIGRATABLE_NO
} FerryMigratable;

/**
 * What is known of one device: a description, read and judged.
 *
 * Immutable once parsed, so any number of threads may read it at once.  A description that is
 * malformed or of a newer format is one too: the check has an answer for it, and it is not an
 * error.  Fields are for reading.
 *
 *   description --parse--> FerryFacts { facts[], attributes[], settable[], list[] }
 */
typedef struct {
    FerryFault *fault;               /* set when malformed: nothing else is then */
    bool is_newer_format;            /* nothing else is then set */
    bool has_class;                  /* the class was written, not derived */
    FerryValue facts[FERRY_N_FACTS]; /* by FerryFactKey; the class is here when derived, too */
    FerryAttribute *attributes;      /* sorted bytewise by name */
    size_t n_attributes;
    FerryMigratable migratable;
    bool is_type;        /* not created yet */
    int64_t available;   /* free instances; -1 when not stated */
    GPtrArray *settable; /* of FerrySettable; NULL when there is none */
    GPtrArray *list;     /* of FerryEntry; NULL when the key is absent */
    char *name;          /* label, NULL when absent; "never read" by the check */
} FerryFacts;

/**
 * Reads a description.
 *
 * @text: JSON, @size bytes, need not end in 0
 *
 * Returns: (transfer full): never NULL; look at ->fault for whether it is malformed
 */
FerryFacts *ferry_facts_parse(const char *text, size_t size);

/** Reads a description that is JSON already; its size and depth are the caller's to judge. */
FerryFacts *ferry_facts_from_json(const json_t *json);

/** Makes a malformed description out of what went wrong before there was text. */
FerryFacts *ferry_facts_new_malformed(FerryFault *fault);

FerryFacts *ferry_facts_copy(const FerryFacts *self);
void ferry_facts_free(FerryFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryFacts, ferry_facts_free)

/** Returns: (transfer none) (nullable): a fact's or attribute's value, NULL when not stated */
const FerryValue *ferry_facts_find(const FerryFacts *self, const char *key);

/** Returns: (transfer none) (nullable): the value of a fact, NULL when not stated */
const FerryValue *ferry_facts_fact(const FerryFacts *self, FerryFactKey fact);

/** Returns: (transfer none) (nullable): what @key can be set to now: phase and state allow it */
const FerrySettable *ferry_facts_find_settable(const FerryFacts *self, const char *key);

/** Sets a fact or attribute of a copy that nobody else reads yet; derives the class again. */
void ferry_facts_set(FerryFacts *self, const char *key, const FerryValue *value);

/** Orders the attributes of facts being made. */
void ferry_facts_sort(FerryFacts *self);

/** Derives a missing class: an mdev type makes an mdev, vfio-pci with a device id a function. */
void ferry_facts_derive_class(FerryFacts *self);

/** The class written or derived, for comparison: "mdev", "pci", "other" or "" when undetermined. */
const char *ferry_facts_class(const FerryFacts *self);

/** Whether @key never decides for this device: parent_id, addresses, device_id of an mdev. */
bool ferry_facts_key_is_inert(const FerryFacts *self, const char *key);

/**
 * The facts as a description: no state, list or labels.
 *
 * Returns: (transfer full): the new JSON object
 */
json_t *ferry_facts_to_json(const FerryFacts *self);

/**
 * SHA-256 over the canonical JSON of all facts that are not inert, identity facts included: what
 * an observation is recorded for.
 *
 * Returns: (transfer full): 64 hex digits
 */
char *ferry_facts_fingerprint(const FerryFacts *self);
