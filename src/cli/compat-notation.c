/* "ferry compat notation": a list's text notation and its JSON form, each turned into the other. */
#include "cli/compat-input.h"

#include "base/error.h"
#include "compat/conversion.h"

/* The place of a byte as editors count it. */
static void
find_place(const char *text, size_t offset, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && text[i] != '\0'; i++) {
        *column = text[i] == '\n' ? 1 : *column + 1;
        *line += text[i] == '\n';
    }
}

static int
print_fault(const FerryArguments *arguments,
            const char *text,
            size_t size,
            const FerryNotationFault *fault)
{
    const char *code = ferry_notation_code_name(fault->code);
    bool is_text = !ferry_conversion_is_json(text, size);
    size_t line = 1;
    size_t column = 1;

    find_place(text, fault->offset, &line, &column);
    if (ferry_arguments_given(arguments, "json")) {
        g_autoptr(json_t) document = json_pack("{s:s}", "error", code);
        if (is_text)
            json_object_set_new(document, "offset", json_integer((json_int_t)fault->offset));
        ferry_table_print_json(stdout, document);
    }
    if (is_text)
        fprintf(stderr, "%s: %s at byte %zu (line %zu, column %zu)\n",
                ferry_arguments_word(arguments, 0), code, fault->offset, line, column);
    else
        fprintf(stderr, "%s: %s\n", ferry_arguments_word(arguments, 0), code);
    return FERRY_EXIT_USAGE;
}

/* What --json tells besides the forms: how much each entry stands for. */
static json_t *
describe(const FerryConversion *conversion)
{
    const FerryTextDocument *document = conversion->document;
    json_t *object = json_object();
    json_t *entries = json_array();

    if (document->self != NULL)
        json_object_set_new(object, "self", ferry_conversion_assignment(document->self, 0));
    for (guint i = 0; i < document->entries->len; i++) {
        const FerryEntry *entry = document->entries->pdata[i];
        json_array_append_new(
            entries, json_pack("{s:I,s:o,s:o}", "count", (json_int_t)entry->count, "first",
                               ferry_conversion_assignment(entry, 0), "last",
                               ferry_conversion_assignment(entry, (size_t)entry->count - 1)));
    }
    json_object_set_new(object, "entries", entries);
    json_object_set_new(object, "text",
                        conversion->text != NULL ? json_string(conversion->text) : json_null());
    json_object_set_new(object, "json",
                        conversion->json != NULL ? json_incref(conversion->json) : json_null());
    if (conversion->reason != NULL)
        json_object_set_new(object, "reason", json_string(conversion->reason));
    return object;
}

static int
print_other_form(const FerryArguments *arguments, const FerryConversion *conversion, size_t is_json)
{
    if (conversion->reason != NULL) {
        fprintf(stderr, "%s: it cannot be written in the other form: %s\n",
                ferry_arguments_word(arguments, 0), conversion->reason);
        return FERRY_EXIT_NO;
    }
    if (is_json != 0)
        printf("%s", conversion->text);
    else
        ferry_table_print_json(stdout, conversion->json);
    return FERRY_EXIT_DONE;
}

int
ferry_compat_notation(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryConversion) conversion = NULL;
    g_autoptr(json_t) document = NULL;
    g_autofree char *text = NULL;
    FerryNotationFault fault = { FERRY_NOTATION_BAD_FORM, 0 };
    size_t size = 0;

    if (!ferry_compat_read(ferry_arguments_word(arguments, 0), FERRY_COMPAT_INPUT_MAX, &text, &size,
                           &error))
        return ferry_command_fail(error);
    conversion = ferry_conversion_new(text, size, &fault);
    if (conversion == NULL)
        return print_fault(arguments, text, size, &fault);
    if (!ferry_arguments_given(arguments, "json"))
        return print_other_form(arguments, conversion, ferry_conversion_is_json(text, size));
    document = describe(conversion);
    ferry_table_print_json(stdout, document);
    return FERRY_EXIT_DONE;
}
