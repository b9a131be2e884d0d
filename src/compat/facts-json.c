/* How facts are written: as a description, and as the text whose digest names them. */
#include "compat/facts.h"

#include <string.h>

static void
put_value(json_t *object, const char *key, const FerryValue *value)
{
    json_object_set_new(object, key, ferry_value_to_json(value));
}

json_t *
ferry_facts_to_json(const FerryFacts *self)
{
    json_t *object = json_pack("{s:i}", "format", 1);
    json_t *attributes = NULL;

    for (unsigned fact = 0; fact < FERRY_N_FACTS; fact++) {
        if (self->facts[fact].kind != FERRY_KIND_NONE &&
            (fact != FERRY_FACT_CLASS || self->has_class))
            put_value(object, ferry_fact_name((FerryFactKey)fact), &self->facts[fact]);
    }
    if (self->migratable != FERRY_MIGRATABLE_NOT_STATED)
        json_object_set_new(object, "migratable",
                            json_boolean(self->migratable == FERRY_MIGRATABLE_YES));
    if (self->attributes == NULL)
        return object;

    attributes = json_object();
    for (size_t i = 0; i < self->n_attributes; i++)
        put_value(attributes, self->attributes[i].name, &self->attributes[i].value);
    json_object_set_new(object, "attributes", attributes);
    return object;
}

/* Inert facts differ between two devices that are alike, so they are left out. */
static json_t *
decisive_facts(const FerryFacts *self)
{
    json_t *object = json_object();
    json_t *attributes = json_object();

    for (unsigned fact = 0; fact < FERRY_N_FACTS; fact++) {
        const char *name = ferry_fact_name((FerryFactKey)fact);
        if (self->facts[fact].kind != FERRY_KIND_NONE && !ferry_facts_key_is_inert(self, name))
            put_value(object, name, &self->facts[fact]);
    }
    if (self->migratable != FERRY_MIGRATABLE_NOT_STATED)
        json_object_set_new(object, "migratable",
                            json_boolean(self->migratable == FERRY_MIGRATABLE_YES));
    for (size_t i = 0; i < self->n_attributes; i++) {
        if (!ferry_attribute_is_inert(self->attributes[i].name))
            put_value(attributes, self->attributes[i].name, &self->attributes[i].value);
    }
    json_object_set_new(object, "attributes", attributes);
    return object;
}

char *
ferry_facts_fingerprint(const FerryFacts *self)
{
    g_autoptr(json_t) facts = decisive_facts(self);
    g_autofree char *text = ferry_json_canonical(facts);

    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}
