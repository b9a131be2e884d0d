/* ferry's pump as it is, both halves with all their threads, between two servers.  What joins the
 * halves is memory (one host; two AF_UNIX hops in all, to set against bench_two_hops) or a socket
 * (a third hop). */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "bench.h"
#include "memory.h"

typedef struct {
    FerryVfioDevice *device;
    FerryChannel *channel;
    const FerryPumpOptions *options;
} Receiver;

static bool
accept_all(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error)
{
    (void)data;
    (void)device;
    (void)meta;
    (void)reasons;
    (void)error;
    return true;
}

static void *
receive(void *data)
{
    Receiver *receiver = data;
    g_auto(FerryPumpReport) report = { 0 };

    bench_must(ferry_pump_receive(&receiver->device, 1, &receiver->channel, 1, accept_all, NULL,
                                  receiver->options, &report, NULL),
               "receiving");
    return NULL;
}

void
bench_pump_between(BenchRemote *source,
                   BenchRemote *target,
                   FerryChannel **ends,
                   const FerryPumpOptions *options,
                   FerryPumpReport *ret)
{
    Receiver receiver = { .device = target->device, .channel = ends[1], .options = options };
    const char *meta = "{}";
    pthread_t thread;

    bench_must(pthread_create(&thread, NULL, receive, &receiver) == 0, "pthread_create");
    bench_must(ferry_pump_send(&source->device, &meta, 1, &ends[0], 1, options, ret, NULL),
               "sending");
    bench_must(pthread_join(thread, NULL) == 0, "pthread_join");
    ferry_channel_free(ends[0]);
    ferry_channel_free(ends[1]);
}

void
bench_socket_pair(FerryChannel **ret)
{
    int fds[2];

    bench_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    for (size_t i = 0; i < 2; i++)
        ret[i] = ferry_channel_new_fd(fds[i], FERRY_CHANNEL_TWO_WAY, "bench", 30000);
}

static double
run(const Bench *bench, FerryChannel **ends)
{
    BenchRemote source = bench_remote_new(bench, NULL);
    BenchRemote target = bench_remote_new(bench, NULL);
    FerryPumpOptions options = { .chunk_bytes = bench->pump_chunk };
    g_auto(FerryPumpReport) report = { 0 };
    double start = bench_now();

    bench_pump_between(&source, &target, ends, &options, &report);
    double seconds = bench_now() - start;
    bench_must(report.devices[0].precopy_bytes + report.devices[0].stop_bytes >= bench->total,
               "the count");
    bench_remote_free(&source);
    bench_remote_free(&target);
    return seconds;
}

double
bench_pump(const Bench *bench)
{
    FerryChannel *ends[2];

    bench_memory_pair(ends);
    return run(bench, ends);
}

double
bench_pump_socket(const Bench *bench)
{
    FerryChannel *ends[2];

    bench_socket_pair(ends);
    return run(bench, ends);
}

/* VmRSS, or VmHWM, the most it ever was. */
static uint64_t
read_status(const char *key)
{
    g_autofree char *text = NULL;
    const char *at = NULL;

    bench_must(g_file_get_contents("/proc/self/status", &text, NULL, NULL), "/proc/self/status");
    at = strstr(text, key);
    return at == NULL ? 0 : g_ascii_strtoull(at + strlen(key) + 1, NULL, 10) * 1024;
}

uint64_t
bench_pump_memory(const Bench *bench)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    uint64_t before = 0;

    /* "5" sets VmHWM back */
    if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0)
        return 0;
    before = read_status("VmRSS:");
    (void)bench_pump(bench);
    return read_status("VmHWM:") - before;
}
