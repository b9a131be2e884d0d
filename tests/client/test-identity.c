#include "client/identity.h"

#include <string.h>

#include "base/error.h"
#include "certificates.h"

typedef struct {
    const char *name;
    FerryRole caller;
    bool view, operate, peer;
} RoleRow;

static const RoleRow role_rows[] = {
    { "none", FERRY_ROLE_NONE, false, false, false },
    { "view", FERRY_ROLE_VIEW, true, false, false },
    { "operate", FERRY_ROLE_OPERATE, true, true, false },
    { "peer", FERRY_ROLE_PEER, false, false, true },
};

static void
test_role(gconstpointer data)
{
    const RoleRow *row = data;

    g_assert_cmpstr(ferry_role_name(row->caller), ==, row->name);
    g_assert_cmpint(ferry_role_find(row->name), ==, row->caller);
    g_assert_cmpint(ferry_role_allows(row->caller, FERRY_ROLE_VIEW), ==, row->view);
    g_assert_cmpint(ferry_role_allows(row->caller, FERRY_ROLE_OPERATE), ==, row->operate);
    g_assert_cmpint(ferry_role_allows(row->caller, FERRY_ROLE_PEER), ==, row->peer);
    g_assert_false(ferry_role_allows(row->caller, FERRY_ROLE_NONE));
}

static void
test_unknown_role_is_none(void)
{
    g_assert_cmpint(ferry_role_find("admin"), ==, FERRY_ROLE_NONE);
    g_assert_cmpint(ferry_role_find(""), ==, FERRY_ROLE_NONE);
    g_assert_cmpint(ferry_role_find("Peer"), ==, FERRY_ROLE_NONE);
}

#define LONGEST "a234567890123456789012345678901234567890123456789012345678901234"

typedef struct {
    const char *name;
    const char *text;
    bool valid;
} NameRow;

static const NameRow name_rows[] = {
    { "one-letter", "a", true },
    { "dots-and-hyphens", "node-7.rack2.example", true },
    { "upper-case", "Alpha", true },
    { "digits", "10", true },
    { "longest", LONGEST, true },
    { "too-long", LONGEST "5", false },
    { "empty", "", false },
    { "leading-dot", ".a", false },
    { "trailing-hyphen", "a-", false },
    { "slash", "a/b", false },
    { "blank", "a b", false },
    { "colon", "a:1", false },
    { "at", "user@a", false },
    { "newline", "a\nb", false },
    { "not-ascii", "\xc3\xa4", false },
};

static void
test_host_name(gconstpointer data)
{
    const NameRow *row = data;

    g_assert_cmpint(ferry_host_name_is_valid(row->text), ==, row->valid);
}

#define NO_NAME "the certificate names no host in its SAN: issue one with \"ferry pki issue\""
#define NO_ROLE                                                                                    \
    "the certificate of alpha has no single role (peer, operate, view) in its OU: issue one with " \
    "\"ferry pki issue\""

/* What ferryd says of its own certificate when it starts. */
typedef struct {
    const char *name;
    TestCertificate what;
    const char *message; /* after the path; NULL: fine */
    FerryErrorCode code;
} LoadRow;

#define INSTALL_AGAIN ". Install the host's file again with \"ferry pki install\""

static const LoadRow load_rows[] = {
    { "peer", { .name = "alpha", .units = { "peer" } }, NULL, 0 },
    { "view", { .name = "alpha", .units = { "view" } }, NULL, 0 },
    { "no-name", { .units = { "peer" } }, NO_NAME, FERRY_ERROR_DENIED },
    { "zero-byte-in-name",
      { .name = "alpha\0.evil", .name_length = 11, .units = { "peer" } },
      NO_NAME,
      FERRY_ERROR_DENIED },
    { "name-is-no-host-name",
      { .name = "*.example", .units = { "peer" } },
      NO_NAME,
      FERRY_ERROR_DENIED },
    { "no-role", { .name = "alpha" }, NO_ROLE, FERRY_ERROR_DENIED },
    { "unknown-role", { .name = "alpha", .units = { "admin" } }, NO_ROLE, FERRY_ERROR_DENIED },
    { "none-is-no-role", { .name = "alpha", .units = { "none" } }, NO_ROLE, FERRY_ERROR_DENIED },
    { "two-roles", { .name = "alpha", .units = { "view", "peer" } }, NO_ROLE, FERRY_ERROR_DENIED },
    { "expired",
      { .name = "alpha", .units = { "peer" }, .from_s = -7200, .to_s = -3600 },
      "The certificate is NOT trusted. The certificate chain uses expired "
      "certificate." INSTALL_AGAIN,
      FERRY_ERROR_INVALID },
    { "not-yet-valid",
      { .name = "alpha", .units = { "peer" }, .from_s = 3600, .to_s = 7200 },
      "The certificate is NOT trusted. The certificate chain uses not yet valid "
      "certificate." INSTALL_AGAIN,
      FERRY_ERROR_INVALID },
};

static const TestCertificate peer_alpha = { .name = "alpha", .units = { "peer" } };

typedef struct {
    char *ca, *cert, *key;
} Paths;

static void
paths_clear(Paths *self)
{
    g_free(self->ca);
    g_free(self->cert);
    g_free(self->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Paths, paths_clear)

static Paths
paths_of(const TestAuthority *authority)
{
    return (Paths){ test_authority_path(authority, "ca.crt"),
                    test_authority_path(authority, "alpha.crt"),
                    test_authority_path(authority, "alpha.key") };
}

static void
test_load(gconstpointer data)
{
    const LoadRow *row = data;
    g_autoptr(TestAuthority) authority = test_authority_new();
    g_auto(Paths) paths = paths_of(authority);
    g_autoptr(FerryIdentity) identity = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *message = NULL;

    test_authority_issue(authority, "alpha", &row->what);
    if (row->message == NULL) {
        g_assert_true(ferry_identity_load(paths.ca, paths.cert, paths.key, &identity, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(ferry_identity_me(identity)->name, ==, row->what.name);
        g_assert_cmpstr(ferry_role_name(ferry_identity_me(identity)->role), ==, row->what.units[0]);
        g_assert_cmpstr(ferry_identity_key_path(identity), ==, paths.key);
        return;
    }
    g_assert_false(ferry_identity_load(paths.ca, paths.cert, paths.key, &identity, &error));
    g_assert_error(error, FERRY_ERROR, (int)row->code);
    message = g_strconcat(paths.cert, ": ", row->message, NULL);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_null(identity);
}

/* One of the three files is not what it should be. */
typedef struct {
    const char *name;
    const char *file;    /* overwritten with... */
    const char *text;    /* ...this, or NULL: removed */
    const char *message; /* has this in it */
    FerryErrorCode code;
} BadFileRow;

static const BadFileRow bad_file_rows[] = {
    { "no-ca", "ca.crt", NULL, "No such file or directory", FERRY_ERROR_NOT_FOUND },
    { "no-key", "alpha.key", NULL, "No such file or directory", FERRY_ERROR_NOT_FOUND },
    { "empty-ca", "ca.crt", "", "holds no PEM certificate", FERRY_ERROR_INVALID },
    { "garbage-certificate", "alpha.crt", "hello", "holds no PEM certificate",
      FERRY_ERROR_INVALID },
    { "garbage-key", "alpha.key", "hello", "holds no PEM private key", FERRY_ERROR_INVALID },
};

static void
test_bad_file(gconstpointer data)
{
    const BadFileRow *row = data;
    g_autoptr(TestAuthority) authority = test_authority_new();
    g_auto(Paths) paths = paths_of(authority);
    g_autofree char *path = test_authority_path(authority, row->file);
    g_autoptr(FerryIdentity) identity = NULL;
    g_autoptr(GError) error = NULL;

    test_authority_issue(authority, "alpha", &peer_alpha);
    if (row->text == NULL)
        g_assert_cmpint(unlink(path), ==, 0);
    else
        g_assert_true(g_file_set_contents(path, row->text, -1, NULL));
    g_assert_false(ferry_identity_load(paths.ca, paths.cert, paths.key, &identity, &error));
    g_assert_error(error, FERRY_ERROR, (int)row->code);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_nonnull(strstr(error->message, row->message));
}

static void
test_key_of_another(void)
{
    g_autoptr(TestAuthority) authority = test_authority_new();
    g_auto(Paths) paths = paths_of(authority);
    g_autofree char *other = test_authority_path(authority, "beta.key");
    g_autoptr(FerryIdentity) mixed = NULL;
    g_autoptr(GError) error = NULL;

    test_authority_issue(authority, "alpha", &peer_alpha);
    test_authority_issue(authority, "beta",
                         &(TestCertificate){ .name = "beta", .units = { "peer" } });
    g_assert_false(ferry_identity_load(paths.ca, paths.cert, other, &mixed, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "is not the key of the host's certificate"));
}

static void
test_stranger(void)
{
    g_autoptr(TestAuthority) ours = test_authority_new();
    g_autoptr(TestAuthority) theirs = test_authority_new();
    g_autofree char *our_ca = test_authority_path(ours, "ca.crt");
    g_auto(Paths) paths = paths_of(theirs);
    g_autoptr(FerryIdentity) wrong = NULL;
    g_autoptr(GError) error = NULL;

    test_authority_issue(theirs, "alpha", &peer_alpha);
    g_assert_false(ferry_identity_load(our_ca, paths.cert, paths.key, &wrong, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "NOT trusted"));
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/identity/" prefix "/", (rows)[i].name, NULL);        \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("role", role_rows, test_role);
    ADD_ROWS("host-name", name_rows, test_host_name);
    ADD_ROWS("load", load_rows, test_load);
    ADD_ROWS("bad-file", bad_file_rows, test_bad_file);
    g_test_add_func("/identity/unknown-role-is-none", test_unknown_role_is_none);
    g_test_add_func("/identity/key-of-another", test_key_of_another);
    g_test_add_func("/identity/stranger", test_stranger);
    return g_test_run();
}
