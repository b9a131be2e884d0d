#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/device.h"
#include "vfio/pump.h"

/**
 * What the measurements share: how much is moved, how often, and the processes at the far ends.
 * One thread measures; where one needs more it makes them itself.
 */

#define MIB        (1024u * 1024)
#define GIB        (1024.0 * MIB)
#define BENCH_RUNS 21 /* at most */

typedef struct {
    uint64_t total;    /* bytes a run */
    unsigned n_runs;   /* medians of so many */
    int pinned;        /* the client on processor 0, the others on 1 */
    size_t chunk;      /* of the measurement under way */
    size_t pump_chunk; /* of the pump's own frames; 0: its default */
    unsigned depth;    /* vfio-user requests under way at once; 0: 16, or 4 of 1 MiB */
    int by_cpu;        /* seconds are of the processors, not of the clock */
    char *folder;      /* with cert.pem and key.pem, for TLS */
} Bench;

/** One measurement: seconds for bench->total bytes. */
typedef double (*BenchRun)(const Bench *bench);

double bench_now(void);
/** Ends the program, naming @what, unless @ok. */
void bench_must(bool ok, const char *what);
void bench_pin(const Bench *bench, int processor);

/** GiB a second, the median of all runs. */
double bench_rate(const Bench *bench, BenchRun run);

/**
 * Medians of several measurements taken in turn, so that what else the machine does hits all alike.
 *
 * @rates: (out): GiB a second, for each of @runs
 */
void bench_rates(const Bench *bench, const BenchRun *runs, size_t n_runs, double *rates);

double bench_median(double *values, unsigned n);

/** What a process at the other end of a socket pair does; @data as it was given. */
typedef void (*BenchBody)(const Bench *bench, int fd, const void *data);
pid_t bench_spawn(const Bench *bench, int *ret_fd, BenchBody body, const void *data);
void bench_reap(pid_t child);

/** A simulated device without contents behind a vfio-user server in a process of its own. */
typedef struct {
    pid_t child;
    FerryVfioDevice *device;
} BenchRemote;

/** @options: (nullable): NULL: one that has as much state as bench->total */
BenchRemote bench_remote_new(const Bench *bench, const SimOptions *options);
void bench_remote_free(BenchRemote *remote);

/* The measurements, each in the file of its name. */

/** ceiling.c: memcpy; over AF_UNIX through one process, or two */
double bench_memcpy(const Bench *bench);
double bench_two_hops(const Bench *bench);
double bench_three_hops(const Bench *bench);

/** relay.c: one thread, from server to server, one request at a time or several under way */
double bench_serial(const Bench *bench);
double bench_pipelined(const Bench *bench);

/** Moves the state of @source to @target over what the ends of a channel, which are freed, join. */
void bench_pump_between(BenchRemote *source,
                        BenchRemote *target,
                        FerryChannel **ends,
                        const FerryPumpOptions *options,
                        FerryPumpReport *ret);
/** A channel over a socket pair, as a connection would be. */
void bench_socket_pair(FerryChannel **ret);
/** pump.c: ferry's pump between the servers, both halves in one process, or over a socket */
double bench_pump(const Bench *bench);
double bench_pump_socket(const Bench *bench);
/** Returns: by how many bytes the process grew at most while it pumped */
uint64_t bench_pump_memory(const Bench *bench);
/** stop.c: the table of the stop */
void bench_print_stops(const Bench *bench);

/** checksum.c: of bytes in the cache, in chunks */
double bench_crc32c(const Bench *bench);
double bench_xxh3(const Bench *bench);

/** tls.c: sealing alone with AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305; AES-128-GCM to and from
 *  another process by hand; ferry's TLS channel */
double bench_gcm(const Bench *bench);
double bench_gcm_256(const Bench *bench);
double bench_chacha(const Bench *bench);
double bench_gcm_hop(const Bench *bench);
double bench_tls(const Bench *bench);
