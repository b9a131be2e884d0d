/* libFuzzer target: any bytes as a guest that is to be defined.  What is accepted is settled: done
 * again, nothing changes and nothing is said to have changed. */
#include "convert-fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out = NULL;

    if (ferry_convert_domain(text, fixture_host(), &out, &notes, NULL))
        fixture_assert_settled(out);
    return 0;
}
