#include "compat/vector-notation.h"

#include <string.h>

#include "compat/conversion.h"
#include "compat/document.h"
#include "compat/entry-json.h"

static char *
expected_fault(const json_t *expect, const FerryNotationFault *fault)
{
    const char *code = json_string_value(json_object_get(expect, "error"));
    const json_t *offset = json_object_get(expect, "offset");

    if (g_strcmp0(code, ferry_notation_code_name(fault->code)) != 0 ||
        (offset != NULL && json_integer_value(offset) != (json_int_t)fault->offset))
        return g_strdup_printf("it is refused with %s at byte %zu",
                               ferry_notation_code_name(fault->code), fault->offset);
    return NULL;
}

static char *
expected_assignment(const json_t *expect, const char *which, const FerryEntry *entry, size_t index)
{
    const json_t *wanted = json_object_get(expect, which);
    g_autoptr(json_t) came = ferry_conversion_assignment(entry, index);
    g_autofree char *text = NULL;

    if (wanted == NULL || json_equal(wanted, came))
        return NULL;
    text = ferry_json_canonical(came);
    return g_strdup_printf("its %s assignment is %s", which, text);
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All assignments, sorted: what an entry means, whatever the order of its variables. */
static GPtrArray *
meaning_of(const FerryEntry *entry)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; i < entry->count; i++) {
        g_autoptr(json_t) assignment = ferry_conversion_assignment(entry, i);
        g_ptr_array_add(texts, ferry_json_canonical(assignment));
    }
    g_ptr_array_sort(texts, compare_texts);
    return texts;
}

static bool
mean_the_same(const FerryEntry *a, const FerryEntry *b)
{
    g_autoptr(GPtrArray) left = meaning_of(a);
    g_autoptr(GPtrArray) right = meaning_of(b);

    if (left->len != right->len)
        return false;
    for (guint i = 0; i < left->len; i++) {
        if (strcmp(left->pdata[i], right->pdata[i]) != 0)
            return false;
    }
    return true;
}

/* Text that was written must be read back as the same, and be written alike again. */
static char *
check_round_trip(const FerryEntry *entry)
{
    const char *reason = NULL;
    FerryNotationFault fault = { FERRY_NOTATION_BAD_FORM, 0 };
    g_autofree char *text = ferry_notation_format(entry, &reason);
    g_autoptr(FerryEntry) again = NULL;
    g_autofree char *text_again = NULL;

    if (text == NULL)
        return NULL; /* only the JSON form can say it */
    again = ferry_notation_parse(text, strlen(text), &fault);
    if (again == NULL)
        return g_strdup_printf("what is written for it is refused with %s at byte %zu",
                               ferry_notation_code_name(fault.code), fault.offset);
    text_again = ferry_notation_format(again, &reason);
    if (g_strcmp0(text, text_again) != 0 || !mean_the_same(entry, again))
        return g_strdup("what is written for it means something else");
    return NULL;
}

static char *
check_json_form(const FerryEntry *entry, const json_t *equals)
{
    const char *reason = NULL;
    FerryNotationCode code = FERRY_NOTATION_BAD_FORM;
    g_autoptr(json_t) json = ferry_entry_to_json(entry, &reason);
    g_autoptr(FerryEntry) again = NULL;
    g_autoptr(FerryEntry) other = NULL;

    if (json != NULL)
        again = ferry_entry_from_json(json, FERRY_EXPANSIONS_MAX, &code);
    if (json != NULL && (again == NULL || !mean_the_same(entry, again)))
        return g_strdup_printf("its JSON form means something else (%s)",
                               ferry_notation_code_name(code));
    if (equals == NULL)
        return NULL;
    other = ferry_entry_from_json(equals, FERRY_EXPANSIONS_MAX, &code);
    if (other == NULL)
        return g_strdup_printf("what it equals is refused with %s", ferry_notation_code_name(code));
    return mean_the_same(entry, other) ? NULL : g_strdup("what it equals means something else");
}

static char *
check_entry(const FerryEntry *entry, const json_t *vector, const json_t *expect)
{
    const json_t *count = json_object_get(expect, "count");
    char *failure = NULL;

    if (json_object_get(expect, "error") != NULL)
        return g_strdup_printf("it is read, as %" G_GUINT64_FORMAT " assignments", entry->count);
    if (count != NULL && json_integer_value(count) != (json_int_t)entry->count)
        return g_strdup_printf("it has %" G_GUINT64_FORMAT " assignments", entry->count);
    failure = expected_assignment(expect, "first", entry, 0);
    if (failure == NULL)
        failure = expected_assignment(expect, "last", entry, (size_t)entry->count - 1);
    if (failure == NULL)
        failure = check_round_trip(entry);
    if (failure == NULL)
        failure = check_json_form(entry, json_object_get(vector, "equals"));
    return failure;
}

static char *
run_entry(const json_t *vector, const json_t *json, const json_t *expect)
{
    FerryNotationFault fault = { FERRY_NOTATION_BAD_FORM, 0 };
    g_autoptr(FerryEntry) entry = NULL;

    if (json_is_string(json))
        entry = ferry_notation_parse(json_string_value(json), json_string_length(json), &fault);
    else
        entry = ferry_entry_from_json(json, FERRY_EXPANSIONS_MAX, &fault.code);
    return entry != NULL ? check_entry(entry, vector, expect) : expected_fault(expect, &fault);
}

static char *
check_counts(const FerryTextDocument *document, const json_t *counts)
{
    if (json_array_size(counts) != document->entries->len)
        return g_strdup_printf("it has %u entries", document->entries->len);
    for (guint i = 0; i < document->entries->len; i++) {
        const FerryEntry *entry = document->entries->pdata[i];
        if (json_integer_value(json_array_get(counts, i)) != (json_int_t)entry->count)
            return g_strdup_printf("entry %u has %" G_GUINT64_FORMAT " assignments", i,
                                   entry->count);
    }
    return NULL;
}

static char *
run_document(const json_t *json, const json_t *expect)
{
    FerryNotationFault fault = { FERRY_NOTATION_BAD_FORM, 0 };
    g_autoptr(FerryTextDocument) document =
        ferry_text_document_parse(json_string_value(json), json_string_length(json), &fault);
    const json_t *self = json_object_get(expect, "self");
    const json_t *counts = json_object_get(expect, "counts");
    g_autoptr(json_t) came = NULL;
    g_autofree char *text = NULL;

    if (document == NULL)
        return expected_fault(expect, &fault);
    if (json_object_get(expect, "error") != NULL)
        return g_strdup("it is read");
    came = document->self != NULL ? ferry_conversion_assignment(document->self, 0) : json_null();
    if (self != NULL && !json_equal(self, came)) {
        text = ferry_json_canonical(came);
        return g_strdup_printf("its SELF is %s", text);
    }
    return counts != NULL ? check_counts(document, counts) : NULL;
}

char *
ferry_vector_run_notation(const json_t *vector)
{
    const json_t *document = json_object_get(vector, "document");
    const json_t *entry = json_object_get(vector, "entry");
    const json_t *expect = json_object_get(vector, "expect");

    if (json_is_string(document))
        return run_document(document, expect);
    if (entry != NULL)
        return run_entry(vector, entry, expect);
    return g_strdup("it has neither an entry nor a document");
}
