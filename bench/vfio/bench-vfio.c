/*
 * How fast is the device-state engine, against what this machine can do at all?
 *
 *   ceiling   the same bytes over two AF_UNIX hops, no protocol; and memcpy
 *   serial    source server, client, target server: one request at a time
 *   pump      the same, requests pipelined, with a checksum of each chunk
 *
 * Servers are processes of their own (forked, simulated devices without contents).  Medians of five
 * (BENCH_RUNS), all in one run; "pinned": the client on processor 0, the servers on 1.
 * BENCH_MIB sets the size of a run (1024).
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "sim/server.h"
#include "vfio/crc32c.h"
#include "vfio/frame.h"
#include "vfio/load.h"
#include "vfio/pump.h"
#include "vfio/tls.h"
#include "vfio/user.h"

#define MIB      (1024u * 1024)
#define MAX_RUNS 21

static unsigned n_runs = 5;
static uint64_t total = 1024ull * MIB;
static int pinned;

static double
now(void)
{
    return (double)g_get_monotonic_time() / 1e6;
}

static void
pin(int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (pinned && sched_setaffinity(0, sizeof set, &set) != 0)
        perror("sched_setaffinity");
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* GiB a second, the median of the runs. */
static double
median_rate(double (*run)(size_t chunk), size_t chunk)
{
    double seconds[MAX_RUNS];

    for (unsigned i = 0; i < n_runs; i++)
        seconds[i] = run(chunk);
    qsort(seconds, n_runs, sizeof *seconds, compare);
    return (double)total / seconds[n_runs / 2] / (1024.0 * MIB);
}

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench-vfio: %s failed\n", what);
    exit(1);
}

/* A process at the other end of a socket pair. */
static pid_t
spawn(int *ret_fd, void (*body)(int fd, size_t chunk), size_t chunk)
{
    int fds[2];
    pid_t child = 0;

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    (void)fflush(stdout);
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        /* Also the other child's socket: it would never see its client hang up. */
        for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
            if (fd != fds[1])
                (void)close(fd);
        pin(1);
        body(fds[1], chunk);
        _exit(0);
    }
    (void)close(fds[1]);
    *ret_fd = fds[0];
    return child;
}

static void
reap(pid_t child)
{
    must(waitpid(child, NULL, 0) == child, "waitpid");
}

/* --- the ceiling --- */

static double
run_memcpy(size_t chunk)
{
    g_autofree char *from = g_malloc0(chunk);
    g_autofree char *to = g_malloc(chunk);
    double start = now();

    for (uint64_t done = 0; done < total; done += chunk) {
        memcpy(to, from, chunk);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    return now() - start;
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

static void
raw_source(int fd, size_t chunk)
{
    g_autofree char *buf = g_malloc0(chunk);

    for (uint64_t done = 0; done < total && move_all(fd, buf, chunk, call_write); done += chunk)
        continue;
}

static void
raw_target(int fd, size_t chunk)
{
    g_autofree char *buf = g_malloc(chunk);

    for (uint64_t done = 0; done < total && move_all(fd, buf, chunk, call_read); done += chunk)
        continue;
    must(write(fd, "x", 1) == 1, "the target's last word");
}

static double
run_two_hops(size_t chunk)
{
    g_autofree char *buf = g_malloc(chunk);
    int from = -1;
    int to = -1;
    pid_t source = spawn(&from, raw_source, chunk);
    pid_t target = spawn(&to, raw_target, chunk);
    double start = now();

    pin(0);
    for (uint64_t done = 0; done < total; done += chunk) {
        must(move_all(from, buf, chunk, call_read), "the raw read");
        must(move_all(to, buf, chunk, call_write), "the raw write");
    }
    must(read(to, buf, 1) == 1, "the raw end");
    double seconds = now() - start;
    (void)close(from);
    (void)close(to);
    reap(source);
    reap(target);
    return seconds;
}

/* --- through vfio-user --- */

static void
serve(int fd, size_t chunk)
{
    SimOptions options = { .flags = 5,
                           .opaque = true,
                           .page_bytes = MIB - 24, /* with its record's head: 1 MiB */
                           .state_bytes = total / MIB * (MIB - 24) };
    SimServer *server = sim_server_new(sim_device_new(&options), &(SimServerOptions){ 0 });

    (void)chunk;
    sim_server_serve(server, fd);
    sim_server_free(server);
}

typedef struct {
    pid_t child;
    FerryVfioDevice *device;
} Remote;

static Remote
remote_new(size_t chunk, unsigned depth)
{
    Remote remote = { 0 };
    FerryUserOptions options = { .depth = depth, .read_bytes = chunk, .write_bytes = chunk };
    int fd = -1;

    remote.child = spawn(&fd, serve, chunk);
    must(g_unix_set_fd_nonblocking(fd, TRUE, NULL), "O_NONBLOCK");
    remote.device = ferry_vfio_device_new(ferry_user_open_fd(fd, "bench", &options, NULL), NULL);
    must(remote.device != NULL, "the connection");
    return remote;
}

static void
remote_free(Remote *remote)
{
    ferry_vfio_device_free(remote->device);
    reap(remote->child);
}

static double
run_client(size_t chunk, unsigned depth, bool checksum)
{
    Remote source = remote_new(chunk, depth);
    Remote target = remote_new(chunk, depth);
    g_autofree uint8_t *buf = g_malloc(chunk);
    const FerryTransport *to = target.device->transport;
    FerrySave save = { 0 };
    FerryLoad load = { 0 };
    FerrySaveRead got = FERRY_SAVE_DATA;
    uint32_t crc = 0;
    size_t n = 0;
    int code = 0;

    pin(0);
    must(ferry_save_begin(&save, source.device, NULL) && ferry_save_stop(&save, NULL) &&
             ferry_load_begin(&load, target.device, NULL),
         "the beginning");
    double start = now();
    for (;;) {
        must(ferry_save_read(&save, buf, chunk, &got, &n, NULL), "a read");
        if (got == FERRY_SAVE_END)
            break;
        if (checksum)
            crc = ferry_crc32c(crc, buf, n);
        must(ferry_load_write(&load, buf, n, NULL), "a write");
        if (depth == 1)
            must(to->ops->stream_settle(to->data, &code, NULL) && code == 0, "an answer");
    }
    must(to->ops->stream_settle(to->data, &code, NULL) && code == 0, "the last answer");
    double seconds = now() - start;
    must(load.bytes >= total, "the count");
    remote_free(&source);
    remote_free(&target);
    return seconds;
}

static double
run_serial(size_t chunk)
{
    return run_client(chunk, 1, false);
}

static double
run_pipelined(size_t chunk)
{
    return run_client(chunk, chunk < MIB ? 16 : 4, false);
}

static double
run_pump(size_t chunk)
{
    return run_client(chunk, chunk < MIB ? 16 : 4, true);
}

static double
run_crc(size_t chunk)
{
    g_autofree uint8_t *buf = g_malloc0(chunk);
    uint32_t crc = 0;
    double start = now();

    for (uint64_t done = 0; done < total; done += chunk)
        crc = ferry_crc32c(crc, buf, chunk);
    __asm__ volatile("" : : "r"(crc));
    return now() - start;
}

/* --- TLS --- */

static char *folder;

static double
run_gcm(size_t chunk)
{
    static const uint8_t secret[16];
    static const uint8_t nonce[12];
    gnutls_datum_t key = { (uint8_t *)secret, sizeof secret };
    gnutls_aead_cipher_hd_t cipher;
    g_autofree uint8_t *in = g_malloc0(16384);
    g_autofree uint8_t *out = g_malloc(16384 + 16);
    double start = 0;

    (void)chunk;
    must(gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &key) == 0, "AES-GCM");
    start = now();
    for (uint64_t done = 0; done < total; done += 16384) {
        size_t n = 16384 + 16;

        (void)gnutls_aead_cipher_encrypt(cipher, nonce, sizeof nonce, NULL, 0, 16, in, 16384, out,
                                         &n);
    }
    gnutls_aead_cipher_deinit(cipher);
    return now() - start;
}

static FerryChannel *
tls_channel(int fd, FerryTlsSide side)
{
    g_autofree char *cert = g_build_filename(folder, "cert.pem", NULL);
    g_autofree char *key = g_build_filename(folder, "key.pem", NULL);
    FerryTlsFiles files = { .ca = cert, .cert = cert, .key = key };

    return ferry_tls_channel_new(fd, side, NULL, &files, "bench", 30000, NULL);
}

static void
tls_target(int fd, size_t chunk)
{
    FerryChannel *channel = tls_channel(fd, FERRY_TLS_SERVER);
    g_autofree char *buf = g_malloc(chunk);
    struct iovec word = { (char *)"x", 1 };

    must(channel != NULL, "TLS of the target");
    for (uint64_t done = 0; done < total; done += chunk)
        must(ferry_channel_recv(channel, buf, chunk, NULL), "a TLS read");
    must(channel->ops->send(channel->data, &word, 1, NULL), "the TLS end");
    ferry_channel_free(channel);
}

static double
run_tls(size_t chunk)
{
    g_autofree char *buf = g_malloc0(chunk);
    int fd = -1;
    pid_t child = spawn(&fd, tls_target, chunk);
    FerryChannel *channel = tls_channel(fd, FERRY_TLS_CLIENT);

    must(channel != NULL, "TLS of the source");
    pin(0);
    double start = now();
    for (uint64_t done = 0; done < total; done += chunk) {
        struct iovec part = { buf, chunk };

        must(channel->ops->send(channel->data, &part, 1, NULL), "a TLS write");
    }
    must(ferry_channel_recv(channel, buf, 1, NULL), "the TLS end");
    double seconds = now() - start;
    ferry_channel_free(channel);
    reap(child);
    return seconds;
}

static bool
make_certificate(void)
{
    g_autofree char *command = NULL;

    folder = g_dir_make_tmp("bench-vfio-XXXXXX", NULL);
    command = g_strdup_printf("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                              "-nodes -subj /CN=bench -days 2 -keyout %s/key.pem -out %s/cert.pem",
                              folder, folder);
    return g_spawn_command_line_sync(command, NULL, &(char *){ NULL }, NULL, NULL);
}

static void
remove_certificate(void)
{
    static const char *const names[] = { "key.pem", "cert.pem" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        (void)unlink(path);
    }
    (void)rmdir(folder);
    g_free(folder);
}

/* --- the stop --- */

typedef struct {
    FerryVfioDevice *device;
    FerryChannel *channel;
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

    must(ferry_pump_receive(&receiver->device, 1, &receiver->channel, 1, accept_all, NULL,
                            &(FerryPumpOptions){ 0 }, &report, NULL),
         "receiving");
    return NULL;
}

static SimOptions stop_options;

static void
serve_stop(int fd, size_t chunk)
{
    SimServer *server = sim_server_new(sim_device_new(&stop_options), &(SimServerOptions){ 0 });

    (void)chunk;
    sim_server_serve(server, fd);
    sim_server_free(server);
}

static FerryVfioDevice *
open_stop(pid_t *child)
{
    FerryUserOptions options = { .write_bytes = MIB };
    int fd = -1;

    *child = spawn(&fd, serve_stop, 0);
    must(g_unix_set_fd_nonblocking(fd, TRUE, NULL), "O_NONBLOCK");
    return ferry_vfio_device_new(ferry_user_open_fd(fd, "bench", &options, NULL), NULL);
}

/* Milliseconds from the stop to the last byte loaded. */
static double
run_stop(void)
{
    const char *meta = "{}";
    g_auto(FerryPumpReport) report = { 0 };
    FerryVfioDevice *source = NULL;
    FerryChannel *channel = NULL;
    Receiver receiver = { 0 };
    pid_t children[2];
    pthread_t thread;
    int fds[2];

    source = open_stop(&children[0]);
    receiver.device = open_stop(&children[1]);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    channel = ferry_channel_new_fd(fds[0], FERRY_CHANNEL_TWO_WAY, "target", 30000);
    receiver.channel = ferry_channel_new_fd(fds[1], FERRY_CHANNEL_TWO_WAY, "source", 30000);
    must(pthread_create(&thread, NULL, receive, &receiver) == 0, "pthread_create");
    must(ferry_pump_send(&source, &meta, 1, &channel, 1,
                         &(FerryPumpOptions){ .max_downtime_ms = 1 }, &report, NULL),
         "sending");
    must(pthread_join(thread, NULL) == 0, "pthread_join");
    ferry_vfio_device_free(source);
    ferry_vfio_device_free(receiver.device);
    ferry_channel_free(channel);
    ferry_channel_free(receiver.channel);
    reap(children[0]);
    reap(children[1]);
    return (double)report.downtime_ms;
}

static double
median_stop(uint64_t mib, uint64_t flags, unsigned dirty_percent)
{
    double ms[MAX_RUNS];

    stop_options = (SimOptions){ .flags = flags,
                                 .state_bytes = mib * MIB,
                                 .page_bytes = 65536,
                                 .dirty_percent = dirty_percent,
                                 .opaque = true };
    for (unsigned i = 0; i < n_runs; i++)
        ms[i] = run_stop();
    qsort(ms, n_runs, sizeof *ms, compare);
    return ms[n_runs / 2];
}

static void
print_stops(void)
{
    static const uint64_t sizes[] = { 1, 16, 256 };
    static const unsigned dirt[] = { 0, 10, 90 };

    (void)printf("\nstop to last byte loaded, ms      stop-copy-only   dirty 0 %%  10 %%  90 %%   "
                 "cut at 0 %% / 10 %%\n");
    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
        double plain = median_stop(sizes[s], 1, 0);
        double with[G_N_ELEMENTS(dirt)];

        for (size_t d = 0; d < G_N_ELEMENTS(dirt); d++)
            with[d] = median_stop(sizes[s], 5, dirt[d]);
        (void)printf(
            "%4u MiB                          %10.0f      %8.0f %8.0f %6.0f   %.1fx / %.1fx\n",
            (unsigned)sizes[s], plain, with[0], with[1], with[2], plain / MAX(with[0], 1),
            plain / MAX(with[1], 1));
    }
}

static double
print_rates(const char *how)
{
    static const size_t chunks[] = { 32768, 131072, MIB };
    double hops = 0;
    double pump = 0;

    (void)printf("\n%s, GiB/s%*s memcpy  two hops   serial  pipelined  with checksum  "
                 "pipelined/serial  checksum costs\n",
                 how, (int)(14 - strlen(how)), "");
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        double copy = median_rate(run_memcpy, chunks[i]);
        double serial = median_rate(run_serial, chunks[i]);
        double pipelined = median_rate(run_pipelined, chunks[i]);

        hops = median_rate(run_two_hops, chunks[i]);
        pump = median_rate(run_pump, chunks[i]);
        (void)printf("%4zu KiB chunks %12.1f %9.2f %8.2f %10.2f %14.2f %16.1fx %14.1f %%\n",
                     chunks[i] / 1024, copy, hops, serial, pipelined, pump, pipelined / serial,
                     100 * (1 - pump / pipelined));
        (void)fflush(stdout);
    }
    return pump / hops;
}

int
main(void)
{
    const char *mib = getenv("BENCH_MIB");
    const char *runs = getenv("BENCH_RUNS");
    double ratio = 0;

    if (mib != NULL)
        total = CLAMP(g_ascii_strtoull(mib, NULL, 10), 1, 65536) * MIB;
    if (runs != NULL)
        n_runs = (unsigned)CLAMP(g_ascii_strtoull(runs, NULL, 10), 1, MAX_RUNS);
    (void)printf("%u MiB a run, medians of %u, %ld processors\n", (unsigned)(total / MIB), n_runs,
                 sysconf(_SC_NPROCESSORS_ONLN));
    ratio = print_rates("unpinned");
    if (make_certificate()) {
        double gcm = median_rate(run_gcm, MIB);
        double tls = median_rate(run_tls, MIB);

        (void)printf("\nTLS 1.3 channel %.2f GiB/s, AES-128-GCM of one stream %.2f GiB/s: %.2f\n",
                     tls, gcm, tls / gcm);
        remove_certificate();
    }
    (void)printf("CRC-32C %.1f GiB/s\n", median_rate(run_crc, MIB));
    print_stops();
    pinned = 1;
    (void)print_rates("pinned");
    (void)printf("\npump/two-hop ceiling at 1 MiB: %.2f\n", ratio);
    return 0;
}
