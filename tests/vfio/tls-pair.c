#include "tls-pair.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <glib/gstdio.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

static char *
save(const TlsPair *f, const char *name, gnutls_datum_t *text)
{
    char *path = g_build_filename(f->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, (char *)text->data, text->size, NULL));
    gnutls_free(text->data);
    return path;
}

static FerryTlsFiles
make_certificate(const TlsPair *f, const char *name)
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

void
tls_pair_set_up(TlsPair *f, gconstpointer data)
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

void
tls_pair_tear_down(TlsPair *f, gconstpointer data)
{
    (void)data;
    forget(&f->host);
    forget(&f->stranger);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
}

void *
tls_end_shake(void *data)
{
    TlsEnd *end = data;

    end->channel = ferry_tls_channel_new(end->fd, end->side, end->host, end->files, "peer",
                                         end->timeout_ms, &end->error);
    return NULL;
}

void
tls_end_clear(TlsEnd *end)
{
    ferry_channel_free(end->channel);
    g_clear_error(&end->error);
}

void
tls_pair_connect(TlsEnd *client, TlsEnd *server)
{
    pthread_t thread;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    client->fd = fds[0];
    server->fd = fds[1];
    client->side = FERRY_TLS_CLIENT;
    server->side = FERRY_TLS_SERVER;
    client->timeout_ms = server->timeout_ms = 10000;
    g_assert_cmpint(pthread_create(&thread, NULL, tls_end_shake, server), ==, 0);
    (void)tls_end_shake(client);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

void
tls_pair_connect_good(const TlsPair *f, TlsEnd *client, TlsEnd *server)
{
    client->files = server->files = &f->host;
    tls_pair_connect(client, server);
    g_assert_no_error(client->error);
    g_assert_no_error(server->error);
}
