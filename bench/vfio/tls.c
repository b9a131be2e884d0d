/* TLS 1.3 on one connection, against AES-128-GCM of the same library: alone, and by hand from one
 * process to another (sealed, through a socket, opened), which is the most that any such channel
 * can do on this machine. */
#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "bench.h"
#include "vfio/tls.h"

#define RECORD 16384u
#define TAG    16u
#define BATCH  16u /* records in a write */

static gnutls_aead_cipher_hd_t
make_cipher(gnutls_cipher_algorithm_t algorithm)
{
    static const uint8_t secret[32];
    gnutls_datum_t key = { (uint8_t *)secret, (unsigned)gnutls_cipher_get_key_size(algorithm) };
    gnutls_aead_cipher_hd_t cipher = NULL;

    bench_must(gnutls_aead_cipher_init(&cipher, algorithm, &key) == 0, "the cipher");
    return cipher;
}

static void
seal(gnutls_aead_cipher_hd_t cipher, const uint8_t *in, uint8_t *out)
{
    static const uint8_t nonce[12];
    size_t n = RECORD + TAG;

    (void)gnutls_aead_cipher_encrypt(cipher, nonce, sizeof nonce, NULL, 0, TAG, in, RECORD, out,
                                     &n);
}

static double
seal_only(const Bench *bench, gnutls_cipher_algorithm_t algorithm)
{
    gnutls_aead_cipher_hd_t cipher = make_cipher(algorithm);
    g_autofree uint8_t *in = g_malloc0(bench->chunk);
    g_autofree uint8_t *out = g_malloc(RECORD + TAG);
    double start = bench_now();

    for (uint64_t done = 0; done < bench->total; done += RECORD)
        seal(cipher, in + done % bench->chunk, out);
    double seconds = bench_now() - start;
    gnutls_aead_cipher_deinit(cipher);
    return seconds;
}

double
bench_gcm(const Bench *bench)
{
    return seal_only(bench, GNUTLS_CIPHER_AES_128_GCM);
}

double
bench_gcm_256(const Bench *bench)
{
    return seal_only(bench, GNUTLS_CIPHER_AES_256_GCM);
}

double
bench_chacha(const Bench *bench)
{
    return seal_only(bench, GNUTLS_CIPHER_CHACHA20_POLY1305);
}

static void
open_records(const Bench *bench, int fd, const void *data)
{
    static const uint8_t nonce[12];
    const size_t size = BATCH * (RECORD + TAG);
    gnutls_aead_cipher_hd_t cipher = make_cipher(GNUTLS_CIPHER_AES_128_GCM);
    g_autofree uint8_t *in = g_malloc(size);
    g_autofree uint8_t *out = g_malloc(BATCH * RECORD);

    (void)data;
    for (uint64_t done = 0; done < bench->total; done += BATCH * RECORD) {
        for (size_t got = 0; got < size;) {
            ssize_t n = read(fd, in + got, size - got);

            bench_must(n > 0, "a read of records");
            got += (size_t)n;
        }
        for (size_t i = 0; i < BATCH; i++) {
            size_t n = RECORD;

            bench_must(gnutls_aead_cipher_decrypt(cipher, nonce, sizeof nonce, NULL, 0, TAG,
                                                  in + i * (RECORD + TAG), RECORD + TAG,
                                                  out + i * RECORD, &n) == 0,
                       "opening");
        }
    }
    bench_must(write(fd, "x", 1) == 1, "the last word");
    gnutls_aead_cipher_deinit(cipher);
}

double
bench_gcm_hop(const Bench *bench)
{
    const size_t size = BATCH * (RECORD + TAG);
    gnutls_aead_cipher_hd_t cipher = make_cipher(GNUTLS_CIPHER_AES_128_GCM);
    g_autofree uint8_t *in = g_malloc0(bench->chunk);
    g_autofree uint8_t *out = g_malloc(size);
    int fd = -1;
    pid_t child = bench_spawn(bench, &fd, open_records, NULL);

    bench_pin(bench, 0);
    double start = bench_now();
    for (uint64_t done = 0; done < bench->total; done += BATCH * RECORD) {
        for (size_t i = 0; i < BATCH; i++)
            seal(cipher, in + (done + i * RECORD) % bench->chunk, out + i * (RECORD + TAG));
        for (size_t put = 0; put < size;) {
            ssize_t n = write(fd, out + put, size - put);

            bench_must(n > 0, "a write of records");
            put += (size_t)n;
        }
    }
    bench_must(read(fd, out, 1) == 1, "the end");
    double seconds = bench_now() - start;
    (void)close(fd);
    bench_reap(child);
    gnutls_aead_cipher_deinit(cipher);
    return seconds;
}

static FerryChannel *
channel_new(const Bench *bench, int fd, FerryTlsSide side)
{
    g_autofree char *cert = g_build_filename(bench->folder, "cert.pem", NULL);
    g_autofree char *key = g_build_filename(bench->folder, "key.pem", NULL);
    FerryTlsFiles files = { .ca = cert, .cert = cert, .key = key };

    return ferry_tls_channel_new(fd, side, NULL, &files, "bench", 30000, NULL);
}

static void
receive(const Bench *bench, int fd, const void *data)
{
    FerryChannel *channel = channel_new(bench, fd, FERRY_TLS_SERVER);
    g_autofree char *buf = g_malloc(bench->chunk);
    struct iovec word = { (char *)"x", 1 };

    (void)data;
    bench_must(channel != NULL, "TLS of the target");
    for (uint64_t done = 0; done < bench->total; done += bench->chunk)
        bench_must(ferry_channel_recv(channel, buf, bench->chunk, NULL), "a TLS read");
    bench_must(channel->ops->send(channel->data, &word, 1, NULL), "the TLS end");
    ferry_channel_free(channel);
}

double
bench_tls(const Bench *bench)
{
    g_autofree char *buf = g_malloc0(bench->chunk);
    int fd = -1;
    pid_t child = bench_spawn(bench, &fd, receive, NULL);
    FerryChannel *channel = channel_new(bench, fd, FERRY_TLS_CLIENT);

    bench_must(channel != NULL, "TLS of the source");
    bench_pin(bench, 0);
    double start = bench_now();
    for (uint64_t done = 0; done < bench->total; done += bench->chunk) {
        struct iovec part = { buf, bench->chunk };

        bench_must(channel->ops->send(channel->data, &part, 1, NULL), "a TLS write");
    }
    bench_must(ferry_channel_recv(channel, buf, 1, NULL), "the TLS end");
    double seconds = bench_now() - start;
    ferry_channel_free(channel);
    bench_reap(child);
    return seconds;
}
