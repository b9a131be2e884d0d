#include "tls-pair.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"

typedef struct {
    FerryChannel *channel;
    const uint8_t *bytes;
    const size_t *sizes;
    size_t n;
} Send;

static void *
send_parts(void *data)
{
    Send *job = data;
    struct iovec parts[4];
    size_t at = 0;

    for (size_t i = 0; i < job->n; i++) {
        parts[i] = (struct iovec){ (void *)(job->bytes + at), job->sizes[i] };
        at += job->sizes[i];
    }
    g_assert_true(job->channel->ops->send(job->channel->data, parts, job->n, NULL));
    return NULL;
}

/* Parts around a record's and a buffer's size, at every alignment to them, arrive as they were. */
static void
test_parts(TlsPair *f, gconstpointer data)
{
    static const size_t sizes[][4] = {
        { 1, 0, 0, 0 },
        { 32, 1, 0, 5 },
        { 32, 16352, 0, 0 },
        { 32, 16353, 1, 1 },
        { 16384, 16384, 1, 16383 },
        { 32, 1 << 20, 48, 1 << 20 },
        { 16383, 2, 16383, 2 },
        { 131072, 1, 131071, 1 },
        { 0, 0, 0, 3000000 },
    };
    g_auto(TlsEnd) client = { 0 };
    g_auto(TlsEnd) server = { 0 };

    (void)data;
    tls_pair_connect_good(f, &client, &server);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        size_t all = sizes[i][0] + sizes[i][1] + sizes[i][2] + sizes[i][3];
        g_autofree uint8_t *bytes = g_malloc(all);
        g_autofree uint8_t *got = g_malloc(all);
        FerryChannel *from = i % 2 == 0 ? client.channel : server.channel;
        FerryChannel *to = i % 2 == 0 ? server.channel : client.channel;
        Send job = { .channel = from, .bytes = bytes, .sizes = sizes[i], .n = 4 };
        pthread_t thread;

        for (size_t at = 0; at < all; at++)
            bytes[at] = (uint8_t)(at * 7 + at / 255 + i);
        g_assert_cmpint(pthread_create(&thread, NULL, send_parts, &job), ==, 0);
        g_assert_true(ferry_channel_recv(to, got, all, NULL));
        g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
        g_assert_cmpint(memcmp(got, bytes, all), ==, 0);
    }
}

/* One thread sends while another receives, on both sides, as the pump does. */
static void
test_both_ways(TlsPair *f, gconstpointer data)
{
    static const size_t sizes[] = { 32, 700000, 48, 300000 };
    const size_t all = 32 + 700000 + 48 + 300000;
    g_autofree uint8_t *bytes = g_malloc0(all);
    g_autofree uint8_t *got = g_malloc(all);
    g_auto(TlsEnd) client = { 0 };
    g_auto(TlsEnd) server = { 0 };
    pthread_t threads[2];

    (void)data;
    tls_pair_connect_good(f, &client, &server);
    Send jobs[] = { { client.channel, bytes, sizes, 4 }, { server.channel, bytes, sizes, 4 } };
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, send_parts, &jobs[i]), ==, 0);
    g_assert_true(ferry_channel_recv(server.channel, got, all, NULL));
    g_assert_true(ferry_channel_recv(client.channel, got, all, NULL));
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    g_assert_cmpint(memcmp(got, bytes, all), ==, 0);
}

/* What is read ahead is pending too, though the socket is empty. */
static void
test_pending(TlsPair *f, gconstpointer data)
{
    g_auto(TlsEnd) client = { 0 };
    g_auto(TlsEnd) server = { 0 };
    struct iovec parts[] = { { (char *)"a", 1 } };
    char byte = 0;

    (void)data;
    tls_pair_connect_good(f, &client, &server);
    g_assert_false(server.channel->ops->pending(server.channel->data));
    for (unsigned i = 0; i < 3; i++) {
        parts[0] = (struct iovec){ (char *)"abc" + i, 1 };
        g_assert_true(client.channel->ops->send(client.channel->data, parts, 1, NULL));
    }
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true(server.channel->ops->pending(server.channel->data));
        g_assert_true(ferry_channel_recv(server.channel, &byte, 1, NULL));
        g_assert_cmpint(byte, ==, 'a' + (int)i);
    }
    g_assert_false(server.channel->ops->pending(server.channel->data));
}

static void
test_end_names_the_byte(TlsPair *f, gconstpointer data)
{
    g_auto(TlsEnd) client = { 0 };
    g_auto(TlsEnd) server = { 0 };
    struct iovec part = { (char *)"12345", 5 };
    char buf[8];
    g_autoptr(GError) error = NULL;

    (void)data;
    tls_pair_connect_good(f, &client, &server);
    g_assert_true(client.channel->ops->send(client.channel->data, &part, 1, NULL));
    ferry_channel_free(g_steal_pointer(&client.channel));
    g_assert_false(ferry_channel_recv(server.channel, buf, 8, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "peer ends at byte 5, in the middle of the stream");
}

static void
test_peer_is_gone(TlsPair *f, gconstpointer data)
{
    g_auto(TlsEnd) client = { 0 };
    g_auto(TlsEnd) server = { 0 };
    struct iovec part = { (char *)"1", 1 };
    g_autoptr(GError) error = NULL;

    (void)data;
    tls_pair_connect_good(f, &client, &server);
    ferry_channel_free(g_steal_pointer(&server.channel));
    g_assert_false(client.channel->ops->send(client.channel->data, &part, 1, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "TLS with peer: cannot send: Broken pipe");
}

static void
test_stop_wakes(TlsPair *f, gconstpointer data)
{
    g_auto(TlsEnd) client = { 0 };
    g_auto(TlsEnd) server = { 0 };
    char byte = 0;

    (void)data;
    tls_pair_connect_good(f, &client, &server);
    client.channel->ops->stop(client.channel->data);
    g_assert_false(ferry_channel_recv(server.channel, &byte, 1, NULL));
    g_assert_false(ferry_channel_recv(client.channel, &byte, 1, NULL));
}

static void
test_host_name(TlsPair *f, gconstpointer data)
{
    static const struct {
        const char *host;
        int code;
    } rows[] = { { "host", -1 }, { NULL, -1 }, { "other", FERRY_ERROR_DENIED } };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(TlsEnd) client = { .files = &f->host, .host = rows[i].host };
        g_auto(TlsEnd) server = { .files = &f->host };

        tls_pair_connect(&client, &server);
        if (rows[i].code < 0) {
            g_assert_no_error(client.error);
        } else {
            g_assert_error(client.error, FERRY_ERROR, rows[i].code);
            g_assert_null(client.channel);
        }
    }
}

/* Each side wants a certificate of an authority that it knows. */
static void
test_strangers(TlsPair *f, gconstpointer data)
{
    FerryTlsFiles trusting = f->stranger; /* trusts the host, but is a stranger itself */
    g_auto(TlsEnd) client = { .files = &f->stranger };
    g_auto(TlsEnd) server = { .files = &f->host };
    g_auto(TlsEnd) half_client = { .files = &trusting };
    g_auto(TlsEnd) half_server = { .files = &f->host };

    (void)data;
    tls_pair_connect(&client, &server);
    g_assert_error(client.error, FERRY_ERROR, FERRY_ERROR_DENIED);
    g_assert_nonnull(strstr(client.error->message, "its certificate does not hold"));
    g_assert_nonnull(server.error);
    trusting.ca = f->host.ca;
    tls_pair_connect(&half_client, &half_server);
    g_assert_error(half_server.error, FERRY_ERROR, FERRY_ERROR_DENIED);
}

static void
test_files(TlsPair *f, gconstpointer data)
{
    FerryTlsFiles none = f->host;
    FerryTlsFiles mixed = f->host;
    FerryTlsFiles missing = f->host;
    const struct {
        const FerryTlsFiles *files;
        const char *why;
    } rows[] = {
        { &none, "TLS needs an authority, a certificate and its key" },
        { &mixed, f->host.cert },
        { &missing, "/none" },
    };

    (void)data;
    none.key = NULL;
    mixed.key = f->stranger.key;
    missing.ca = "/none";
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(TlsEnd) end = { .files = rows[i].files, .timeout_ms = 1000 };
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        end.fd = fds[0];
        (void)tls_end_shake(&end);
        g_assert_null(end.channel);
        g_assert_error(end.error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(end.error->message, rows[i].why));
        (void)close(fds[1]);
    }
}

/* Nobody at the other end, or somebody who does not speak TLS. */
static void
test_no_handshake(TlsPair *f, gconstpointer data)
{
    static const struct {
        const char *text;
        int timeout_ms;
        int code;
    } rows[] = {
        { NULL, 30, FERRY_ERROR_TIMEOUT },
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000, FERRY_ERROR_PEER },
        { "FVS1 what a sender without TLS would say", 1000, FERRY_ERROR_PEER },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (unsigned side = 0; side < 2; side++) {
            g_auto(TlsEnd) end = { .files = &f->host,
                                   .timeout_ms = rows[i].timeout_ms,
                                   .side = (FerryTlsSide)side };
            int fds[2];

            g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
            end.fd = fds[0];
            if (rows[i].text != NULL)
                g_assert_cmpint(write(fds[1], rows[i].text, strlen(rows[i].text)), >, 0);
            (void)tls_end_shake(&end);
            g_assert_null(end.channel);
            g_assert_error(end.error, FERRY_ERROR, rows[i].code);
            (void)close(fds[1]);
        }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(TlsPair *f, gconstpointer data);
    } rows[] = {
        { "/tls/parts", test_parts },
        { "/tls/both-ways", test_both_ways },
        { "/tls/pending", test_pending },
        { "/tls/end-names-the-byte", test_end_names_the_byte },
        { "/tls/peer-is-gone", test_peer_is_gone },
        { "/tls/stop-wakes", test_stop_wakes },
        { "/tls/host-name", test_host_name },
        { "/tls/strangers", test_strangers },
        { "/tls/files", test_files },
        { "/tls/no-handshake", test_no_handshake },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add(rows[i].path, TlsPair, NULL, tls_pair_set_up, rows[i].run, tls_pair_tear_down);
    return g_test_run();
}
