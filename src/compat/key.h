#pragma once

#include <stdbool.h>

#include <glib.h>

/** The decisive or inert facts of a description, in the canonical order of every report. */
typedef enum {
    FERRY_FACT_DEVICE_API,
    FERRY_FACT_CLASS,
    FERRY_FACT_MDEV_TYPE,
    FERRY_FACT_DEVICE_ID,
    FERRY_FACT_SIGNATURE,
    FERRY_FACT_DRIVER,
    FERRY_FACT_VERSION,
    FERRY_FACT_DRIVER_VERSION,
    FERRY_FACT_KERNEL,
    FERRY_FACT_FIRMWARE,
    FERRY_FACT_PARENT_ID,
    FERRY_N_FACTS
} FerryFactKey;

/** What a name stands for. */
typedef enum {
    FERRY_NAME_FACT,      /* one of FerryFactKey */
    FERRY_NAME_TABLE,     /* another key of a description: format, state, name ... */
    FERRY_NAME_ATTRIBUTE, /* a vendor's attribute */
    FERRY_NAME_BAD        /* none of these, device_type among them */
} FerryNameSort;

/** Returns: (transfer none): "device_api" and so on */
const char *ferry_fact_name(FerryFactKey fact);

/** Returns: the fact of that name, or FERRY_N_FACTS */
FerryFactKey ferry_fact_find(const char *name);

/** Returns: what @name is; attributes are [a-z][a-z0-9_]{0,63} and no name of the table */
FerryNameSort ferry_name_sort(const char *name);

/**
 * "device_type": the July 2020 thread replaced it by device_api, and a list that still says it
 * would be read as a vendor's attribute.
 */
bool ferry_name_is_replaced(const char *name);

/** Addresses and ids of one host, which never decide: pci_address, bdf, uuid. */
bool ferry_attribute_is_inert(const char *name);

/** Orders key names canonically: facts as in FerryFactKey, then all others bytewise. */
int ferry_key_compare(const char *a, const char *b);
