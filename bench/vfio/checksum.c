/* Which checksum: ours, and the one that is said to be the fastest, as its own header compiles for
 * this processor's vectors.  SHA-256 is for scale. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <glib.h>

#include "bench.h"
#include "vfio/crc32c.h"

double
bench_crc32c(const Bench *bench)
{
    g_autofree uint8_t *buf = g_malloc0(bench->chunk);
    double start = bench_now();

    for (uint64_t done = 0; done < bench->total; done += bench->chunk) {
        uint32_t sum = ferry_crc32c(0, buf, bench->chunk);

        __asm__ volatile("" : : "r"(sum) : "memory");
    }
    return bench_now() - start;
}

double
bench_xxh3(const Bench *bench)
{
    g_autofree uint8_t *buf = g_malloc0(bench->chunk);
    double start = bench_now();

    for (uint64_t done = 0; done < bench->total; done += bench->chunk) {
        uint64_t sum = XXH3_64bits(buf, bench->chunk);

        __asm__ volatile("" : : "r"(sum) : "memory");
    }
    return bench_now() - start;
}

double
bench_sha256(const Bench *bench)
{
    g_autofree uint8_t *buf = g_malloc0(bench->chunk);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    double start = bench_now();

    /* a sixteenth is enough of what is slow */
    for (uint64_t done = 0; done < bench->total / 16; done += bench->chunk)
        g_checksum_update(sum, buf, (gssize)bench->chunk);
    return (bench_now() - start) * 16;
}
