#include "certificates.h"

#include <glib/gstdio.h>
#include <string.h>
#include <time.h>

struct _TestAuthority {
    char *folder;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    uint32_t serial;
};

static void
check(int code)
{
    if (code < 0)
        g_error("GnuTLS: %s", gnutls_strerror(code));
}

static gnutls_x509_privkey_t
new_key(void)
{
    gnutls_x509_privkey_t key = NULL;

    check(gnutls_x509_privkey_init(&key));
    check(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    return key;
}

char *
test_authority_path(const TestAuthority *self, const char *file)
{
    return g_build_filename(self->folder, file, NULL);
}

static void
write_datum(const TestAuthority *self, const char *label, const char *suffix, gnutls_datum_t *pem)
{
    g_autofree char *file = g_strconcat(label, suffix, NULL);
    g_autofree char *path = test_authority_path(self, file);

    g_assert_true(g_file_set_contents(path, (const char *)pem->data, pem->size, NULL));
    gnutls_free(pem->data);
}

static gnutls_x509_crt_t
new_certificate(TestAuthority *self, gnutls_x509_privkey_t key, const TestCertificate *what)
{
    gnutls_x509_crt_t certificate = NULL;
    uint32_t serial = GUINT32_TO_BE(++self->serial);
    bool has_dates = what->from_s != 0 || what->to_s != 0;

    check(gnutls_x509_crt_init(&certificate));
    check(gnutls_x509_crt_set_version(certificate, 3));
    check(gnutls_x509_crt_set_key(certificate, key));
    check(gnutls_x509_crt_set_serial(certificate, &serial, sizeof(serial)));
    check(gnutls_x509_crt_set_activation_time(certificate,
                                              time(NULL) + (has_dates ? what->from_s : -3600)));
    check(gnutls_x509_crt_set_expiration_time(certificate,
                                              time(NULL) + (has_dates ? what->to_s : 3600)));
    return certificate;
}

TestAuthority *
test_authority_new(void)
{
    TestAuthority *self = g_new0(TestAuthority, 1);
    gnutls_datum_t pem = { NULL, 0 };

    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    self->key = new_key();
    self->certificate = new_certificate(self, self->key, &(TestCertificate){ 0 });
    check(gnutls_x509_crt_set_dn_by_oid(self->certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                        "test authority", 14));
    check(gnutls_x509_crt_set_basic_constraints(self->certificate, 1, 0));
    check(gnutls_x509_crt_set_key_usage(self->certificate, GNUTLS_KEY_KEY_CERT_SIGN));
    check(gnutls_x509_crt_sign2(self->certificate, self->certificate, self->key, GNUTLS_DIG_SHA256,
                                0));
    check(gnutls_x509_crt_export2(self->certificate, GNUTLS_X509_FMT_PEM, &pem));
    write_datum(self, "ca", ".crt", &pem);
    return self;
}

void
test_authority_free(TestAuthority *self)
{
    g_autoptr(GDir) dir = NULL;
    const char *file = NULL;

    if (self == NULL)
        return;
    dir = g_dir_open(self->folder, 0, NULL);
    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = test_authority_path(self, file);

        (void)g_remove(path);
    }
    (void)g_rmdir(self->folder);
    gnutls_x509_crt_deinit(self->certificate);
    gnutls_x509_privkey_deinit(self->key);
    g_free(self->folder);
    g_free(self);
}

/* GnuTLS does not write a name with a 0 byte in it, so this is the extension as it stands in a
 * certificate: a sequence of one DNS name. */
static void
set_raw_name(gnutls_x509_crt_t certificate, const char *name, size_t length)
{
    unsigned char der[64] = { 0x30, (unsigned char)(length + 2), 0x82, (unsigned char)length };

    g_assert_cmpuint(length, <=, sizeof(der) - 4);
    memcpy(der + 4, name, length);
    check(gnutls_x509_crt_set_extension_by_oid(certificate, "2.5.29.17", der, length + 4, 0));
}

static void
set_names(gnutls_x509_crt_t certificate, const TestCertificate *what)
{
    for (size_t i = 0; i < G_N_ELEMENTS(what->units) && what->units[i] != NULL; i++)
        check(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME,
                                            0, what->units[i], (unsigned)strlen(what->units[i])));
    if (what->name_length > 0)
        set_raw_name(certificate, what->name, what->name_length);
    else if (what->name != NULL)
        check(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, what->name,
                                                   (unsigned)strlen(what->name), GNUTLS_FSAN_SET));
    if (what->purpose != NULL)
        check(gnutls_x509_crt_set_key_purpose_oid(certificate, what->purpose, 0));
}

void
test_authority_issue(TestAuthority *self, const char *label, const TestCertificate *what)
{
    gnutls_x509_privkey_t key = new_key();
    gnutls_x509_crt_t certificate = new_certificate(self, key, what);
    gnutls_datum_t pem = { NULL, 0 };

    set_names(certificate, what);
    check(gnutls_x509_crt_sign2(certificate, self->certificate, self->key, GNUTLS_DIG_SHA256, 0));
    check(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem));
    write_datum(self, label, ".crt", &pem);
    check(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    write_datum(self, label, ".key", &pem);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

FerryIdentity *
test_authority_identity(TestAuthority *self, const char *name, const char *role)
{
    g_autofree char *crt = g_strconcat(name, ".crt", NULL);
    g_autofree char *key = g_strconcat(name, ".key", NULL);
    g_autofree char *ca_path = test_authority_path(self, "ca.crt");
    g_autofree char *cert_path = test_authority_path(self, crt);
    g_autofree char *key_path = test_authority_path(self, key);
    g_autoptr(GError) error = NULL;
    FerryIdentity *identity = NULL;

    test_authority_issue(self, name, &(TestCertificate){ .name = name, .units = { role } });
    if (!ferry_identity_load(ca_path, cert_path, key_path, &identity, &error))
        g_error("%s", error->message);
    return identity;
}
