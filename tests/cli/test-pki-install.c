#include "cli/pki-install.h"

#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "pki-fixture.h"

/* A host with both folders, neither made yet. */
typedef struct {
    char *root, *tls, *qemu;
} Host;

static const char *const files[] = {
    "tls/ca.pem",          "tls/cert.pem",         "tls/key.pem",          "qemu/ca-cert.pem",
    "qemu/server-key.pem", "qemu/server-cert.pem", "qemu/client-cert.pem", "qemu/client-key.pem",
};

static void
host_make(Host *ret)
{
    ret->root = g_dir_make_tmp("ferry-pki-XXXXXX", NULL);
    ret->tls = g_build_filename(ret->root, "tls", NULL);
    ret->qemu = g_build_filename(ret->root, "qemu", NULL);
}

static void
host_clear(Host *self)
{
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(self->root, files[i], NULL);
        (void)g_remove(path); /* not every test makes all */
    }
    (void)g_rmdir(self->tls);
    (void)g_rmdir(self->qemu);
    g_assert_cmpint(g_rmdir(self->root), ==, 0); /* nothing was left: no temporary file */
    g_free(self->root);
    g_free(self->tls);
    g_free(self->qemu);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

/* (nullable) */
static char *
host_text(const Host *self, const char *file)
{
    g_autofree char *path = g_build_filename(self->root, file, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void
host_write(const Host *self, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(self->root, file, NULL);
    g_autofree char *dir = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
assert_text(const Host *host, const char *file, const char *expected)
{
    g_autofree char *text = host_text(host, file);

    g_assert_cmpstr(text, ==, expected);
}

static bool
install(const Host *host, const FerryBundle *bundle, FerryInstallForeign foreign, GError **error)
{
    const FerryInstallPlan plan = { host->tls, host->qemu, foreign };
    g_autofree char *notes = NULL;
    bool ok = ferry_install(bundle, &plan, &notes, error);

    g_assert_cmpint(notes != NULL, ==, ok);
    return ok;
}

static void
test_fresh(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_auto(Host) host = { 0 };

    host_make(&host);
    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "peer", &bundle);
    g_assert_true(install(&host, &bundle, FERRY_INSTALL_REFUSE, NULL));
    assert_text(&host, "tls/ca.pem", bundle.host.ca);
    assert_text(&host, "tls/cert.pem", bundle.host.cert);
    assert_text(&host, "tls/key.pem", bundle.host.key);
    assert_text(&host, "qemu/ca-cert.pem", bundle.memory.ca);
    assert_text(&host, "qemu/server-cert.pem", bundle.memory.cert);
    assert_text(&host, "qemu/server-key.pem", bundle.memory.key);
    assert_text(&host, "qemu/client-cert.pem", bundle.memory.cert);
    assert_text(&host, "qemu/client-key.pem", bundle.memory.key);
}

/* Keys are never readable by others; ferryd's not even by a group, for QEMU's user is in one. */
static void
test_modes(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_auto(Host) host = { 0 };

    host_make(&host);
    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "peer", &bundle);
    g_assert_true(install(&host, &bundle, FERRY_INSTALL_REFUSE, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(host.root, files[i], NULL);
        struct stat info;

        g_assert_cmpint(stat(path, &info), ==, 0);
        if (g_str_has_prefix(files[i], "tls/key"))
            g_assert_cmpint(info.st_mode & 0777, ==, 0600);
        else if (strstr(files[i], "key"))
            g_assert_cmpint(info.st_mode & 0737, ==, 0600); /* and the group may read, or not */
        else
            g_assert_cmpint(info.st_mode & 0777, ==, 0644);
    }
}

static void
test_view_needs_no_qemu(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_auto(Host) host = { 0 };

    host_make(&host);
    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "joe", "view", &bundle);
    g_assert_true(install(&host, &bundle, FERRY_INSTALL_REFUSE, NULL));
    assert_text(&host, "tls/key.pem", bundle.host.key);
    g_assert_false(g_file_test(host.qemu, G_FILE_TEST_EXISTS));
}

/* A host's next certificate takes the place of the one before it, without --force. */
static void
test_renewal(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) first = { 0 };
    g_auto(FerryBundle) next = { 0 };
    g_auto(Host) host = { 0 };
    g_autoptr(GError) error = NULL;

    host_make(&host);
    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "peer", &first);
    pki_fixture_issue(&pki, "alpha", "peer", &next);
    g_assert_true(install(&host, &first, FERRY_INSTALL_REFUSE, NULL));
    g_assert_true(install(&host, &next, FERRY_INSTALL_REFUSE, &error));
    g_assert_no_error(error);
    assert_text(&host, "tls/cert.pem", next.host.cert);
    assert_text(&host, "qemu/client-key.pem", next.memory.key);
}

typedef struct {
    const char *name;
    const char *file, *text; /* text NULL: the other bundle is installed */
    const char *other_name;
    bool other_authority;
    const char *message; /* part of it */
} ForeignRow;

/* clang-format off */
static const ForeignRow foreign_rows[] = {
    { "another-host",      NULL, NULL, "beta",  false, "/tls/cert.pem is already there and is of beta, issued by hosts" },
    { "another-authority", NULL, NULL, "alpha", true,  "/tls/cert.pem is already there and is of alpha, issued by hosts" },
    { "no-certificate",    "tls/ca.pem", "hello\n", NULL, false, "/tls/ca.pem is already there and holds no certificate" },
    { "key-alone",         "tls/key.pem", "key\n", NULL, false, "/tls/key.pem is already there and has no certificate beside it" },
    { "qemu-key-alone",    "qemu/server-key.pem", "key\n", NULL, false,
      "Nothing was installed: run again with --force to replace it, or with --keep-qemu to leave QEMU's credentials alone" },
};
/* clang-format on */

/* What is somebody else's stays, and nothing at all is written, until --force. */
static void
test_foreign(gconstpointer data)
{
    const ForeignRow *row = data;
    g_auto(PkiFixture) pki = { 0 };
    g_auto(PkiFixture) other_pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_auto(FerryBundle) other = { 0 };
    g_auto(Host) host = { 0 };
    g_autoptr(GError) error = NULL;
    const char *file = row->file ? row->file : "tls/cert.pem";
    g_autofree char *before = NULL;

    host_make(&host);
    pki_fixture_make(&pki);
    pki_fixture_make(&other_pki);
    pki_fixture_issue(&pki, "alpha", "peer", &bundle);
    if (row->file) {
        host_write(&host, row->file, row->text);
    } else {
        pki_fixture_issue(row->other_authority ? &other_pki : &pki, row->other_name, "peer",
                          &other);
        g_assert_true(install(&host, &other, FERRY_INSTALL_REFUSE, NULL));
    }
    before = host_text(&host, file);

    g_assert_false(install(&host, &bundle, FERRY_INSTALL_REFUSE, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_nonnull(strstr(error->message, row->message));
    assert_text(&host, file, before);
    if (row->file && strcmp(file, "tls/ca.pem") != 0)
        assert_text(&host, "tls/ca.pem", NULL);

    g_assert_true(install(&host, &bundle, FERRY_INSTALL_REPLACE, NULL));
    assert_text(&host, "tls/key.pem", bundle.host.key);
    assert_text(&host, "qemu/server-key.pem", bundle.memory.key);
}

static void
test_keep_qemu(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_auto(Host) host = { 0 };
    g_autofree char *notes = NULL;

    host_make(&host);
    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "peer", &bundle);
    host_write(&host, "qemu/server-key.pem", "theirs\n");
    const FerryInstallPlan plan = { host.tls, NULL, FERRY_INSTALL_REFUSE };
    g_assert_true(ferry_install(&bundle, &plan, &notes, NULL));
    assert_text(&host, "tls/key.pem", bundle.host.key);
    assert_text(&host, "qemu/server-key.pem", "theirs\n");
    assert_text(&host, "qemu/ca-cert.pem", NULL);
}

static void
test_folder_cannot_be_made(void)
{
    g_auto(PkiFixture) pki = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *notes = NULL;
    const FerryInstallPlan plan = { "/dev/null/tls", NULL, FERRY_INSTALL_REPLACE };

    pki_fixture_make(&pki);
    pki_fixture_issue(&pki, "alpha", "view", &bundle);
    g_assert_false(ferry_install(&bundle, &plan, &notes, &error));
    g_assert_nonnull(error);
    g_assert_true(g_str_has_prefix(error->message, "cannot make folder /dev/null/tls: "));
    g_assert_null(notes);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pki-install/fresh", test_fresh);
    g_test_add_func("/pki-install/modes", test_modes);
    g_test_add_func("/pki-install/view-needs-no-qemu", test_view_needs_no_qemu);
    g_test_add_func("/pki-install/renewal", test_renewal);
    for (size_t i = 0; i < G_N_ELEMENTS(foreign_rows); i++) {
        g_autofree char *path = g_strdup_printf("/pki-install/foreign/%s", foreign_rows[i].name);
        g_test_add_data_func(path, &foreign_rows[i], test_foreign);
    }
    g_test_add_func("/pki-install/keep-qemu", test_keep_qemu);
    g_test_add_func("/pki-install/folder-cannot-be-made", test_folder_cannot_be_made);
    return g_test_run();
}
