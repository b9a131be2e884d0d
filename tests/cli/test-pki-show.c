#include "cli/pki-show.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "pki-fixture.h"

/* A folder with one file of PEM text; both go at the end of the scope. */
typedef struct {
    char *dir, *path;
} Place;

static void
place_make(Place *ret, const char *name, const char *text)
{
    ret->dir = g_dir_make_tmp("ferry-pki-XXXXXX", NULL);
    ret->path = g_build_filename(ret->dir, name, NULL);
    g_assert_true(g_file_set_contents(ret->path, text, -1, NULL));
}

static void
place_clear(Place *self)
{
    g_assert_cmpint(g_remove(self->path) | g_rmdir(self->dir), ==, 0);
    g_free(self->dir);
    g_free(self->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static const FerryPkiFolders nowhere = { "/nonexistent/a", "/nonexistent/b", "/nonexistent/c" };

static const char *
member(const json_t *document, size_t i, const char *key)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(document, "certificates"), i), key));
}

/* Of a whole bundle: every certificate in it, in its order, and no key. */
static void
test_bundle(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_autofree char *text = NULL;
    g_auto(Place) place = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *dumped = NULL;
    json_t *document = NULL;

    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "peer", &bundle);
    text = ferry_bundle_format(&bundle);
    place_make(&place, "alpha.pem", text);
    g_assert_true(ferry_pki_show(&nowhere, place.path, pki_now_s(), &document, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(json_array_size(json_object_get(document, "certificates")), ==, 4);
    g_assert_null(member(document, 0, "role"));
    g_assert_cmpstr(member(document, 1, "name"), ==, "alpha");
    g_assert_cmpstr(member(document, 1, "role"), ==, "peer");
    g_assert_cmpstr(member(document, 1, "issuer"), ==, member(document, 0, "name"));
    g_assert_cmpstr(member(document, 1, "file"), ==, place.path);
    g_assert_cmpstr(member(document, 3, "role"), ==, FERRY_BUNDLE_MEMORY_UNIT);
    dumped = json_dumps(document, 0);
    g_assert_null(strstr(dumped, "PRIVATE"));
    json_decref(document);
}

/* The state of a certificate that is valid from an hour ago for a day. */
static void
test_states(void)
{
    static const struct {
        int64_t offset_s;
        const char *state;
    } rows[] = {
        { -2 * 3600, "early" },
        { 0, "valid" },
        { 23 * 3600, "valid" },
        { 25 * 3600, "expired" },
    };
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_auto(Place) place = { 0 };

    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "view", &bundle);
    place_make(&place, "cert.pem", bundle.host.cert);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *document = NULL;

        g_assert_true(
            ferry_pki_show(&nowhere, place.path, pki_now_s() + rows[i].offset_s, &document, NULL));
        g_assert_cmpstr(member(document, 0, "state"), ==, rows[i].state);
        json_decref(document);
    }
}

/* Folders: what is not there is passed over; only when nothing is there it is an error. */
static void
test_folders(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(Place) place = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *document = NULL;

    pki_fixture_make(&pki);
    place_make(&place, "ca.pem", pki.hosts.cert);
    const FerryPkiFolders folders = { nowhere.pki_dir, place.dir, nowhere.qemu_dir };
    g_assert_true(ferry_pki_show(&folders, NULL, pki_now_s(), &document, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(json_array_size(json_object_get(document, "certificates")), ==, 1);
    json_decref(document);

    document = NULL;
    g_assert_false(ferry_pki_show(&nowhere, NULL, pki_now_s(), &document, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_null(document);
    g_assert_nonnull(strstr(error->message, "make an authority with \"ferry pki init\""));
}

static void
test_no_certificate(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "hello\n", "holds no PEM certificate" },
        { "", "holds no PEM certificate" },
        { "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
          "cannot read the certificate" },
        { "-----BEGIN CERTIFICATE-----", "cannot read the certificate" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Place) place = { 0 };
        g_autoptr(GError) error = NULL;
        json_t *document = NULL;

        place_make(&place, "x.pem", rows[i].text);
        g_assert_false(ferry_pki_show(&nowhere, place.path, pki_now_s(), &document, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_true(g_str_has_prefix(error->message, place.path));
        g_assert_nonnull(strstr(error->message, rows[i].message));
        g_assert_null(document);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pki-show/bundle", test_bundle);
    g_test_add_func("/pki-show/states", test_states);
    g_test_add_func("/pki-show/folders", test_folders);
    g_test_add_func("/pki-show/no-certificate", test_no_certificate);
    return g_test_run();
}
