/* One thread that reads from one server and writes to another: what pipelining alone is worth. */
#include <glib.h>

#include "bench.h"
#include "vfio/load.h"
#include "vfio/save.h"

static void
settle(const FerryTransport *transport)
{
    int code = 0;

    bench_must(transport->ops->stream_settle(transport->data, &code, NULL) && code == 0,
               "an answer");
}

static double
run(const Bench *bench)
{
    BenchRemote source = bench_remote_new(bench, NULL);
    BenchRemote target = bench_remote_new(bench, NULL);
    g_autofree uint8_t *buf = g_malloc(bench->chunk);
    FerrySave save = { 0 };
    FerryLoad load = { 0 };
    FerrySaveRead got = FERRY_SAVE_DATA;
    size_t n = 0;

    bench_pin(bench, 0);
    bench_must(ferry_save_begin(&save, source.device, NULL) && ferry_save_stop(&save, NULL) &&
                   ferry_load_begin(&load, target.device, NULL),
               "the beginning");
    double start = bench_now();
    for (;;) {
        bench_must(ferry_save_read(&save, buf, bench->chunk, &got, &n, NULL), "a read");
        if (got == FERRY_SAVE_END)
            break;
        bench_must(ferry_load_write(&load, buf, n, NULL), "a write");
        if (bench->depth == 1)
            settle(target.device->transport);
    }
    settle(target.device->transport);
    double seconds = bench_now() - start;
    bench_must(load.bytes >= bench->total, "the count");
    bench_remote_free(&source);
    bench_remote_free(&target);
    return seconds;
}

double
bench_serial(const Bench *bench)
{
    Bench one = *bench;

    one.depth = 1;
    return run(&one);
}

double
bench_pipelined(const Bench *bench)
{
    return run(bench);
}
