#include "client/identity.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define PEM_MAX_BYTES   (256 * 1024)
#define NAME_MAX_LENGTH 64

struct _FerryIdentity {
    char *ca_path, *cert_path, *key_path;
    char *ca_pem, *cert_pem, *key_pem;
    FerryPeerName *me;
};

static const char *const role_names[] = {
    [FERRY_ROLE_NONE] = "none",
    [FERRY_ROLE_VIEW] = "view",
    [FERRY_ROLE_OPERATE] = "operate",
    [FERRY_ROLE_PEER] = "peer",
};
G_STATIC_ASSERT(G_N_ELEMENTS(role_names) == FERRY_N_ROLES);

/* clang-format off */
static const bool allowed[FERRY_N_ROLES][FERRY_N_ROLES] = {
    /*  caller                 what is called asks for */
    [FERRY_ROLE_VIEW]    = { [FERRY_ROLE_VIEW] = true },
    [FERRY_ROLE_OPERATE] = { [FERRY_ROLE_VIEW] = true, [FERRY_ROLE_OPERATE] = true },
    [FERRY_ROLE_PEER]    = { [FERRY_ROLE_PEER] = true },
};
/* clang-format on */

const char *
ferry_role_name(FerryRole role)
{
    g_assert(role < FERRY_N_ROLES);
    return role_names[role];
}

FerryRole
ferry_role_find(const char *name)
{
    for (unsigned role = 0; role < FERRY_N_ROLES; role++) {
        if (strcmp(role_names[role], name) == 0)
            return (FerryRole)role;
    }
    return FERRY_ROLE_NONE;
}

bool
ferry_role_allows(FerryRole caller, FerryRole needed)
{
    g_assert(caller < FERRY_N_ROLES && needed < FERRY_N_ROLES);
    return allowed[caller][needed];
}

bool
ferry_host_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_LENGTH)
        return false;
    if (!g_ascii_isalnum(name[0]) || !g_ascii_isalnum(name[length - 1]))
        return false;
    for (const char *c = name; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && *c != '.' && *c != '-')
            return false;
    }
    return true;
}

void
ferry_peer_name_free(FerryPeerName *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self);
}

/* The first DNS name; other kinds (an address, say) may stand beside it.  (nullable) */
static char *
read_name(gnutls_x509_crt_t certificate)
{
    for (unsigned i = 0;; i++) {
        char buffer[NAME_MAX_LENGTH + 1] = { 0 };
        size_t size = NAME_MAX_LENGTH;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, buffer, &size, NULL);

        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue; /* longer than a name may be */
        if (type < 0)
            return NULL;
        if (type != GNUTLS_SAN_DNSNAME)
            continue;
        /* A 0 byte within would make two readers see two names. */
        if (strlen(buffer) == size && ferry_host_name_is_valid(buffer))
            return g_strdup(buffer);
        return NULL;
    }
}

static FerryRole
read_role(gnutls_x509_crt_t certificate)
{
    char unit[32] = { 0 };
    size_t size = sizeof(unit);

    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, 0, 0,
                                      unit, &size) < 0)
        return FERRY_ROLE_NONE;
    size = 0;
    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, 1, 0,
                                      NULL, &size) != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return FERRY_ROLE_NONE; /* a second unit: which one counts? */
    return ferry_role_find(unit);
}

bool
ferry_peer_name_of_certificate(gnutls_x509_crt_t certificate, FerryPeerName **ret, GError **error)
{
    g_autofree char *name = read_name(certificate);
    FerryRole role = read_role(certificate);

    if (name == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED,
                    "the certificate names no host in its SAN: issue one with \"ferry pki issue\"");
        return false;
    }
    if (role == FERRY_ROLE_NONE) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED,
                    "the certificate of %s has no single role (peer, operate, view) in its OU: "
                    "issue one with \"ferry pki issue\"",
                    name);
        return false;
    }
    *ret = g_new0(FerryPeerName, 1);
    (*ret)->name = g_steal_pointer(&name);
    (*ret)->role = role;
    return true;
}

/* "The certificate is NOT trusted. The certificate issuer is unknown. " */
static char *
describe_status(unsigned status)
{
    gnutls_datum_t text = { NULL, 0 };
    char *copy = NULL;

    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
        return g_strdup("it does not verify");
    copy = g_strchomp(g_strdup((const char *)text.data));
    gnutls_free(text.data);
    return copy;
}

static bool
verify_chain(gnutls_session_t session, FerryEnd end, GError **error)
{
    static const char *const purposes[] = {
        [FERRY_END_CLIENT] = GNUTLS_KP_TLS_WWW_CLIENT, [FERRY_END_SERVER] = GNUTLS_KP_TLS_WWW_SERVER
    };
    gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                      .data = (unsigned char *)purposes[end] };
    g_autofree char *text = NULL;
    unsigned status = 0;
    int code = gnutls_certificate_verify_peers(session, &purpose, 1, &status);

    if (code < 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED, "no usable certificate: %s",
                    gnutls_strerror(code));
        return false;
    }
    if (status == 0)
        return true;
    text = describe_status(status);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED, "the certificate is refused: %s", text);
    return false;
}

static void
crt_clear(gnutls_x509_crt_t *certificate)
{
    if (*certificate != NULL)
        gnutls_x509_crt_deinit(*certificate);
}

bool
ferry_peer_name_of_session(gnutls_session_t session,
                           FerryEnd end,
                           FerryPeerName **ret,
                           GError **error)
{
    __attribute__((cleanup(crt_clear))) gnutls_x509_crt_t certificate = NULL;
    const gnutls_datum_t *chain = NULL;
    unsigned n_chain = 0;

    if (!verify_chain(session, end, error))
        return false;
    chain = gnutls_certificate_get_peers(session, &n_chain);
    if (chain == NULL || n_chain == 0 || gnutls_x509_crt_init(&certificate) < 0 ||
        gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) < 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED, "no readable certificate");
        return false;
    }
    return ferry_peer_name_of_certificate(certificate, ret, error);
}

void
ferry_identity_free(FerryIdentity *self)
{
    if (self == NULL)
        return;
    g_free(self->ca_path);
    g_free(self->cert_path);
    g_free(self->key_path);
    g_free(self->ca_pem);
    g_free(self->cert_pem);
    if (self->key_pem != NULL)
        gnutls_memset(self->key_pem, 0, strlen(self->key_pem));
    g_free(self->key_pem);
    ferry_peer_name_free(self->me);
    g_free(self);
}

static bool
refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "%s: %s. Install the host's file again with \"ferry pki install\"", path, why);
    return false;
}

static gnutls_datum_t
datum_of(const char *pem)
{
    return (gnutls_datum_t){ (unsigned char *)pem, (unsigned)strlen(pem) };
}

/* Chain, dates and name of our own certificate: better found here than by the first peer. */
static bool
check_certificate(FerryIdentity *self, gnutls_x509_crt_t certificate, GError **error)
{
    __attribute__((cleanup(crt_clear))) gnutls_x509_crt_t authority = NULL;
    gnutls_datum_t cert_pem = datum_of(self->cert_pem), ca_pem = datum_of(self->ca_pem);
    g_autofree char *text = NULL;
    unsigned status = 0;
    int code = 0;

    if (gnutls_x509_crt_init(&authority) < 0 ||
        gnutls_x509_crt_import(authority, &ca_pem, GNUTLS_X509_FMT_PEM) < 0)
        return refuse(error, self->ca_path, "holds no PEM certificate");
    if (gnutls_x509_crt_import(certificate, &cert_pem, GNUTLS_X509_FMT_PEM) < 0)
        return refuse(error, self->cert_path, "holds no PEM certificate");
    code = gnutls_x509_crt_list_verify(&certificate, 1, &authority, 1, NULL, 0, 0, &status);
    if (code < 0)
        return refuse(error, self->cert_path, gnutls_strerror(code));
    if (status != 0) {
        text = describe_status(status);
        return refuse(error, self->cert_path, text);
    }
    if (!ferry_peer_name_of_certificate(certificate, &self->me, error)) {
        g_prefix_error(error, "%s: ", self->cert_path);
        return false;
    }
    return true;
}

static bool
check_key(const FerryIdentity *self, gnutls_x509_crt_t certificate, GError **error)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_datum_t pem = datum_of(self->key_pem);
    unsigned char of_key[64], of_certificate[64];
    size_t n_key = sizeof(of_key), n_certificate = sizeof(of_certificate);
    bool readable = false, same = false;

    if (gnutls_x509_privkey_init(&key) < 0)
        return refuse(error, self->key_path, "cannot be read");
    readable =
        gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) >= 0;
    same = readable && gnutls_x509_privkey_get_key_id(key, 0, of_key, &n_key) >= 0 &&
           gnutls_x509_crt_get_key_id(certificate, 0, of_certificate, &n_certificate) >= 0 &&
           n_key == n_certificate && memcmp(of_key, of_certificate, n_key) == 0;
    gnutls_x509_privkey_deinit(key);
    if (!readable)
        return refuse(error, self->key_path, "holds no PEM private key");
    if (!same)
        return refuse(error, self->key_path, "is not the key of the host's certificate");
    return true;
}

bool
ferry_identity_load(const char *ca_path,
                    const char *cert_path,
                    const char *key_path,
                    FerryIdentity **ret,
                    GError **error)
{
    __attribute__((cleanup(crt_clear))) gnutls_x509_crt_t certificate = NULL;
    g_autoptr(FerryIdentity) self = g_new0(FerryIdentity, 1);

    self->ca_path = g_strdup(ca_path);
    self->cert_path = g_strdup(cert_path);
    self->key_path = g_strdup(key_path);
    if (!ferry_file_read(ca_path, PEM_MAX_BYTES, &self->ca_pem, error) ||
        !ferry_file_read(cert_path, PEM_MAX_BYTES, &self->cert_pem, error) ||
        !ferry_file_read(key_path, PEM_MAX_BYTES, &self->key_pem, error))
        return false;
    if (gnutls_x509_crt_init(&certificate) < 0)
        return refuse(error, cert_path, "cannot be read");
    if (!check_certificate(self, certificate, error) || !check_key(self, certificate, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}

const FerryPeerName *
ferry_identity_me(const FerryIdentity *self)
{
    return self->me;
}

const char *
ferry_identity_ca_path(const FerryIdentity *self)
{
    return self->ca_path;
}

const char *
ferry_identity_cert_path(const FerryIdentity *self)
{
    return self->cert_path;
}

const char *
ferry_identity_key_path(const FerryIdentity *self)
{
    return self->key_path;
}

const char *
ferry_identity_ca_pem(const FerryIdentity *self)
{
    return self->ca_pem;
}

const char *
ferry_identity_cert_pem(const FerryIdentity *self)
{
    return self->cert_pem;
}

const char *
ferry_identity_key_pem(const FerryIdentity *self)
{
    return self->key_pem;
}
