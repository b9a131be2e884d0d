#include "vfio/crc32c.h"

#include <string.h>

#include <glib.h>

#if defined(__x86_64__)
#include <immintrin.h>
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

/* Both fast forms work on the sum's own state (the sum, inverted) and leave an end that is shorter
 * than their block to this. */
__attribute__((target("sse4.2"))) static uint64_t
add_words(uint64_t state, const uint8_t *in, size_t size)
{
    for (; size >= 8; size -= 8, in += 8) {
        uint64_t word;

        memcpy(&word, in, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; size > 0; size--, in++)
        state = byte_step((uint32_t)state, *in);
    return state;
}

/* The instruction takes 3 cycles but one can start each cycle: so three streams run side by side,
 * each of LANE bytes, and are joined by moving two sums over the bytes that follow them.  The move
 * is a multiplication by x^(8 LANE) in the field: a carry-less product, then the instruction again
 * as the reduction.  The constants are x^(8 n LANE - 33) for 1, 2 and 3 lanes, bit-reversed; see
 * Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction" (2011). */
#define LANE       1024u
#define OVER_ONE   0x170076fau
#define OVER_TWO   0xa51b6135u
#define OVER_THREE 0x359674f7u

__attribute__((target("sse4.2,pclmul"))) static uint32_t
move_over(uint32_t crc, uint32_t constant)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)constant), 0);

    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

typedef struct {
    uint64_t first;
    uint64_t second;
    uint64_t third;
} Lanes;

__attribute__((target("sse4.2"))) static inline void
add_lanes(Lanes *lanes, const uint8_t *in)
{
    uint64_t words[3];

    memcpy(&words[0], in, 8);
    memcpy(&words[1], in + LANE, 8);
    memcpy(&words[2], in + 2 * LANE, 8);
    lanes->first = _mm_crc32_u64(lanes->first, words[0]);
    lanes->second = _mm_crc32_u64(lanes->second, words[1]);
    lanes->third = _mm_crc32_u64(lanes->third, words[2]);
}

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t
join_lanes(const Lanes *lanes)
{
    return move_over((uint32_t)lanes->first, OVER_TWO) ^
           move_over((uint32_t)lanes->second, OVER_ONE) ^ (uint32_t)lanes->third;
}

__attribute__((target("sse4.2,pclmul"))) static uint64_t
three_streams(uint64_t state, const uint8_t *in, size_t size)
{
    for (; size >= 3 * LANE; size -= 3 * LANE, in += 3 * LANE) {
        Lanes lanes = { .first = state };

        for (unsigned i = 0; i < LANE; i += 8)
            add_lanes(&lanes, in + i);
        state = join_lanes(&lanes);
    }
    return add_words(state, in, size);
}

/* Where the carry-less product works on two pairs at once: a block of 1024 bits is multiplied by
 * x^1024 and added to the next, so that only the last one is left to be summed.  The constants are
 * x^(1024 + 32) and x^(1024 - 32), bit-reversed and shifted by one; see Gopal et al., "Fast CRC
 * Computation for Generic Polynomials Using PCLMULQDQ Instruction" (2009). */
#define BLOCK     128u
#define FOLD_LOW  0x06992cea2ll
#define FOLD_HIGH 0x00d3b6092ll

#define FOLDING __attribute__((target("sse4.2,avx2,pclmul,vpclmulqdq")))

FOLDING static inline __m256i
load(const uint8_t *in)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)in);
}

FOLDING static inline __m256i
fold(__m256i part, const uint8_t *in)
{
    const __m256i by = _mm256_set_epi64x(FOLD_HIGH, FOLD_LOW, FOLD_HIGH, FOLD_LOW);
    __m256i low = _mm256_clmulepi64_epi128(part, by, 0x00);
    __m256i high = _mm256_clmulepi64_epi128(part, by, 0x11);

    return _mm256_xor_si256(load(in), _mm256_xor_si256(low, high));
}

/* What was folded so far: one block. */
typedef struct {
    __m256i a;
    __m256i b;
    __m256i c;
    __m256i d;
} Folded;

FOLDING static inline Folded
fold_begin(uint64_t state, const uint8_t *in)
{
    return (Folded){ _mm256_xor_si256(load(in), _mm256_set_epi64x(0, 0, 0, (int64_t)state)),
                     load(in + 32), load(in + 64), load(in + 96) };
}

FOLDING static inline void
fold_block(Folded *self, const uint8_t *in)
{
    self->a = fold(self->a, in);
    self->b = fold(self->b, in + 32);
    self->c = fold(self->c, in + 64);
    self->d = fold(self->d, in + 96);
}

FOLDING static inline uint64_t
fold_end(const Folded *self)
{
    return add_words(0, (const uint8_t *)self, sizeof *self);
}

FOLDING static uint64_t
folded(uint64_t state, const uint8_t *in, size_t size)
{
    if (size < 2 * (size_t)BLOCK)
        return add_words(state, in, size);

    Folded block = fold_begin(state, in);
    for (in += BLOCK, size -= BLOCK; size >= BLOCK; in += BLOCK, size -= BLOCK)
        fold_block(&block, in);
    return add_words(fold_end(&block), in, size);
}

/* Both ways keep different units of the processor busy, so they run side by side: of each stretch
 * the first bytes are folded while three lanes behind them are summed word by word. */
#define FOLDS   32u /* blocks; 32 bytes of each lane go with one */
#define STRETCH ((size_t)FOLDS * BLOCK + 3 * LANE)

FOLDING static uint64_t
side_by_side(uint64_t state, const uint8_t *in, size_t size)
{
    for (; size >= STRETCH; size -= STRETCH, in += STRETCH) {
        const uint8_t *behind = in + (size_t)FOLDS * BLOCK;
        Folded block = fold_begin(state, in);
        Lanes lanes = { 0 };

        for (unsigned i = 0; i < FOLDS; i++) {
            add_lanes(&lanes, behind);
            add_lanes(&lanes, behind + 8);
            add_lanes(&lanes, behind + 16);
            add_lanes(&lanes, behind + 24);
            behind += LANE / FOLDS;
            if (i + 1 < FOLDS)
                fold_block(&block, in + (size_t)(i + 1) * BLOCK);
        }
        state = move_over((uint32_t)fold_end(&block), OVER_THREE) ^ join_lanes(&lanes);
    }
    return folded(state, in, size);
}

uint32_t
ferry_crc32c(uint32_t crc, const void *data, size_t size)
{
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("pclmul"))
        return ferry_crc32c_portable(crc, data, size);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq"))
        return ~(uint32_t)side_by_side((uint32_t)~crc, data, size);
    return ferry_crc32c_streams(crc, data, size);
}

uint32_t
ferry_crc32c_streams(uint32_t crc, const void *data, size_t size)
{
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("pclmul"))
        return ferry_crc32c_portable(crc, data, size);
    return ~(uint32_t)three_streams((uint32_t)~crc, data, size);
}

#else

uint32_t
ferry_crc32c(uint32_t crc, const void *data, size_t size)
{
    return ferry_crc32c_portable(crc, data, size);
}

uint32_t
ferry_crc32c_streams(uint32_t crc, const void *data, size_t size)
{
    return ferry_crc32c_portable(crc, data, size);
}

#endif
