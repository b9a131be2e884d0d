#include "cli/pki-certificate.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "client/identity.h"

#define DAY_S (24 * 3600)

static int64_t
now_s(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static void
make_authority(int64_t at_s, FerryCredentials *ret)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_certificate_new_authority("test CA", at_s, ret, &error));
    g_assert_no_error(error);
}

static void
issue(const FerryCredentials *authority, const char *name, int64_t at_s, FerryCredentials *ret)
{
    const FerryCertificateRequest request = { .name = name, .unit = "peer", .days = 30 };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_certificate_issue(authority, &request, at_s, ret, &error));
    g_assert_no_error(error);
}

/* What is issued is what the ferryds believe: name, role and key fit. */
static void
test_identity_takes_it(void)
{
    g_autofree char *dir = g_dir_make_tmp("ferry-pki-XXXXXX", NULL);
    g_auto(FerryCredentials) authority = { 0 };
    g_auto(FerryCredentials) made = { 0 };
    g_autoptr(FerryIdentity) identity = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *ca = g_build_filename(dir, "ca.pem", NULL);
    g_autofree char *cert = g_build_filename(dir, "cert.pem", NULL);
    g_autofree char *key = g_build_filename(dir, "key.pem", NULL);

    make_authority(now_s(), &authority);
    issue(&authority, "alpha", now_s(), &made);
    g_assert_true(g_file_set_contents(ca, made.ca, -1, NULL));
    g_assert_true(g_file_set_contents(cert, made.cert, -1, NULL));
    g_assert_true(g_file_set_contents(key, made.key, -1, NULL));
    g_assert_true(ferry_identity_load(ca, cert, key, &identity, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(ferry_identity_me(identity)->name, ==, "alpha");
    g_assert_cmpint(ferry_identity_me(identity)->role, ==, FERRY_ROLE_PEER);
    g_assert_cmpint(g_remove(ca) | g_remove(cert) | g_remove(key) | g_rmdir(dir), ==, 0);
}

static void
test_facts(void)
{
    g_auto(FerryCredentials) authority = { 0 };
    g_auto(FerryCredentials) made = { 0 };
    g_autoptr(FerryCertificateFacts) of_authority = NULL;
    g_autoptr(FerryCertificateFacts) facts = NULL;

    make_authority(1000000000, &authority);
    issue(&authority, "alpha.example", 1000000000, &made);
    g_assert_true(ferry_certificate_read(authority.cert, &of_authority, NULL));
    g_assert_true(g_str_has_prefix(of_authority->name, "test CA "));
    g_assert_cmpstr(of_authority->issuer, ==, of_authority->name);
    g_assert_null(of_authority->unit);
    g_assert_true(ferry_certificate_read(made.cert, &facts, NULL));
    g_assert_cmpstr(facts->name, ==, "alpha.example");
    g_assert_cmpstr(facts->unit, ==, "peer");
    g_assert_cmpstr(facts->issuer, ==, of_authority->name);
    g_assert_cmpuint(strlen(facts->fingerprint), ==, 64);
    g_assert_cmpint(facts->not_before_s, ==, 1000000000 - 3600);
    g_assert_cmpint(facts->not_after_s, ==, 1000000000 + 30 * DAY_S);
}

/* Two authorities and two serial numbers are never the same. */
static void
test_each_is_new(void)
{
    g_auto(FerryCredentials) first = { 0 };
    g_auto(FerryCredentials) second = { 0 };
    g_auto(FerryCredentials) one = { 0 };
    g_auto(FerryCredentials) other = { 0 };

    make_authority(now_s(), &first);
    make_authority(now_s(), &second);
    issue(&first, "alpha", now_s(), &one);
    issue(&first, "alpha", now_s(), &other);
    g_assert_cmpstr(first.cert, !=, second.cert);
    g_assert_cmpstr(one.cert, !=, other.cert);
    g_assert_cmpstr(one.key, !=, other.key);
}

static void
test_ends_with_its_authority(void)
{
    const FerryCertificateRequest request = { .name = "a", .unit = "view", .days = 100 };
    g_auto(FerryCredentials) authority = { 0 };
    g_auto(FerryCredentials) made = { 0 };
    g_autoptr(FerryCertificateFacts) facts = NULL;
    g_autoptr(FerryCertificateFacts) of_authority = NULL;
    g_autoptr(GError) error = NULL;
    int64_t start_s = 1000000000;

    make_authority(start_s, &authority);
    g_assert_true(ferry_certificate_read(authority.cert, &of_authority, NULL));
    g_assert_true(ferry_certificate_issue(&authority, &request, of_authority->not_after_s - DAY_S,
                                          &made, NULL));
    g_assert_true(ferry_certificate_read(made.cert, &facts, NULL));
    g_assert_cmpint(facts->not_after_s, ==, of_authority->not_after_s);
    ferry_credentials_clear(&made);

    g_assert_false(
        ferry_certificate_issue(&authority, &request, of_authority->not_after_s, &made, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "the authority has expired");
    g_assert_null(made.cert);
}

typedef struct {
    const char *name;
    const char *addresses[3];
    const char *message; /* NULL: accepted */
} AddressRow;

static const AddressRow address_rows[] = {
    { "none", { NULL }, NULL },
    { "both-kinds", { "192.0.2.1", "2001:db8::1", NULL }, NULL },
    { "a-name", { "alpha", NULL }, "\"alpha\" is not an IP address" },
    { "empty", { "", NULL }, "\"\" is not an IP address" },
    { "with-a-port", { "192.0.2.1:1", NULL }, "\"192.0.2.1:1\" is not an IP address" },
};

static void
test_addresses(gconstpointer data)
{
    const AddressRow *row = data;
    const FerryCertificateRequest request = {
        .name = "alpha", .unit = "peer", .addresses = row->addresses, .days = 1
    };
    g_auto(FerryCredentials) authority = { 0 };
    g_auto(FerryCredentials) made = { 0 };
    g_autoptr(GError) error = NULL;

    make_authority(now_s(), &authority);
    g_assert_cmpint(ferry_certificate_issue(&authority, &request, now_s(), &made, &error), ==,
                    row->message == NULL);
    g_assert_cmpstr(error ? error->message : NULL, ==, row->message);
}

/* The parts of two certificates do not fit, nor does one that is not valid today. */
static void
test_check(void)
{
    g_auto(FerryCredentials) first = { 0 };
    g_auto(FerryCredentials) second = { 0 };
    g_auto(FerryCredentials) good = { 0 };
    g_auto(FerryCredentials) other = { 0 };
    g_auto(FerryCredentials) expired = { 0 };
    g_auto(FerryCredentials) early = { 0 };

    make_authority(now_s() - 100 * DAY_S, &first);
    make_authority(now_s(), &second);
    issue(&first, "alpha", now_s(), &good);
    issue(&first, "beta", now_s(), &other);
    issue(&first, "alpha", now_s() - 40 * DAY_S, &expired);
    issue(&first, "alpha", now_s() + 2 * DAY_S, &early);

    const struct {
        FerryCredentials parts;
        const char *message; /* part of it; NULL: fine */
    } rows[] = {
        { good, NULL },
        { { good.ca, good.cert, other.key }, "the key is not that of the certificate" },
        { { second.cert, good.cert, good.key }, "issuer is unknown" },
        { expired, "uses expired certificate" },
        { early, "not yet valid certificate" },
        { { (char *)"no PEM", good.cert, good.key }, "cannot read the certificate" },
        { { good.ca, (char *)"", good.key }, "cannot read the certificate" },
        { { good.ca, good.cert, good.cert }, "cannot read the key" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("row %zu", i);
        g_assert_cmpint(ferry_credentials_check(&rows[i].parts, &error), ==,
                        rows[i].message == NULL);
        if (rows[i].message == NULL)
            continue;
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        if (strstr(error->message, rows[i].message) == NULL)
            g_error("row %zu says: %s", i, error->message);
    }
}

/* A key of another authority makes certificates that nobody would believe. */
static void
test_authority_must_fit(void)
{
    const FerryCertificateRequest request = { .name = "alpha", .unit = "peer", .days = 1 };
    g_auto(FerryCredentials) first = { 0 };
    g_auto(FerryCredentials) second = { 0 };
    g_auto(FerryCredentials) made = { 0 };
    g_autoptr(GError) error = NULL;

    make_authority(now_s(), &first);
    make_authority(now_s(), &second);
    FerryCredentials mixed = { NULL, first.cert, second.key };
    g_assert_false(ferry_certificate_issue(&mixed, &request, now_s(), &made, &error));
    g_assert_cmpstr(error->message, ==,
                    "the authority cannot be used: the key is not that of the certificate");
    g_assert_null(made.cert);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pki-certificate/identity-takes-it", test_identity_takes_it);
    g_test_add_func("/pki-certificate/facts", test_facts);
    g_test_add_func("/pki-certificate/each-is-new", test_each_is_new);
    g_test_add_func("/pki-certificate/ends-with-its-authority", test_ends_with_its_authority);
    for (size_t i = 0; i < G_N_ELEMENTS(address_rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/pki-certificate/addresses/%s", address_rows[i].name);
        g_test_add_data_func(path, &address_rows[i], test_addresses);
    }
    g_test_add_func("/pki-certificate/check", test_check);
    g_test_add_func("/pki-certificate/authority-must-fit", test_authority_must_fit);
    return g_test_run();
}
