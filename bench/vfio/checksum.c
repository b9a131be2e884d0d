/* Which checksum: ours, and the one that is said to be the fastest, as its own header compiles for
 * this processor's vectors.  Both of bytes in the cache, as the pump's are: it sums a chunk in
 * pieces, each as soon as it has come. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <glib.h>

#include "bench.h"
#include "vfio/crc32c.h"
#include "vfio/stream.h"

double
bench_crc32c(const Bench *bench)
{
    size_t piece = MIN(bench->chunk, FERRY_STREAM_PIECE);
    g_autofree uint8_t *buf = g_malloc0(piece);
    double start = bench_now();

    for (uint64_t done = 0; done < bench->total; done += piece) {
        uint32_t sum = ferry_crc32c(0, buf, piece);

        __asm__ volatile("" : : "r"(sum) : "memory");
    }
    return bench_now() - start;
}

double
bench_xxh3(const Bench *bench)
{
    size_t piece = MIN(bench->chunk, FERRY_STREAM_PIECE);
    g_autofree uint8_t *buf = g_malloc0(piece);
    double start = bench_now();

    for (uint64_t done = 0; done < bench->total; done += piece) {
        uint64_t sum = XXH3_64bits(buf, piece);

        __asm__ volatile("" : : "r"(sum) : "memory");
    }
    return bench_now() - start;
}
