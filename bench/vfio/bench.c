#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>

#include "sim/server.h"
#include "vfio/user.h"

double
bench_now(void)
{
    return (double)g_get_monotonic_time() / 1e6;
}

void
bench_must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench-vfio: %s failed\n", what);
    exit(1);
}

void
bench_pin(const Bench *bench, int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (bench->pinned && sched_setaffinity(0, sizeof set, &set) != 0)
        perror("sched_setaffinity");
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_median(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

static double
cpu_seconds(void)
{
    static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
    double seconds = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(whose); i++) {
        struct rusage usage = { 0 };

        (void)getrusage(whose[i], &usage);
        seconds += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    }
    return seconds;
}

/* Of the processor, all processes together: what a machine shared with others cannot spoil. */
static double
run_once(const Bench *bench, BenchRun run)
{
    double start = cpu_seconds();
    double seconds = run(bench);

    return bench->by_cpu ? cpu_seconds() - start : seconds;
}

void
bench_rates(const Bench *bench, const BenchRun *runs, size_t n_runs, double *rates)
{
    g_autofree double *seconds = g_new(double, n_runs * bench->n_runs);

    for (unsigned i = 0; i < bench->n_runs; i++)
        for (size_t run = 0; run < n_runs; run++)
            seconds[run * bench->n_runs + i] = run_once(bench, runs[run]);
    for (size_t run = 0; run < n_runs; run++)
        rates[run] =
            (double)bench->total / bench_median(seconds + run * bench->n_runs, bench->n_runs) / GIB;
}

double
bench_rate(const Bench *bench, BenchRun run)
{
    double rate = 0;

    bench_rates(bench, &run, 1, &rate);
    return rate;
}

pid_t
bench_spawn(const Bench *bench, int *ret_fd, BenchBody body, const void *data)
{
    int fds[2];
    pid_t child = 0;

    bench_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    (void)fflush(stdout);
    child = fork();
    bench_must(child >= 0, "fork");
    if (child == 0) {
        /* Also the other child's socket: it would never see its client hang up. */
        for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
            if (fd != fds[1])
                (void)close(fd);
        bench_pin(bench, 1);
        body(bench, fds[1], data);
        _exit(0);
    }
    (void)close(fds[1]);
    *ret_fd = fds[0];
    return child;
}

void
bench_reap(pid_t child)
{
    bench_must(waitpid(child, NULL, 0) == child, "waitpid");
}

static void
serve(const Bench *bench, int fd, const void *data)
{
    const SimOptions all = { .flags = 5,
                             .opaque = true,
                             .page_bytes = MIB - 24, /* with its record's head: 1 MiB */
                             .state_bytes = bench->total / MIB * (MIB - 24) };
    SimDevice *device = sim_device_new(data != NULL ? data : &all);
    SimServer *server = sim_server_new(device, &(SimServerOptions){ 0 });

    sim_server_serve(server, fd);
    sim_server_free(server);
}

BenchRemote
bench_remote_new(const Bench *bench, const SimOptions *options)
{
    BenchRemote remote = { 0 };
    FerryUserOptions user = { .depth = bench->depth > 0     ? bench->depth
                                       : bench->chunk < MIB ? 16
                                                            : 4,
                              .read_bytes = bench->chunk,
                              .write_bytes = bench->chunk };
    int fd = -1;

    remote.child = bench_spawn(bench, &fd, serve, options);
    bench_must(g_unix_set_fd_nonblocking(fd, TRUE, NULL), "O_NONBLOCK");
    remote.device = ferry_vfio_device_new(ferry_user_open_fd(fd, "bench", &user, NULL), NULL);
    bench_must(remote.device != NULL, "the connection");
    return remote;
}

void
bench_remote_free(BenchRemote *remote)
{
    ferry_vfio_device_free(remote->device);
    bench_reap(remote->child);
}
