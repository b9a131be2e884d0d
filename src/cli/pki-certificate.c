#include "cli/pki-certificate.h"

#include <arpa/inet.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/error.h"

#define SKEW_S         3600
#define DAY_S          (24 * 3600)
#define AUTHORITY_DAYS 3653
#define SERIAL_BYTES   16

G_DEFINE_AUTO_CLEANUP_FREE_FUNC(gnutls_x509_crt_t, gnutls_x509_crt_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit, NULL)

void
ferry_credentials_clear(FerryCredentials *self)
{
    g_free(self->ca);
    g_free(self->cert);
    if (self->key)
        gnutls_memset(self->key, 0, strlen(self->key));
    g_free(self->key);
    *self = (FerryCredentials){ NULL, NULL, NULL };
}

void
ferry_certificate_facts_free(FerryCertificateFacts *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->unit);
    g_free(self->issuer);
    g_free(self->fingerprint);
    g_free(self);
}

static bool
failed(int code, const char *what, GError **error)
{
    if (code >= 0)
        return false;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "cannot %s: %s", what,
                gnutls_strerror(code));
    return true;
}

static gnutls_datum_t
datum_of(const char *text)
{
    return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

/* GnuTLS's text with its secret wiped, ours to keep. */
static char *
take_text(gnutls_datum_t *datum)
{
    char *text = g_strndup((const char *)datum->data, datum->size);

    gnutls_memset(datum->data, 0, datum->size);
    gnutls_free(datum->data);
    return text;
}

static bool
export_pair(gnutls_x509_crt_t cert,
            gnutls_x509_privkey_t key,
            FerryCredentials *ret,
            GError **error)
{
    gnutls_datum_t cert_pem = { NULL, 0 };
    gnutls_datum_t key_pem = { NULL, 0 };

    if (failed(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &cert_pem),
               "write the certificate", error))
        return false;
    ret->cert = take_text(&cert_pem);
    if (failed(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                                 &key_pem),
               "write the key", error))
        return false;
    ret->key = take_text(&key_pem);
    return true;
}

static bool
set_subject(gnutls_x509_crt_t cert, const char *name, const char *unit, GError **error)
{
    const struct {
        const char *oid, *text;
    } parts[] = {
        { GNUTLS_OID_X520_ORGANIZATION_NAME, "ferry" },
        { GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, unit },
        { GNUTLS_OID_X520_COMMON_NAME, name },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i].text &&
            failed(gnutls_x509_crt_set_dn_by_oid(cert, parts[i].oid, 0, parts[i].text,
                                                 (unsigned)strlen(parts[i].text)),
                   "name the certificate", error))
            return false;
    return true;
}

/* What an authority's and a host's certificate have in common. */
static bool
start(gnutls_x509_crt_t *ret_cert, gnutls_x509_privkey_t *ret_key, GError **error)
{
    unsigned char serial[SERIAL_BYTES];
    unsigned char id[64];
    size_t id_size = sizeof(id);
    unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);

    if (failed(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)), "choose a number", error))
        return false;
    serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and no leading zero: RFC 5280, 4.1.2.2 */
    return !failed(gnutls_x509_privkey_init(ret_key), "make a key", error) &&
           !failed(gnutls_x509_privkey_generate(*ret_key, GNUTLS_PK_ECDSA, bits, 0), "make a key",
                   error) &&
           !failed(gnutls_x509_crt_init(ret_cert), "make a certificate", error) &&
           !failed(gnutls_x509_crt_set_version(*ret_cert, 3), "make a certificate", error) &&
           !failed(gnutls_x509_crt_set_serial(*ret_cert, serial, sizeof(serial)), "number it",
                   error) &&
           !failed(gnutls_x509_crt_set_key(*ret_cert, *ret_key), "set its key", error) &&
           !failed(gnutls_x509_crt_get_key_id(*ret_cert, 0, id, &id_size), "read its key", error) &&
           !failed(gnutls_x509_crt_set_subject_key_id(*ret_cert, id, id_size), "set its key's id",
                   error);
}

static bool
set_time(gnutls_x509_crt_t cert, int64_t from_s, int64_t to_s, GError **error)
{
    return !failed(gnutls_x509_crt_set_activation_time(cert, (time_t)from_s), "date it", error) &&
           !failed(gnutls_x509_crt_set_expiration_time(cert, (time_t)to_s), "date it", error);
}

bool
ferry_certificate_new_authority(const char *name,
                                int64_t now_s,
                                FerryCredentials *ret,
                                GError **error)
{
    g_auto(gnutls_x509_crt_t) cert = NULL;
    g_auto(gnutls_x509_privkey_t) key = NULL;
    g_auto(FerryCredentials) made = { NULL, NULL, NULL };
    g_autofree char *full_name = g_strdup_printf("%s %08x", name, g_random_int());
    unsigned usage = GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN;

    if (!start(&cert, &key, error) || !set_subject(cert, full_name, NULL, error) ||
        !set_time(cert, now_s - SKEW_S, now_s + (int64_t)AUTHORITY_DAYS * DAY_S, error) ||
        failed(gnutls_x509_crt_set_basic_constraints(cert, 1, 0), "make it an authority", error) ||
        failed(gnutls_x509_crt_set_key_usage(cert, usage), "set its use", error) ||
        failed(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), "sign it", error) ||
        !export_pair(cert, key, &made, error))
        return false;
    *ret = made;
    made = (FerryCredentials){ NULL, NULL, NULL };
    return true;
}

static bool
set_names(gnutls_x509_crt_t cert, const FerryCertificateRequest *request, GError **error)
{
    if (failed(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, request->name,
                                                    (unsigned)strlen(request->name),
                                                    GNUTLS_FSAN_SET),
               "name its host", error))
        return false;
    for (size_t i = 0; request->addresses && request->addresses[i]; i++) {
        const char *text = request->addresses[i];
        unsigned char address[sizeof(struct in6_addr)];
        unsigned size = strchr(text, ':') ? 16 : 4;

        if (inet_pton(size == 16 ? AF_INET6 : AF_INET, text, address) != 1) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\" is not an IP address",
                        text);
            return false;
        }
        if (failed(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, size,
                                                        GNUTLS_FSAN_APPEND),
                   "name its address", error))
            return false;
    }
    return true;
}

/*
 * QEMU up to 10.1 refuses a certificate whose key usage lacks keyEncipherment
 * (crypto/tlscredsx509.c), though RFC 8813 has no use for it in EC keys.  GnuTLS, OpenSSL and curl
 * do not mind it.
 */
static bool
set_use(gnutls_x509_crt_t cert, GError **error)
{
    unsigned usage = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT;

    return !failed(gnutls_x509_crt_set_basic_constraints(cert, 0, -1), "limit it", error) &&
           !failed(gnutls_x509_crt_set_key_usage(cert, usage), "set its use", error) &&
           !failed(gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_SERVER, 0),
                   "set its use", error) &&
           !failed(gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_CLIENT, 0),
                   "set its use", error);
}

static bool
import_cert(const char *pem, gnutls_x509_crt_t *ret, GError **error)
{
    gnutls_datum_t datum = datum_of(pem);

    return !failed(gnutls_x509_crt_init(ret), "read the certificate", error) &&
           !failed(gnutls_x509_crt_import(*ret, &datum, GNUTLS_X509_FMT_PEM),
                   "read the certificate", error);
}

static bool
import_key(const char *pem, gnutls_x509_privkey_t *ret, GError **error)
{
    gnutls_datum_t datum = datum_of(pem);

    return !failed(gnutls_x509_privkey_init(ret), "read the key", error) &&
           !failed(gnutls_x509_privkey_import2(*ret, &datum, GNUTLS_X509_FMT_PEM, NULL,
                                               GNUTLS_PKCS_PLAIN),
                   "read the key", error);
}

static bool
check_pair(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, GError **error)
{
    unsigned char of_cert[64];
    unsigned char of_key[64];
    size_t n_cert = sizeof(of_cert);
    size_t n_key = sizeof(of_key);

    if (failed(gnutls_x509_crt_get_key_id(cert, 0, of_cert, &n_cert), "read its key", error) ||
        failed(gnutls_x509_privkey_get_key_id(key, 0, of_key, &n_key), "read its key", error))
        return false;
    if (n_cert == n_key && memcmp(of_cert, of_key, n_cert) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "the key is not that of the certificate");
    return false;
}

bool
ferry_certificate_issue(const FerryCredentials *authority,
                        const FerryCertificateRequest *request,
                        int64_t now_s,
                        FerryCredentials *ret,
                        GError **error)
{
    g_auto(gnutls_x509_crt_t) ca = NULL, cert = NULL;
    g_auto(gnutls_x509_privkey_t) ca_key = NULL, key = NULL;
    g_auto(FerryCredentials) made = { NULL, NULL, NULL };
    unsigned char id[64];
    size_t id_size = sizeof(id);
    unsigned critical = 0;
    int64_t end_s = 0;

    if (!import_cert(authority->cert, &ca, error) || !import_key(authority->key, &ca_key, error) ||
        !check_pair(ca, ca_key, error)) {
        g_prefix_error(error, "the authority cannot be used: ");
        return false;
    }
    end_s = MIN(now_s + (int64_t)request->days * DAY_S,
                (int64_t)gnutls_x509_crt_get_expiration_time(ca));
    if (end_s <= now_s) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "the authority has expired");
        return false;
    }
    if (!start(&cert, &key, error) || !set_subject(cert, request->name, request->unit, error) ||
        !set_time(cert, now_s - SKEW_S, end_s, error) || !set_names(cert, request, error) ||
        !set_use(cert, error) ||
        failed(gnutls_x509_crt_get_subject_key_id(ca, id, &id_size, &critical),
               "read the authority", error) ||
        failed(gnutls_x509_crt_set_authority_key_id(cert, id, id_size), "set its issuer", error) ||
        failed(gnutls_x509_crt_sign2(cert, ca, ca_key, GNUTLS_DIG_SHA256, 0), "sign it", error) ||
        !export_pair(cert, key, &made, error))
        return false;
    made.ca = g_strdup(authority->cert);
    *ret = made;
    made = (FerryCredentials){ NULL, NULL, NULL };
    return true;
}

bool
ferry_credentials_check(const FerryCredentials *self, GError **error)
{
    g_auto(gnutls_x509_crt_t) ca = NULL, cert = NULL;
    g_auto(gnutls_x509_privkey_t) key = NULL;
    gnutls_datum_t text = { NULL, 0 };
    unsigned status = 0;

    if (!import_cert(self->ca, &ca, error) || !import_cert(self->cert, &cert, error) ||
        !import_key(self->key, &key, error) || !check_pair(cert, key, error) ||
        failed(gnutls_x509_crt_list_verify(&cert, 1, &ca, 1, NULL, 0, 0, &status), "verify it",
               error))
        return false;
    if (status == 0)
        return true;
    if (failed(gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0),
               "verify it", error))
        return false;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s",
                g_strchomp((char *)text.data)); /* "The certificate is NOT trusted. …" */
    gnutls_free(text.data);
    return false;
}

/* (nullable) (transfer full) */
static char *
name_part(gnutls_x509_crt_t cert,
          int (*get)(gnutls_x509_crt_t, const char *, unsigned, unsigned, void *, size_t *),
          const char *oid)
{
    char text[256] = { 0 };
    size_t size = sizeof(text) - 1;

    return get(cert, oid, 0, 0, text, &size) < 0 ? NULL : g_strdup(text);
}

/* (nullable) (transfer full): the first DNS name */
static char *
dns_name(gnutls_x509_crt_t cert)
{
    for (unsigned i = 0;; i++) {
        char text[256] = { 0 };
        size_t size = sizeof(text) - 1;
        int type = gnutls_x509_crt_get_subject_alt_name(cert, i, text, &size, NULL);

        if (type == GNUTLS_SAN_DNSNAME)
            return g_strdup(text);
        if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
            return NULL;
    }
}

bool
ferry_certificate_read(const char *pem, FerryCertificateFacts **ret, GError **error)
{
    g_autoptr(FerryCertificateFacts) facts = g_new0(FerryCertificateFacts, 1);
    g_auto(gnutls_x509_crt_t) cert = NULL;
    g_autoptr(GString) hex = g_string_new(NULL);
    unsigned char digest[32];
    size_t size = sizeof(digest);

    if (!import_cert(pem, &cert, error) ||
        failed(gnutls_x509_crt_get_fingerprint(cert, GNUTLS_DIG_SHA256, digest, &size),
               "read the certificate", error))
        return false;
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(hex, "%02x", digest[i]);
    facts->name = dns_name(cert);
    if (facts->name == NULL)
        facts->name = name_part(cert, gnutls_x509_crt_get_dn_by_oid, GNUTLS_OID_X520_COMMON_NAME);
    facts->unit =
        name_part(cert, gnutls_x509_crt_get_dn_by_oid, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME);
    facts->issuer =
        name_part(cert, gnutls_x509_crt_get_issuer_dn_by_oid, GNUTLS_OID_X520_COMMON_NAME);
    facts->fingerprint = g_string_free(g_steal_pointer(&hex), FALSE);
    facts->not_before_s = gnutls_x509_crt_get_activation_time(cert);
    facts->not_after_s = gnutls_x509_crt_get_expiration_time(cert);
    *ret = g_steal_pointer(&facts);
    return true;
}
