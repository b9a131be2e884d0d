#include "compat/key.h"

#include <string.h>

#define ATTRIBUTE_NAME_MAX 64

static const char *const fact_names[] = {
    [FERRY_FACT_DEVICE_API] = "device_api", [FERRY_FACT_CLASS] = "class",
    [FERRY_FACT_MDEV_TYPE] = "mdev_type",   [FERRY_FACT_DEVICE_ID] = "device_id",
    [FERRY_FACT_SIGNATURE] = "signature",   [FERRY_FACT_DRIVER] = "driver",
    [FERRY_FACT_VERSION] = "version",       [FERRY_FACT_DRIVER_VERSION] = "driver_version",
    [FERRY_FACT_KERNEL] = "kernel",         [FERRY_FACT_FIRMWARE] = "firmware",
    [FERRY_FACT_PARENT_ID] = "parent_id",
};
G_STATIC_ASSERT(G_N_ELEMENTS(fact_names) == FERRY_N_FACTS);

static const char *const table_names[] = { "format",     "migratable", "state",
                                           "available",  "settable",   "attributes",
                                           "compatible", "name",       "info" };

static const char *const inert_names[] = { "pci_address", "bdf", "uuid" };

static bool
is_one_of(const char *name, const char *const *names, size_t n_names)
{
    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

const char *
ferry_fact_name(FerryFactKey fact)
{
    g_assert(fact < FERRY_N_FACTS);
    return fact_names[fact];
}

FerryFactKey
ferry_fact_find(const char *name)
{
    for (unsigned fact = 0; fact < FERRY_N_FACTS; fact++) {
        if (strcmp(name, fact_names[fact]) == 0)
            return (FerryFactKey)fact;
    }
    return FERRY_N_FACTS;
}

static bool
has_form_of_name(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > ATTRIBUTE_NAME_MAX || !g_ascii_islower(name[0]))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

FerryNameSort
ferry_name_sort(const char *name)
{
    if (!has_form_of_name(name) || ferry_name_is_replaced(name))
        return FERRY_NAME_BAD;
    if (ferry_fact_find(name) != FERRY_N_FACTS)
        return FERRY_NAME_FACT;
    if (is_one_of(name, table_names, G_N_ELEMENTS(table_names)))
        return FERRY_NAME_TABLE;
    return FERRY_NAME_ATTRIBUTE;
}

bool
ferry_name_is_replaced(const char *name)
{
    return strcmp(name, "device_type") == 0;
}

bool
ferry_attribute_is_inert(const char *name)
{
    return is_one_of(name, inert_names, G_N_ELEMENTS(inert_names));
}

int
ferry_key_compare(const char *a, const char *b)
{
    FerryFactKey fact_a = ferry_fact_find(a);
    FerryFactKey fact_b = ferry_fact_find(b);

    if (fact_a != fact_b)
        return (fact_a > fact_b) - (fact_a < fact_b);
    return strcmp(a, b);
}
