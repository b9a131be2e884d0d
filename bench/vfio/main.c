/*
 * How fast is the device-state engine, against what this machine can do at all?
 *
 *     bench-vfio [rates] [tls] [checksum] [stop] [memory]       all, unless some are named
 *
 * rates: the same bytes over two AF_UNIX hops without a protocol (the ceiling); from a vfio-user
 * server to another one request at a time (serial), with several under way (pipelined), and by
 * ferry's pump.  Servers are processes of their own, with simulated devices without contents.
 * Measurements that are compared are made in turn, in the same run; the figures are medians.
 * "pinned": the client on processor 0, the others on 1.
 *
 * BENCH_MIB: the size of a run (1024).  BENCH_RUNS: how many (5).  BENCH_FRAME_KIB: the pump's
 * frames (256). BENCH_CPU=1: GiB for each second of processor time of all processes together, which
 * a machine shared with others spoils less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "bench.h"

static double
print_rates(const Bench *given, const char *how)
{
    static const size_t chunks[] = { 32768, 131072, MIB };
    static const BenchRun runs[] = { bench_two_hops, bench_serial,     bench_pipelined,
                                     bench_pump,     bench_three_hops, bench_pump_socket };
    Bench bench = *given;
    double ratio = 0;

    (void)printf("\n%s, GiB/s %*s memcpy  two hops  serial  pipelined    pump  pump/two hops  "
                 "pump/serial  three hops  pump over a socket\n",
                 how, (int)(10 - strlen(how)), "");
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        double rates[G_N_ELEMENTS(runs)];

        bench.chunk = chunks[i];
        double copy = bench_rate(&bench, bench_memcpy);
        bench_rates(&bench, runs, G_N_ELEMENTS(runs), rates);
        ratio = rates[3] / rates[0];
        (void)printf("%4zu KiB chunks %11.1f %9.2f %7.2f %10.2f %7.2f %14.2f %11.1fx %11.2f %12.2f "
                     "(%.2f)\n",
                     chunks[i] / 1024, copy, rates[0], rates[1], rates[2], rates[3], ratio,
                     rates[3] / rates[1], rates[4], rates[5], rates[5] / rates[4]);
        (void)fflush(stdout);
    }
    return ratio;
}

static bool
make_certificate(Bench *bench)
{
    g_autofree char *command = NULL;
    int status = 0;

    bench->folder = g_dir_make_tmp("bench-vfio-XXXXXX", NULL);
    command = g_strdup_printf("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                              "-nodes -subj /CN=bench -days 2 -keyout %s/key.pem -out %s/cert.pem",
                              bench->folder, bench->folder);
    return g_spawn_command_line_sync(command, NULL, &(char *){ NULL }, &status, NULL) &&
           status == 0;
}

static void
remove_certificate(Bench *bench)
{
    static const char *const names[] = { "key.pem", "cert.pem" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(bench->folder, names[i], NULL);

        (void)unlink(path);
    }
    (void)rmdir(bench->folder);
    g_clear_pointer(&bench->folder, g_free);
}

static void
print_tls(const Bench *given)
{
    static const BenchRun runs[] = { bench_gcm, bench_gcm_hop, bench_tls, bench_gcm_256,
                                     bench_chacha };
    Bench bench = *given;
    double rates[G_N_ELEMENTS(runs)];

    bench.chunk = MIB;
    bench_must(make_certificate(&bench), "openssl");
    bench_rates(&bench, runs, G_N_ELEMENTS(runs), rates);
    (void)printf("\none stream, GiB/s: AES-128-GCM sealed only %.2f (AES-256-GCM %.2f, "
                 "ChaCha20-Poly1305 %.2f)\n"
                 "AES-128-GCM sealed, sent and opened by hand %.2f (%.2f of that), by the TLS 1.3 "
                 "channel %.2f (%.2f)\n"
                 "TLS/what one stream can do here: %.2f\n",
                 rates[0], rates[3], rates[4], rates[1], rates[1] / rates[0], rates[2],
                 rates[2] / rates[0], rates[2] / rates[1]);
    remove_certificate(&bench);
}

static void
print_checksums(const Bench *given)
{
    static const BenchRun runs[] = { bench_crc32c, bench_xxh3, bench_pump };
    static const size_t chunks[] = { 4096, 32768, MIB };
    Bench bench = *given;

    (void)printf("\nchecksum, GiB/s    CRC-32C     XXH3   CRC-32C costs the pump\n");
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        double rates[G_N_ELEMENTS(runs)];

        bench.chunk = chunks[i];
        bench_rates(&bench, runs, G_N_ELEMENTS(runs), rates);
        (void)printf("%4zu KiB chunks %10.1f %8.1f %16.1f %%\n", chunks[i] / 1024, rates[0],
                     rates[1], 100 * rates[2] / rates[0]);
        (void)fflush(stdout);
    }
}

static void
print_memory(const Bench *given)
{
    Bench bench = *given;

    bench.chunk = MIB;
    (void)printf("\npumping %u MiB, both halves in one process: it grew by at most %.1f MiB "
                 "(16 MiB of chunks for each half)\n",
                 (unsigned)(bench.total / MIB), (double)bench_pump_memory(&bench) / MIB);
}

static bool
is_wanted(char **argv, const char *name)
{
    return argv[1] == NULL || g_strv_contains((const char *const *)argv + 1, name);
}

int
main(int argc, char **argv)
{
    const char *mib = getenv("BENCH_MIB");
    const char *runs = getenv("BENCH_RUNS");
    const char *frame = getenv("BENCH_FRAME_KIB");
    Bench bench = { .total = 1024ull * MIB, .n_runs = 5, .by_cpu = getenv("BENCH_CPU") != NULL };
    g_autofree char *load = NULL;
    double ratio = 0;

    (void)argc;
    if (mib != NULL)
        bench.total = CLAMP(g_ascii_strtoull(mib, NULL, 10), 1, 65536) * MIB;
    if (runs != NULL)
        bench.n_runs = (unsigned)CLAMP(g_ascii_strtoull(runs, NULL, 10), 1, BENCH_RUNS);
    if (frame != NULL)
        bench.pump_chunk = (size_t)g_ascii_strtoull(frame, NULL, 10) * 1024;
    (void)g_file_get_contents("/proc/loadavg", &load, NULL, NULL);
    (void)printf("%u MiB a run, medians of %u, %ld processors, load before: %s",
                 (unsigned)(bench.total / MIB), bench.n_runs, sysconf(_SC_NPROCESSORS_ONLN),
                 load != NULL ? load : "?\n");
    if (is_wanted(argv, "tls"))
        print_tls(&bench);
    if (is_wanted(argv, "checksum"))
        print_checksums(&bench);
    if (is_wanted(argv, "memory"))
        print_memory(&bench);
    if (is_wanted(argv, "stop"))
        bench_print_stops(&bench);
    if (!is_wanted(argv, "rates"))
        return 0;
    ratio = print_rates(&bench, "unpinned");
    bench.pinned = 1;
    (void)print_rates(&bench, "pinned");
    (void)printf("\npump/two-hop ceiling at 1 MiB: %.2f\n", ratio);
    return 0;
}
