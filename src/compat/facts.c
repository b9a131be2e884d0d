#include "compat/facts.h"

#include <stdlib.h>
#include <string.h>

FerryFacts *
ferry_facts_new_malformed(FerryFault *fault)
{
    FerryFacts *self = g_new0(FerryFacts, 1);

    self->fault = fault;
    self->available = -1;
    return self;
}

void
ferry_facts_free(FerryFacts *self)
{
    if (self == NULL)
        return;
    for (unsigned fact = 0; fact < FERRY_N_FACTS; fact++)
        ferry_value_clear(&self->facts[fact]);
    for (size_t i = 0; i < self->n_attributes; i++) {
        g_free(self->attributes[i].name);
        ferry_value_clear(&self->attributes[i].value);
    }
    g_free(self->attributes);
    g_clear_pointer(&self->settable, g_ptr_array_unref);
    g_clear_pointer(&self->list, g_ptr_array_unref);
    g_free(self->name);
    ferry_fault_free(self->fault);
    g_free(self);
}

/* Settable values and list entries never change, so a copy shares them. */
FerryFacts *
ferry_facts_copy(const FerryFacts *self)
{
    FerryFacts *copy = g_new0(FerryFacts, 1);

    *copy = *self;
    for (unsigned fact = 0; fact < FERRY_N_FACTS; fact++)
        copy->facts[fact] = ferry_value_copy(&self->facts[fact]);
    copy->attributes = g_new0(FerryAttribute, self->n_attributes + 1);
    for (size_t i = 0; i < self->n_attributes; i++)
        copy->attributes[i] = (FerryAttribute){ g_strdup(self->attributes[i].name),
                                                ferry_value_copy(&self->attributes[i].value) };
    if (self->settable != NULL)
        g_ptr_array_ref(self->settable);
    if (self->list != NULL)
        g_ptr_array_ref(self->list);
    copy->name = g_strdup(self->name);
    if (self->fault != NULL)
        copy->fault = ferry_fault_new(self->fault->key, "%s", self->fault->reason);
    return copy;
}

const FerryValue *
ferry_facts_fact(const FerryFacts *self, FerryFactKey fact)
{
    return self->facts[fact].kind != FERRY_KIND_NONE ? &self->facts[fact] : NULL;
}

const FerryValue *
ferry_facts_find(const FerryFacts *self, const char *key)
{
    FerryFactKey fact = ferry_fact_find(key);
    size_t low = 0;
    size_t high = self->n_attributes;

    if (fact != FERRY_N_FACTS)
        return ferry_facts_fact(self, fact);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(self->attributes[middle].name, key);

        if (order == 0)
            return &self->attributes[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const FerrySettable *
ferry_facts_find_settable(const FerryFacts *self, const char *key)
{
    for (guint i = 0; self->settable != NULL && i < self->settable->len; i++) {
        const FerrySettable *settable = self->settable->pdata[i];
        if (strcmp(settable->key, key) == 0)
            return settable->phase == FERRY_PHASE_ANY || self->is_type ? settable : NULL;
    }
    return NULL;
}

const char *
ferry_facts_class(const FerryFacts *self)
{
    const FerryValue *class = &self->facts[FERRY_FACT_CLASS];

    return class->kind == FERRY_KIND_STRING ? class->string : "";
}

bool
ferry_facts_key_is_inert(const FerryFacts *self, const char *key)
{
    if (strcmp(key, "parent_id") == 0 || ferry_attribute_is_inert(key))
        return true;
    return strcmp(key, "device_id") == 0 && strcmp(ferry_facts_class(self), "mdev") == 0;
}

void
ferry_facts_derive_class(FerryFacts *self)
{
    const FerryValue *api = &self->facts[FERRY_FACT_DEVICE_API];
    FerryValue *class = &self->facts[FERRY_FACT_CLASS];

    if (class->kind != FERRY_KIND_NONE)
        return;
    if (self->facts[FERRY_FACT_MDEV_TYPE].kind != FERRY_KIND_NONE)
        *class = ferry_value_of_string("mdev");
    else if (api->kind == FERRY_KIND_STRING && strcmp(api->string, "vfio-pci") == 0 &&
             self->facts[FERRY_FACT_DEVICE_ID].kind != FERRY_KIND_NONE)
        *class = ferry_value_of_string("pci");
}

static int
compare_attributes(const void *a, const void *b)
{
    return strcmp(((const FerryAttribute *)a)->name, ((const FerryAttribute *)b)->name);
}

void
ferry_facts_sort(FerryFacts *self)
{
    if (self->n_attributes > 1)
        qsort(self->attributes, self->n_attributes, sizeof(FerryAttribute), compare_attributes);
}

void
ferry_facts_set(FerryFacts *self, const char *key, const FerryValue *value)
{
    FerryValue *there = (FerryValue *)ferry_facts_find(self, key);
    FerryFactKey fact = ferry_fact_find(key);

    if (fact != FERRY_N_FACTS)
        there = &self->facts[fact];
    if (there != NULL) {
        ferry_value_clear(there);
        *there = ferry_value_copy(value);
        ferry_facts_derive_class(self);
        return;
    }
    self->attributes = g_renew(FerryAttribute, self->attributes, self->n_attributes + 1);
    self->attributes[self->n_attributes++] =
        (FerryAttribute){ g_strdup(key), ferry_value_copy(value) };
    ferry_facts_sort(self);
}
