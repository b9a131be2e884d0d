#include "vfio/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u

/* One bit at a time over a byte: for the portable form and for what the fast one leaves over. */
static uint32_t
byte_step(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; bit++)
        crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
    return crc;
}

uint32_t
ferry_crc32c_portable(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *in = data;
    uint32_t table[256];

    for (unsigned i = 0; i < 256; i++)
        table[i] = byte_step(0, (uint8_t)i);
    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = (crc >> 8) ^ table[(uint8_t)(crc ^ in[i])];
    return ~crc;
}

#if defined(__x86_64__)

/* The instruction takes 3 cycles but one can start each cycle: so three streams run side by side,
 * each of LANE bytes, and are joined by moving two sums over the bytes that follow them.  The move
 * is a multiplication by x^(8 LANE) in the field: a carry-less product, then the instruction again
 * as the reduction.  The constants are x^(8 LANE - 33) and x^(16 LANE - 33), bit-reversed; see
 * Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction" (2011). */
#define LANE     4096u
#define OVER_ONE 0x82f89c77u
#define OVER_TWO 0x54a86326u

__attribute__((target("sse4.2,pclmul"))) static uint32_t
move_over(uint32_t crc, uint32_t constant)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)constant), 0);

    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t
fast(uint32_t crc, const uint8_t *in, size_t size)
{
    uint64_t a = ~crc;

    for (; size >= 3 * LANE; size -= 3 * LANE, in += 3 * LANE) {
        uint64_t b = 0;
        uint64_t c = 0;

        for (unsigned i = 0; i < LANE; i += 8) {
            uint64_t words[3];

            memcpy(&words[0], in + i, 8);
            memcpy(&words[1], in + LANE + i, 8);
            memcpy(&words[2], in + 2 * LANE + i, 8);
            a = _mm_crc32_u64(a, words[0]);
            b = _mm_crc32_u64(b, words[1]);
            c = _mm_crc32_u64(c, words[2]);
        }
        a = move_over((uint32_t)a, OVER_TWO) ^ move_over((uint32_t)b, OVER_ONE) ^ (uint32_t)c;
    }
    for (; size >= 8; size -= 8, in += 8) {
        uint64_t word;

        memcpy(&word, in, 8);
        a = _mm_crc32_u64(a, word);
    }
    for (; size > 0; size--, in++)
        a = byte_step((uint32_t)a, *in);
    return ~(uint32_t)a;
}

uint32_t
ferry_crc32c(uint32_t crc, const void *data, size_t size)
{
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
        return fast(crc, data, size);
    return ferry_crc32c_portable(crc, data, size);
}

#else

uint32_t
ferry_crc32c(uint32_t crc, const void *data, size_t size)
{
    return ferry_crc32c_portable(crc, data, size);
}

#endif
