#include "vfio/tls.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/error.h"

/* Two authorities, each of which is its own and only certificate: "host" and "stranger". */
typedef struct {
    char *folder;
    FerryTlsFiles host;
    FerryTlsFiles stranger;
} Fixture;

static char *
save(const Fixture *f, const char *name, gnutls_datum_t *text)
{
    char *path = g_build_filename(f->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, (char *)text->data, text->size, NULL));
    gnutls_free(text->data);
    return path;
}

static FerryTlsFiles
make_certificate(const Fixture *f, const char *name)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    gnutls_datum_t text = { 0 };
    FerryTlsFiles files = { 0 };
    g_autofree char *cert_name = g_strdup_printf("%s.crt", name);
    g_autofree char *key_name = g_strdup_printf("%s.key", name);

    g_assert_cmpint(gnutls_x509_privkey_init(&key), ==, 0);
    g_assert_cmpint(gnutls_x509_privkey_generate(
                        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                    ==, 0);
    g_assert_cmpint(gnutls_x509_crt_init(&cert), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_version(cert, 3), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_serial(cert, "\1", 1), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_activation_time(cert, time(NULL) - 3600), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 3600), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                                  (unsigned)strlen(name)),
                    ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name,
                                                         (unsigned)strlen(name), GNUTLS_FSAN_SET),
                    ==, 0);
    g_assert_cmpint(gnutls_x509_crt_set_key(cert, key), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text), ==, 0);
    files.cert = save(f, cert_name, &text);
    g_assert_cmpint(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), ==, 0);
    files.key = save(f, key_name, &text);
    files.ca = g_strdup(files.cert);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
    return files;
}

static void
set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->folder = g_dir_make_tmp("ferry-tls-XXXXXX", NULL);
    f->host = make_certificate(f, "host");
    f->stranger = make_certificate(f, "stranger");
}

static void
forget(FerryTlsFiles *files)
{
    (void)g_unlink(files->cert);
    (void)g_unlink(files->key);
    g_free((char *)files->ca);
    g_free((char *)files->cert);
    g_free((char *)files->key);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    forget(&f->host);
    forget(&f->stranger);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
}

/* One end, made in a thread of its own: a handshake needs both. */
typedef struct {
    int fd;
    FerryTlsSide side;
    const char *host;
    const FerryTlsFiles *files;
    int timeout_ms;
    FerryChannel *channel;
    GError *error;
} End;

static void *
shake(void *data)
{
    End *end = data;

    end->channel = ferry_tls_channel_new(end->fd, end->side, end->host, end->files, "peer",
                                         end->timeout_ms, &end->error);
    return NULL;
}

static void
end_clear(End *end)
{
    ferry_channel_free(end->channel);
    g_clear_error(&end->error);
}

static void
connect_ends(End *client, End *server)
{
    pthread_t thread;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    client->fd = fds[0];
    server->fd = fds[1];
    client->side = FERRY_TLS_CLIENT;
    server->side = FERRY_TLS_SERVER;
    client->timeout_ms = server->timeout_ms = 10000;
    g_assert_cmpint(pthread_create(&thread, NULL, shake, server), ==, 0);
    (void)shake(client);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

static void
connect_good(const Fixture *f, End *client, End *server)
{
    client->files = server->files = &f->host;
    connect_ends(client, server);
    g_assert_no_error(client->error);
    g_assert_no_error(server->error);
}

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
test_parts(Fixture *f, gconstpointer data)
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
    End client = { 0 };
    End server = { 0 };

    (void)data;
    connect_good(f, &client, &server);
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
    end_clear(&client);
    end_clear(&server);
}

/* One thread sends while another receives, on both sides, as the pump does. */
static void
test_both_ways(Fixture *f, gconstpointer data)
{
    static const size_t sizes[] = { 32, 700000, 48, 300000 };
    const size_t all = 32 + 700000 + 48 + 300000;
    g_autofree uint8_t *bytes = g_malloc0(all);
    g_autofree uint8_t *got = g_malloc(all);
    End client = { 0 };
    End server = { 0 };
    pthread_t threads[2];

    (void)data;
    connect_good(f, &client, &server);
    Send jobs[] = { { client.channel, bytes, sizes, 4 }, { server.channel, bytes, sizes, 4 } };
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, send_parts, &jobs[i]), ==, 0);
    g_assert_true(ferry_channel_recv(server.channel, got, all, NULL));
    g_assert_true(ferry_channel_recv(client.channel, got, all, NULL));
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    g_assert_cmpint(memcmp(got, bytes, all), ==, 0);
    end_clear(&client);
    end_clear(&server);
}

/* What is read ahead is pending too, though the socket is empty. */
static void
test_pending(Fixture *f, gconstpointer data)
{
    End client = { 0 };
    End server = { 0 };
    struct iovec parts[] = { { (char *)"a", 1 } };
    char byte = 0;

    (void)data;
    connect_good(f, &client, &server);
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
    end_clear(&client);
    end_clear(&server);
}

static void
test_end_names_the_byte(Fixture *f, gconstpointer data)
{
    End client = { 0 };
    End server = { 0 };
    struct iovec part = { (char *)"12345", 5 };
    char buf[8];
    g_autoptr(GError) error = NULL;

    (void)data;
    connect_good(f, &client, &server);
    g_assert_true(client.channel->ops->send(client.channel->data, &part, 1, NULL));
    ferry_channel_free(g_steal_pointer(&client.channel));
    g_assert_false(ferry_channel_recv(server.channel, buf, 8, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "peer ends at byte 5, in the middle of the stream");
    end_clear(&client);
    end_clear(&server);
}

static void
test_peer_is_gone(Fixture *f, gconstpointer data)
{
    End client = { 0 };
    End server = { 0 };
    struct iovec part = { (char *)"1", 1 };
    g_autoptr(GError) error = NULL;

    (void)data;
    connect_good(f, &client, &server);
    ferry_channel_free(g_steal_pointer(&server.channel));
    g_assert_false(client.channel->ops->send(client.channel->data, &part, 1, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "TLS with peer: cannot send: Broken pipe");
    end_clear(&client);
    end_clear(&server);
}

static void
test_stop_wakes(Fixture *f, gconstpointer data)
{
    End client = { 0 };
    End server = { 0 };
    char byte = 0;

    (void)data;
    connect_good(f, &client, &server);
    client.channel->ops->stop(client.channel->data);
    g_assert_false(ferry_channel_recv(server.channel, &byte, 1, NULL));
    g_assert_false(ferry_channel_recv(client.channel, &byte, 1, NULL));
    end_clear(&client);
    end_clear(&server);
}

static void
test_host_name(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *host;
        int code;
    } rows[] = { { "host", -1 }, { NULL, -1 }, { "other", FERRY_ERROR_DENIED } };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        End client = { .files = &f->host, .host = rows[i].host };
        End server = { .files = &f->host };

        connect_ends(&client, &server);
        if (rows[i].code < 0) {
            g_assert_no_error(client.error);
        } else {
            g_assert_error(client.error, FERRY_ERROR, rows[i].code);
            g_assert_null(client.channel);
        }
        end_clear(&client);
        end_clear(&server);
    }
}

/* Each side wants a certificate of an authority that it knows. */
static void
test_strangers(Fixture *f, gconstpointer data)
{
    FerryTlsFiles trusting = f->stranger; /* trusts the host, but is a stranger itself */
    End client = { .files = &f->stranger };
    End server = { .files = &f->host };

    (void)data;
    connect_ends(&client, &server);
    g_assert_error(client.error, FERRY_ERROR, FERRY_ERROR_DENIED);
    g_assert_nonnull(strstr(client.error->message, "its certificate does not hold"));
    g_assert_nonnull(server.error);
    end_clear(&client);
    end_clear(&server);

    trusting.ca = f->host.ca;
    client = (End){ .files = &trusting };
    server = (End){ .files = &f->host };
    connect_ends(&client, &server);
    g_assert_error(server.error, FERRY_ERROR, FERRY_ERROR_DENIED);
    end_clear(&client);
    end_clear(&server);
}

static void
test_files(Fixture *f, gconstpointer data)
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
        End end = { .files = rows[i].files, .timeout_ms = 1000 };
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        end.fd = fds[0];
        (void)shake(&end);
        g_assert_null(end.channel);
        g_assert_error(end.error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(end.error->message, rows[i].why));
        (void)close(fds[1]);
        end_clear(&end);
    }
}

/* Nobody at the other end, or somebody who does not speak TLS. */
static void
test_no_handshake(Fixture *f, gconstpointer data)
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
            End end = { .files = &f->host,
                        .timeout_ms = rows[i].timeout_ms,
                        .side = (FerryTlsSide)side };
            int fds[2];

            g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
            end.fd = fds[0];
            if (rows[i].text != NULL)
                g_assert_cmpint(write(fds[1], rows[i].text, strlen(rows[i].text)), >, 0);
            (void)shake(&end);
            g_assert_null(end.channel);
            g_assert_error(end.error, FERRY_ERROR, rows[i].code);
            (void)close(fds[1]);
            end_clear(&end);
        }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
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
        g_test_add(rows[i].path, Fixture, NULL, set_up, rows[i].run, tear_down);
    return g_test_run();
}
