/* libFuzzer target: any bytes as a list's notation, in both forms.  What is written for it must be
 * read again, and a fault must lie within the text. */
#include <string.h>

#include "compat/conversion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Counts are the cheap half of the meaning; the other half is compared in test-properties.c. */
static void
check_again(const FerryConversion *first, const char *text)
{
    FerryNotationFault fault = { FERRY_NOTATION_BAD_FORM, 0 };
    g_autoptr(FerryConversion) again = ferry_conversion_new(text, strlen(text), &fault);

    g_assert_nonnull(again);
    g_assert_cmpuint(again->document->entries->len, ==, first->document->entries->len);
    for (guint i = 0; i < first->document->entries->len; i++) {
        const FerryEntry *left = first->document->entries->pdata[i];
        const FerryEntry *right = again->document->entries->pdata[i];
        g_assert_cmpuint(left->count, ==, right->count);
        g_assert_cmpuint(left->terms->len, ==, right->terms->len);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FerryNotationFault fault = { FERRY_N_NOTATION_CODES, SIZE_MAX };
    g_autoptr(FerryConversion) conversion = ferry_conversion_new((const char *)data, size, &fault);

    if (conversion == NULL) {
        g_assert_cmpuint(fault.code, <, FERRY_N_NOTATION_CODES);
        g_assert_cmpuint(fault.offset, <=, size);
        return 0;
    }
    if (conversion->text != NULL && !ferry_conversion_is_json((const char *)data, size))
        check_again(conversion, conversion->text);
    if (conversion->json != NULL) {
        g_autofree char *json = ferry_json_canonical(conversion->json);
        if (strlen(json) <= 65536)
            check_again(conversion, json);
    }
    return 0;
}
