/* From the stop of the device to the last byte loaded, with pre-copy and without. */
#include <stdio.h>

#include <glib.h>

#include "bench.h"

typedef struct {
    uint64_t mib;
    uint64_t flags;
    unsigned dirty_percent;
} Case;

static double
run(const Bench *bench, const Case *one)
{
    const SimOptions sim = { .flags = one->flags,
                             .state_bytes = one->mib * MIB,
                             .page_bytes = 65536,
                             .dirty_percent = one->dirty_percent,
                             .opaque = true };
    const FerryPumpOptions options = { .max_downtime_ms = 1 };
    BenchRemote source = bench_remote_new(bench, &sim);
    BenchRemote target = bench_remote_new(bench, &sim);
    g_auto(FerryPumpReport) report = { 0 };
    FerryChannel *ends[2];

    bench_socket_pair(ends);
    bench_pump_between(&source, &target, ends, &options, &report);
    bench_remote_free(&source);
    bench_remote_free(&target);
    return (double)report.downtime_us / 1000;
}

static double
median(const Bench *bench, uint64_t mib, uint64_t flags, unsigned dirty_percent)
{
    const Case one = { .mib = mib, .flags = flags, .dirty_percent = dirty_percent };
    double ms[BENCH_RUNS];

    for (unsigned i = 0; i < bench->n_runs; i++)
        ms[i] = run(bench, &one);
    return bench_median(ms, bench->n_runs);
}

void
bench_print_stops(const Bench *given)
{
    static const uint64_t sizes[] = { 1, 16, 256 };
    static const unsigned dirt[] = { 0, 10, 90 };
    Bench bench = *given;

    bench.chunk = MIB;
    (void)printf(
        "\nstop to last byte loaded, ms      stop-copy-only   dirty 0 %%    10 %%    90 %%   "
        "cut at 0 %% / 10 %%\n");
    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
        double plain = median(&bench, sizes[s], 1, 0);
        double with[G_N_ELEMENTS(dirt)];

        for (size_t d = 0; d < G_N_ELEMENTS(dirt); d++)
            with[d] = median(&bench, sizes[s], 5, dirt[d]);
        (void)printf("%4u MiB                          %10.1f      %8.2f %8.2f %8.2f   "
                     "%.1fx / %.1fx\n",
                     (unsigned)sizes[s], plain, with[0], with[1], with[2], plain / with[0],
                     plain / with[1]);
        (void)fflush(stdout);
    }
}
