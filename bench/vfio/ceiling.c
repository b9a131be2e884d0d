/* What the machine can do at all: the same bytes without any protocol. */
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "bench.h"

double
bench_memcpy(const Bench *bench)
{
    g_autofree char *from = g_malloc0(bench->chunk);
    g_autofree char *to = g_malloc(bench->chunk);
    double start = bench_now();

    for (uint64_t done = 0; done < bench->total; done += bench->chunk) {
        memcpy(to, from, bench->chunk);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    return bench_now() - start;
}

static ssize_t
call_read(int fd, char *buf, size_t size)
{
    return read(fd, buf, size);
}

static ssize_t
call_write(int fd, char *buf, size_t size)
{
    return write(fd, buf, size);
}

static bool
move_all(int fd, char *buf, size_t size, ssize_t (*call)(int fd, char *buf, size_t size))
{
    for (size_t done = 0; done < size;) {
        ssize_t n = call(fd, buf + done, size - done);

        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static void
source(const Bench *bench, int fd, const void *data)
{
    (void)data;

    g_autofree char *buf = g_malloc0(bench->chunk);

    for (uint64_t done = 0; done < bench->total && move_all(fd, buf, bench->chunk, call_write);
         done += bench->chunk)
        continue;
}

static void
target(const Bench *bench, int fd, const void *data)
{
    (void)data;

    g_autofree char *buf = g_malloc(bench->chunk);

    for (uint64_t done = 0; done < bench->total && move_all(fd, buf, bench->chunk, call_read);
         done += bench->chunk)
        continue;
    bench_must(write(fd, "x", 1) == 1, "the target's last word");
}

static void
relay(const Bench *bench, int from, int to)
{
    g_autofree char *buf = g_malloc(bench->chunk);

    for (uint64_t done = 0; done < bench->total; done += bench->chunk) {
        bench_must(move_all(from, buf, bench->chunk, call_read), "the raw read");
        bench_must(move_all(to, buf, bench->chunk, call_write), "the raw write");
    }
}

/* A host of its own between this one and the target. */
static void
second_relay(const Bench *bench, int fd, const void *data)
{
    int to = -1;
    pid_t child = bench_spawn(bench, &to, target, NULL);

    (void)data;
    relay(bench, fd, to);
    bench_must(read(to, &(char){ 0 }, 1) == 1 && write(fd, "x", 1) == 1, "the second relay");
    (void)close(to);
    bench_reap(child);
}

static double
run_hops(const Bench *bench, BenchBody behind)
{
    int from = -1;
    int to = -1;
    pid_t first = bench_spawn(bench, &from, source, NULL);
    pid_t last = bench_spawn(bench, &to, behind, NULL);
    double start = bench_now();
    double seconds = 0;

    bench_pin(bench, 0);
    relay(bench, from, to);
    bench_must(read(to, &(char){ 0 }, 1) == 1, "the raw end");
    seconds = bench_now() - start;
    (void)close(from);
    (void)close(to);
    bench_reap(first);
    bench_reap(last);
    return seconds;
}

double
bench_two_hops(const Bench *bench)
{
    return run_hops(bench, target);
}

double
bench_three_hops(const Bench *bench)
{
    return run_hops(bench, second_relay);
}
