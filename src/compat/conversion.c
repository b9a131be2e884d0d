#include "compat/conversion.h"

#include <string.h>

#include "compat/entry-json.h"
#include "compat/facts.h"

static FerryTextDocument *
new_document(void)
{
    FerryTextDocument *document = g_new0(FerryTextDocument, 1);

    document->entries = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_entry_free);
    return document;
}

void
ferry_conversion_free(FerryConversion *self)
{
    if (self == NULL)
        return;
    ferry_text_document_free(self->document);
    g_clear_pointer(&self->json, json_decref);
    g_free(self->text);
    g_free(self);
}

json_t *
ferry_conversion_assignment(const FerryEntry *entry, size_t index)
{
    json_t *object = json_object();
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };

    ferry_entry_digits(entry, index, digits);
    for (guint i = 0; i < entry->terms->len; i++) {
        const FerryTerm *term = entry->terms->pdata[i];
        g_autofree char *key = g_strconcat(term->is_directive ? "set:" : "", term->key, NULL);
        g_autofree char *text = ferry_term_value_text(entry, term, digits);

        json_object_set_new(object, key, json_string(text));
    }
    return object;
}

bool
ferry_conversion_is_json(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL)
            return text[i] == '{';
    }
    return false;
}

static bool
has_header(const char *text, size_t size)
{
    g_autofree char *copy = g_strndup(text, size);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

    for (size_t i = 0; lines[i] != NULL; i++) {
        const char *line = g_strstrip(lines[i]);
        if (strcmp(line, "SELF:") == 0 || strcmp(line, "COMPATIBLE:") == 0)
            return true;
    }
    return false;
}

/* SELF's lines as a description's facts and attributes. */
static json_t *
self_to_json(const FerryEntry *self)
{
    json_t *object = json_pack("{s:i}", "format", 1);

    for (guint i = 0; i < self->terms->len; i++) {
        const FerryTerm *term = self->terms->pdata[i];
        json_t *place = object;

        if (ferry_fact_find(term->key) == FERRY_N_FACTS) {
            if (json_object_get(object, "attributes") == NULL)
                json_object_set_new(object, "attributes", json_object());
            place = json_object_get(object, "attributes");
        }
        json_object_set_new(place, term->key, ferry_value_to_json(&term->literal));
    }
    return object;
}

static json_t *
document_to_json(const FerryTextDocument *document, const char **reason)
{
    g_autoptr(json_t) json = document->self != NULL ? self_to_json(document->self) : json_object();
    json_t *entries = json_array();

    json_object_set_new(json, "compatible", entries);
    for (guint i = 0; i < document->entries->len; i++) {
        json_t *entry = ferry_entry_to_json(document->entries->pdata[i], reason);
        if (entry == NULL)
            return NULL;
        json_array_append_new(entries, entry);
    }
    return g_steal_pointer(&json);
}

static void
add_literal(FerryEntry *self, const char *key, const FerryValue *value)
{
    FerryTerm *term = ferry_term_new(key);

    term->sort = FERRY_TERM_LITERAL;
    term->literal = ferry_value_copy(value);
    g_ptr_array_add(self->terms, term);
}

static FerryEntry *
self_of_facts(const FerryFacts *facts)
{
    FerryEntry *self = ferry_entry_new();

    for (unsigned fact = 0; fact < FERRY_N_FACTS; fact++) {
        if (facts->facts[fact].kind != FERRY_KIND_NONE &&
            (fact != FERRY_FACT_CLASS || facts->has_class))
            add_literal(self, ferry_fact_name((FerryFactKey)fact), &facts->facts[fact]);
    }
    for (size_t i = 0; i < facts->n_attributes; i++)
        add_literal(self, facts->attributes[i].name, &facts->attributes[i].value);
    ferry_entry_finish(self);
    return self;
}

/* {"compatible":[...]} alone is a list without the device it belongs to. */
static FerryTextDocument *
document_of_json(const json_t *json, FerryNotationFault *fault)
{
    g_autoptr(json_t) whole = json_copy((json_t *)json);
    g_autoptr(FerryFacts) facts = NULL;
    g_autoptr(FerryTextDocument) document = new_document();
    g_autofree char *text = NULL;

    if (json_object_get(json, "format") == NULL)
        json_object_set_new(whole, "format", json_integer(1));
    text = ferry_json_canonical(whole);
    facts = ferry_facts_parse(text, strlen(text));
    *fault = (FerryNotationFault){ FERRY_NOTATION_BAD_FORM, 0 };
    if (facts->fault != NULL || facts->is_newer_format)
        return NULL;
    if (json_object_get(json, "format") != NULL)
        document->self = self_of_facts(facts);
    if (facts->list != NULL) {
        g_ptr_array_unref(document->entries);
        document->entries = g_ptr_array_ref(facts->list);
    }
    return g_steal_pointer(&document);
}

static FerryTextDocument *
document_of_entry(FerryEntry *entry)
{
    FerryTextDocument *document = NULL;

    if (entry == NULL)
        return NULL;
    document = new_document();
    g_ptr_array_add(document->entries, entry);
    return document;
}

static bool
is_document(const json_t *json)
{
    return json_object_get(json, "format") != NULL || json_object_get(json, "compatible") != NULL;
}

static FerryConversion *
convert_json(const char *text, size_t size, FerryNotationFault *fault)
{
    g_autoptr(FerryConversion) self = g_new0(FerryConversion, 1);
    FerryFault *json_fault = NULL;
    g_autoptr(json_t) json = ferry_json_read(text, size, FERRY_DESCRIPTION_BYTES_MAX, &json_fault);

    ferry_fault_free(json_fault);
    *fault = (FerryNotationFault){ FERRY_NOTATION_BAD_FORM, 0 };
    if (json == NULL)
        return NULL;
    if (is_document(json))
        self->document = document_of_json(json, fault);
    else
        self->document =
            document_of_entry(ferry_entry_from_json(json, FERRY_EXPANSIONS_MAX, &fault->code));
    if (self->document == NULL)
        return NULL;
    self->json = json_incref(json);
    self->text = is_document(json)
                     ? ferry_text_document_format(self->document, &self->reason)
                     : ferry_notation_format(self->document->entries->pdata[0], &self->reason);
    return g_steal_pointer(&self);
}

static FerryConversion *
convert_text(const char *text, size_t size, FerryNotationFault *fault)
{
    g_autoptr(FerryConversion) self = g_new0(FerryConversion, 1);

    if (!has_header(text, size)) {
        self->document = document_of_entry(ferry_notation_parse(text, size, fault));
        if (self->document == NULL)
            return NULL;
        self->json = ferry_entry_to_json(self->document->entries->pdata[0], &self->reason);
    } else {
        self->document = ferry_text_document_parse(text, size, fault);
        if (self->document == NULL)
            return NULL;
        self->json = document_to_json(self->document, &self->reason);
    }
    self->text = g_strndup(text, size);
    return g_steal_pointer(&self);
}

FerryConversion *
ferry_conversion_new(const char *text, size_t size, FerryNotationFault *fault)
{
    return ferry_conversion_is_json(text, size) ? convert_json(text, size, fault)
                                                : convert_text(text, size, fault);
}
