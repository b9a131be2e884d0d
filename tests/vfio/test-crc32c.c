#include "vfio/crc32c.h"

#include <string.h>

#include <glib.h>

/* RFC 3720, appendix B.4. */
static void
test_known_sums(void)
{
    uint8_t bytes[32];

    memset(bytes, 0, sizeof bytes);
    g_assert_cmphex(ferry_crc32c(0, bytes, 32), ==, 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    g_assert_cmphex(ferry_crc32c(0, bytes, 32), ==, 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    g_assert_cmphex(ferry_crc32c(0, bytes, 32), ==, 0x46dd794e);
    g_assert_cmphex(ferry_crc32c(0, "123456789", 9), ==, 0xe3069283);
    g_assert_cmphex(ferry_crc32c(0, "", 0), ==, 0);
}

/* Each length around the borders of the fast path, at each alignment. */
static void
test_fast_equals_portable(void)
{
    static const size_t sizes[] = { 1,     7,     8,     9,     127,   128,   129,
                                    255,   256,   257,   383,   384,   391,   3071,
                                    3072,  3073,  4096,  7167,  7168,  7169,  12287,
                                    12288, 12289, 14335, 14336, 14337, 24583, 100000 };
    g_autofree uint8_t *bytes = g_malloc(100016);

    for (unsigned i = 0; i < 100016; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (unsigned shift = 0; shift < 9; shift++)
            for (unsigned form = 0; form < 2; form++)
                g_assert_cmphex((form == 0 ? ferry_crc32c
                                           : ferry_crc32c_streams)(0x1234, bytes + shift, sizes[s]),
                                ==, ferry_crc32c_portable(0x1234, bytes + shift, sizes[s]));
}

static void
test_in_pieces(void)
{
    g_autofree uint8_t *bytes = g_malloc(50000);

    for (unsigned i = 0; i < 50000; i++)
        bytes[i] = (uint8_t)(i * 31);
    g_assert_cmphex(ferry_crc32c(ferry_crc32c(0, bytes, 33333), bytes + 33333, 50000 - 33333), ==,
                    ferry_crc32c(0, bytes, 50000));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crc32c/known-sums", test_known_sums);
    g_test_add_func("/crc32c/fast-equals-portable", test_fast_equals_portable);
    g_test_add_func("/crc32c/in-pieces", test_in_pieces);
    return g_test_run();
}
