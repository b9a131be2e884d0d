#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/groups.h"
#include "cli/pki-bundle.h"
#include "cli/pki-install.h"
#include "cli/pki-show.h"
#include "client/identity.h"

#define PKI_DIR       "/etc/ferry/pki"
#define BUNDLE_MAX    (1024 * 1024)
#define PEM_MAX_BYTES (256 * 1024)
#define DAYS          730
#define DAYS_MAX      3650

/* The authorities of a site, as they lie in their folder: "ca.pem" with "ca-key.pem". */
typedef struct {
    const char *file, *name;
} Authority;

static const Authority host_authority = { "ca", "ferry CA" };
static const Authority memory_authority = { "memory-ca", "ferry guest memory CA" };

static int64_t
now_s(void)
{
    const FerryClock *clock = ferry_clock_system();

    return clock->wall_us(clock) / G_USEC_PER_SEC;
}

static const char *
value_or(const FerryArguments *arguments, const char *option, const char *otherwise)
{
    const char *value = ferry_arguments_value(arguments, option);

    return value ? value : otherwise;
}

static char *
path_in(const char *dir, const Authority *authority, const char *end)
{
    g_autofree char *name = g_strconcat(authority->file, end, NULL);

    return g_build_filename(dir, name, NULL);
}

/* The certificate is written last: without it there is no authority, and init may run again. */
static bool
make_authority(const char *dir, const Authority *authority, GError **error)
{
    g_auto(FerryCredentials) made = { NULL, NULL, NULL };
    g_autofree char *cert_path = path_in(dir, authority, ".pem");
    g_autofree char *key_path = path_in(dir, authority, "-key.pem");

    return ferry_certificate_new_authority(authority->name, now_s(), &made, error) &&
           ferry_file_write(key_path, made.key, 0600, error) &&
           ferry_file_write(cert_path, made.cert, 0644, error);
}

static int
init(FerryArguments *arguments)
{
    const char *dir = value_or(arguments, "dir", PKI_DIR);
    g_autofree char *cert_path = path_in(dir, &host_authority, ".pem");
    g_autoptr(GError) error = NULL;

    if (g_file_test(cert_path, G_FILE_TEST_EXISTS)) {
        g_set_error(&error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                    "%s is already there: issue with it, or move it away to start anew, after "
                    "which every host needs a new certificate",
                    cert_path);
        return ferry_command_fail(error);
    }
    if (g_mkdir_with_parents(dir, 0755) < 0) {
        (void)ferry_error_set_errno(&error, errno, "make folder", dir);
        return ferry_command_fail(error);
    }
    if (!make_authority(dir, &memory_authority, &error) ||
        !make_authority(dir, &host_authority, &error))
        return ferry_command_fail(error);
    fprintf(stderr,
            "The authority is in %s. Keep its keys from others: who has them is every host.\n"
            "Now, for each host:  ferry pki issue HOST | ssh root@HOST ferry pki install -\n",
            dir);
    return FERRY_EXIT_DONE;
}

static bool
issue_one(const char *dir,
          const Authority *authority,
          const FerryCertificateRequest *request,
          FerryCredentials *ret,
          GError **error)
{
    g_auto(FerryCredentials) signer = { NULL, NULL, NULL };
    g_autofree char *cert_path = path_in(dir, authority, ".pem");
    g_autofree char *key_path = path_in(dir, authority, "-key.pem");

    if (!ferry_file_read(cert_path, PEM_MAX_BYTES, &signer.cert, error) ||
        !ferry_file_read(key_path, PEM_MAX_BYTES, &signer.key, error)) {
        g_prefix_error(error, "no authority to issue with, \"ferry pki init\" makes one: ");
        return false;
    }
    return ferry_certificate_issue(&signer, request, now_s(), ret, error);
}

/* What was asked for, or false with a word on what is wrong with it. */
static bool
read_request(const FerryArguments *arguments,
             GStrv addresses,
             FerryCertificateRequest *ret,
             GError **error)
{
    const char *name = ferry_arguments_word(arguments, 0);
    const char *role = value_or(arguments, "role", "peer");
    const char *days = ferry_arguments_value(arguments, "days");
    uint64_t n_days = DAYS;

    if (!ferry_host_name_is_valid(name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not a host name: expected 1 to 64 letters, digits, dots and hyphens",
                    name);
        return false;
    }
    if (ferry_role_find(role) == FERRY_ROLE_NONE) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "no role \"%s\": there are peer, operate and view", role);
        return false;
    }
    if (days && !g_ascii_string_to_unsigned(days, 10, 1, DAYS_MAX, &n_days, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not a number of days from 1 to %d", days, DAYS_MAX);
        return false;
    }
    *ret = (FerryCertificateRequest){ .name = name,
                                      .unit = role,
                                      .addresses = (const char *const *)addresses,
                                      .days = (unsigned)n_days };
    return true;
}

/* A bundle holds keys: nobody else may read the file that a shell has opened for it. */
static bool
print_bundle(const char *text, GError **error)
{
    struct stat info;

    if (isatty(STDOUT_FILENO)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "this would print private keys on the terminal: redirect it, or use "
                    "--output FILE");
        return false;
    }
    if (fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) &&
        fchmod(STDOUT_FILENO, 0600) < 0)
        return ferry_error_set_errno(error, errno, "protect", "the output file");
    (void)fputs(text, stdout); /* main looks whether it was written */
    return true;
}

/* Who issued it before may have no copy.  What is no file at all ferry_file_write() refuses. */
static bool
check_output(const char *path, GError **error)
{
    if (path == NULL || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                "%s is already there, and may hold the only copy of a private key: remove it or "
                "name another file",
                path);
    return false;
}

/* NULL for stdout: writing a file anew, as it is done here, would put it in /dev. */
static const char *
output_of(const FerryArguments *arguments)
{
    const char *path = ferry_arguments_value(arguments, "output");

    return g_strcmp0(path, "/dev/stdout") == 0 ? NULL : path;
}

static int
issue(FerryArguments *arguments)
{
    const char *dir = value_or(arguments, "dir", PKI_DIR);
    const char *output = output_of(arguments);
    const char *address = ferry_arguments_value(arguments, "address");
    g_auto(GStrv) addresses = address ? g_strsplit(address, ",", -1) : NULL;
    FerryCertificateRequest request = { 0 };
    g_auto(FerryBundle) bundle = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!read_request(arguments, addresses, &request, &error) || !check_output(output, &error) ||
        !issue_one(dir, &host_authority, &request, &bundle.host, &error))
        return ferry_command_fail(error);
    if (ferry_role_find(request.unit) == FERRY_ROLE_PEER) {
        request.unit = FERRY_BUNDLE_MEMORY_UNIT;
        if (!issue_one(dir, &memory_authority, &request, &bundle.memory, &error))
            return ferry_command_fail(error);
    }
    text = ferry_bundle_format(&bundle);
    if (output ? !ferry_file_write(output, text, 0600, &error) : !print_bundle(text, &error))
        return ferry_command_fail(error);
    return FERRY_EXIT_DONE;
}

static int
install(FerryArguments *arguments)
{
    const char *file = ferry_arguments_word(arguments, 0);
    const char *path = strcmp(file, "-") == 0 ? "/dev/stdin" : file;
    FerryInstallPlan plan = {
        .tls_dir = value_or(arguments, "tls-dir", FERRY_PKI_TLS_DIR),
        .qemu_dir = value_or(arguments, "qemu-dir", FERRY_PKI_QEMU_DIR),
        .foreign = ferry_arguments_given(arguments, "force") ? FERRY_INSTALL_REPLACE
                                                             : FERRY_INSTALL_REFUSE,
    };
    g_auto(FerryBundle) bundle = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autofree char *notes = NULL;

    if (ferry_arguments_given(arguments, "keep-qemu"))
        plan.qemu_dir = NULL;
    if (!ferry_file_read(path, BUNDLE_MAX, &text, &error))
        return ferry_command_fail(error);
    if (!ferry_bundle_parse(text, &bundle, &error)) {
        g_prefix_error(&error, "%s: ", file);
        return ferry_command_fail(error);
    }
    if (!ferry_install(&bundle, &plan, &notes, &error))
        return ferry_command_fail(error);
    fprintf(stderr, "%sInstalled in %s%s%s. A running ferryd reads it when it is restarted.\n",
            notes, plan.tls_dir, plan.qemu_dir && bundle.memory.cert ? " and " : "",
            plan.qemu_dir && bundle.memory.cert ? plan.qemu_dir : "");
    return FERRY_EXIT_DONE;
}

static int
show(FerryArguments *arguments)
{
    const FerryPkiFolders folders = {
        .pki_dir = value_or(arguments, "dir", PKI_DIR),
        .tls_dir = value_or(arguments, "tls-dir", FERRY_PKI_TLS_DIR),
        .qemu_dir = value_or(arguments, "qemu-dir", FERRY_PKI_QEMU_DIR),
    };
    const char *file = ferry_arguments_word(arguments, 0);
    g_autoptr(GError) error = NULL;
    json_t *document = NULL;

    if (!ferry_pki_show(&folders, file, now_s(), &document, &error))
        return ferry_command_fail(error);
    ferry_pki_print(ferry_arguments_given(arguments, "json") ? FERRY_PRINT_JSON : FERRY_PRINT_TABLE,
                    document);
    json_decref(document);
    return FERRY_EXIT_DONE;
}

#define DIR_OPTION                                                                                 \
    {                                                                                              \
        "dir", 0, "DIR", "the authority's folder (" PKI_DIR ")", FERRY_OPTION_OPTIONAL             \
    }
#define INSTALL_OPTIONS                                                                            \
    { "tls-dir", 0, "DIR", "ferryd's folder (" FERRY_PKI_TLS_DIR ")", FERRY_OPTION_OPTIONAL },     \
    {                                                                                              \
        "qemu-dir", 0, "DIR", "QEMU's folder (" FERRY_PKI_QEMU_DIR ")", FERRY_OPTION_OPTIONAL      \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL                                                 \
    }

/* clang-format off */
static const FerryOption init_options[] = { DIR_OPTION, END };
static const FerryOption issue_options[] = {
    { "role", 0, "ROLE", "peer (a host), operate or view (a person, a tool); peer unless given", FERRY_OPTION_OPTIONAL },
    { "address", 0, "IP[,IP]", "addresses to name in it besides the host's name", FERRY_OPTION_OPTIONAL },
    { "days", 0, "N", "how long it is valid (730)", FERRY_OPTION_OPTIONAL },
    { "output", 'o', "FILE", "write it there, readable by its owner only", FERRY_OPTION_OPTIONAL },
    DIR_OPTION, END };
static const FerryOption install_options[] = {
    { "force", 0, NULL, "replace other credentials", FERRY_OPTION_OPTIONAL },
    { "keep-qemu", 0, NULL, "leave QEMU's credentials alone", FERRY_OPTION_OPTIONAL },
    INSTALL_OPTIONS, END };
static const FerryOption show_options[] = { DIR_OPTION, INSTALL_OPTIONS, END };

static const FerryVerb verbs[] = {
    { "init",    "",       "make the authority that issues certificates", init_options, init },
    { "issue",   "HOST",   "print a host's certificates and keys, for install", issue_options, issue },
    { "install", "FILE",   "put a host's certificates and keys in place; - reads stdin", install_options, install },
    { "show",    "[FILE]", "list certificates: names, roles, ends, fingerprints", show_options, show },
    { NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

int
ferry_cli_pki(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
