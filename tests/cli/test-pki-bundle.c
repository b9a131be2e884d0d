#include "cli/pki-bundle.h"

#include <string.h>

#include "base/error.h"
#include "pki-fixture.h"

static void
test_round_trip(void)
{
    static const char *const roles[] = { "peer", "operate", "view" };
    g_auto(PkiFixture) pki = { 0 };

    pki_fixture_make(&pki);
    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++) {
        g_auto(FerryBundle) bundle = { 0 };
        g_auto(FerryBundle) again = { 0 };
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        g_autofree char *second = NULL;

        pki_fixture_issue(&pki, "alpha", roles[i], &bundle);
        text = ferry_bundle_format(&bundle);
        g_assert_true(ferry_bundle_parse(text, &again, &error));
        g_assert_no_error(error);
        second = ferry_bundle_format(&again);
        g_assert_cmpstr(second, ==, text);
        g_assert_cmpint(again.memory.cert != NULL, ==, i == 0);
    }
}

static char *
join(const char *const *blocks)
{
    return g_strjoinv("", (char **)blocks);
}

/* Whatever is missing, swapped or of somebody else: refused, and nothing returned. */
static void
test_refuses(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) a = { 0 };
    g_auto(FerryBundle) b = { 0 };

    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "peer", &a);
    pki_fixture_issue(&pki, "beta", "peer", &b);

    const struct {
        const char *blocks[8];
        const char *message;
    } rows[] = {
        { { "" }, "expected the 3 or 6 PEM blocks that \"ferry pki issue\" writes" },
        { { "hello\n" }, "expected the 3 or 6 PEM blocks" },
        { { a.host.ca, a.host.cert }, "expected the 3 or 6 PEM blocks" },
        { { a.host.ca, a.host.cert, a.host.key, a.memory.ca }, "expected the 3 or 6 PEM blocks" },
        { { a.host.ca, a.host.cert, a.host.key, a.memory.ca, a.memory.cert, a.memory.key,
            a.memory.key },
          "expected the 3 or 6 PEM blocks" },
        { { a.host.ca, a.host.key, a.host.cert }, "cannot read the certificate" },
        { { a.host.ca, a.host.cert, b.host.key }, "the key is not that of the certificate" },
        { { a.memory.ca, a.host.cert, a.host.key }, "issuer is unknown" },
        { { a.host.ca, a.host.cert, a.host.key, a.memory.ca, a.memory.cert, b.memory.key },
          "the key is not that of the certificate" },
        { { a.host.ca, a.host.cert, a.host.key, b.memory.ca, b.memory.cert, b.memory.key },
          "its second certificate is not that of alpha for guest memory" },
        { { a.host.ca, a.host.cert, a.host.key, a.host.ca, a.host.cert, a.host.key },
          "its second certificate is not that of alpha for guest memory" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = join(rows[i].blocks);
        g_auto(FerryBundle) bundle = { 0 };
        g_autoptr(GError) error = NULL;

        g_test_message("row %zu", i);
        g_assert_false(ferry_bundle_parse(text, &bundle, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        if (strstr(error->message, rows[i].message) == NULL)
            g_error("row %zu says: %s", i, error->message);
        g_assert_null(bundle.host.ca);
    }
}

/* Cut anywhere before its last line it is refused; the rest of that line GnuTLS does not miss. */
static void
test_truncated(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) whole = { 0 };
    g_autofree char *text = NULL;

    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "view", &whole);
    text = ferry_bundle_format(&whole);
    for (size_t length = 0; length < (size_t)(g_strrstr(text, "-----END") - text); length++) {
        g_autofree char *cut = g_strndup(text, length);
        g_auto(FerryBundle) bundle = { 0 };
        g_assert_false(ferry_bundle_parse(cut, &bundle, NULL));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pki-bundle/round-trip", test_round_trip);
    g_test_add_func("/pki-bundle/refuses", test_refuses);
    g_test_add_func("/pki-bundle/truncated", test_truncated);
    return g_test_run();
}
