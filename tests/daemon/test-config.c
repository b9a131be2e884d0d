#include "daemon/config.h"

#include <string.h>

#include "base/error.h"

static void
test_defaults(void)
{
    g_autoptr(FerryConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_config_parse("x", "", &config, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(config->socket, ==, "/run/ferry/ferryd.sock");
    g_assert_null(config->listen);
    g_assert_cmpstr(config->state_dir, ==, "/var/lib/ferry");
    g_assert_null(config->name);
    g_assert_cmpstr(config->ca, ==, "/etc/ferry/tls/ca.pem");
    g_assert_cmpstr(config->uri, ==, "qemu:///system");
    g_assert_cmpint(config->lease_s, ==, 120);
    g_assert_cmpint(config->detach_timeout_s, ==, 30);
    g_assert_cmpint(config->tls, ==, 1);
}

static void
test_values(void)
{
    g_autoptr(FerryConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_config_parse("x",
                                     "# a comment\n"
                                     "[daemon]\n"
                                     "  socket = /a b/c \r\n"
                                     "listen=[::]:1\n"
                                     "\n"
                                     "[migrate]\n"
                                     "tls = no\n"
                                     "max_out = 64\n"
                                     "[daemon]\n"
                                     "name = alpha",
                                     &config, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(config->socket, ==, "/a b/c");
    g_assert_cmpstr(config->listen, ==, "[::]:1");
    g_assert_cmpstr(config->name, ==, "alpha");
    g_assert_cmpint(config->tls, ==, 0);
    g_assert_cmpint(config->max_out, ==, 64);
}

/* A section without its key says nothing, and other sections go on after it. */
static void
test_pfs(void)
{
    g_autoptr(FerryConfig) config = NULL;
    g_autoptr(GError) error = NULL;
    const FerryPfConfig *pf = NULL;

    g_assert_true(ferry_config_parse("x",
                                     "[pf eth3]\nvfs = 7\n[pf 0000:04:00.0]\n[pf  eth5]\nvfs=0\n"
                                     "[migrate]\nmax_in = 4\n",
                                     &config, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(config->path, ==, "x");
    g_assert_cmpint(config->max_in, ==, 4);
    g_assert_cmpuint(config->pfs->len, ==, 2);
    pf = g_ptr_array_index(config->pfs, 0);
    g_assert_cmpstr(pf->name, ==, "eth3");
    g_assert_cmpuint(pf->n_vfs, ==, 7);
    pf = g_ptr_array_index(config->pfs, 1);
    g_assert_cmpstr(pf->name, ==, "eth5");
    g_assert_cmpuint(pf->n_vfs, ==, 0);
}

typedef struct {
    const char *name;
    const char *text;
    const char *message; /* after the file's name */
} BadRow;

static const BadRow bad_rows[] = {
    { "unknown-key", "[daemon]\nsocket = /a\nsoket = /b\n",
      ":3: there is no key soket in [daemon]: see ferryd.conf(5)" },
    { "key-of-another-section", "[tls]\nsocket = /a\n",
      ":2: there is no key socket in [tls]: see ferryd.conf(5)" },
    { "unknown-section", "\n[deamon]\n", ":2: there is no section [deamon]: see ferryd.conf(5)" },
    { "empty-section", "[]\n", ":1: there is no section []: see ferryd.conf(5)" },
    { "open-section", "[daemon\n", ":1: \"[daemon\" is not a section: a ] is missing" },
    { "only-a-bracket", "[\n", ":1: \"[\" is not a section: a ] is missing" },
    { "no-section", "socket = /a\n", ":1: \"socket = /a\" stands before any [section]" },
    { "no-value", "[daemon]\nsocket\n", ":2: \"socket\" is neither [section] nor key = value" },
    { "no-key", "[daemon]\n= /a\n", ":2: there is no key  in [daemon]: see ferryd.conf(5)" },
    { "twice", "[daemon]\nname = a\n[tls]\n[daemon]\nname = a\n", ":5: name is there twice" },
    { "relative-path", "[tls]\nca = ca.pem\n", ":2: ca = ca.pem: not an absolute path" },
    { "empty-path", "[tls]\nca =\n", ":2: ca = : not an absolute path" },
    { "not-a-number", "[migrate]\nlease_s = soon\n",
      ":2: lease_s = soon: not a whole number from 5 to 86400" },
    { "too-small", "[migrate]\ndetach_timeout_s = 4\n",
      ":2: detach_timeout_s = 4: not a whole number from 5 to 120" },
    { "too-large", "[migrate]\ndetach_timeout_s = 121\n",
      ":2: detach_timeout_s = 121: not a whole number from 5 to 120" },
    { "far-too-large", "[migrate]\nmax_in = 99999999999999999999\n",
      ":2: max_in = 99999999999999999999: not a whole number from 1 to 64" },
    { "unit", "[migrate]\nlease_s = 30s\n",
      ":2: lease_s = 30s: not a whole number from 5 to 86400" },
    { "switch", "[migrate]\ntls = true\n", ":2: tls = true: neither yes nor no" },
    { "pf-without-name", "[pf ]\n", ":1: [pf ] is not [pf NAME]: a netdev or a PCI address" },
    { "pf-two-names", "[pf eth3 eth4]\n",
      ":1: [pf eth3 eth4] is not [pf NAME]: a netdev or a PCI address" },
    { "pf-open", "[pf eth3\n", ":1: \"[pf eth3\" is not a section: a ] is missing" },
    { "pf-unknown-key", "[pf eth3]\nvf = 7\n",
      ":2: there is no key vf in [pf eth3]: see ferryd.conf(5)" },
    { "pf-twice", "[pf eth3]\nvfs = 7\n[pf eth3]\nvfs = 7\n", ":4: vfs is there twice" },
    { "pf-too-many", "[pf eth3]\nvfs = 65536\n",
      ":2: vfs = 65536: not a whole number from 0 to 65535" },
    { "pf-no-number", "[pf eth3]\nvfs =\n", ":2: vfs = : not a whole number from 0 to 65535" },
    { "not-utf-8", "[daemon]\n\xff\n", ":2: this is not UTF-8" },
};

static void
test_bad(gconstpointer data)
{
    const BadRow *row = data;
    g_autofree char *message = g_strconcat("/etc/ferry/ferryd.conf", row->message, NULL);
    g_autoptr(FerryConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_config_parse("/etc/ferry/ferryd.conf", row->text, &config, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_null(config);
}

/* Every key is in the file that is installed, with its default: taking out the "#" changes nothing,
 * but for the two whose default is not a value. */
static void
test_installed_file(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "ferryd.conf", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GString) active = NULL;
    g_autoptr(FerryConfig) config = NULL, defaults = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_config_load(path, &defaults, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    active = g_string_new(text);
    for (char *c = active->str; *c != '\0'; c++) {
        if (*c == '#' && g_ascii_islower(c[1])) /* "#key", not "# prose" */
            *c = ' ';
    }
    g_assert_true(ferry_config_parse(path, active->str, &config, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(config->socket, ==, defaults->socket);
    g_assert_cmpstr(config->key, ==, defaults->key);
    g_assert_cmpstr(config->memory_tls_dir, ==, defaults->memory_tls_dir);
    g_clear_pointer(&config->listen, g_free);
    g_clear_pointer(&config->name, g_free);
    /* All numbers: they are the struct's end. */
    g_assert_true(memcmp(&config->lease_s, &defaults->lease_s,
                         sizeof(*config) - offsetof(FerryConfig, lease_s)) == 0);
}

static void
test_no_file(void)
{
    g_autoptr(FerryConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_config_load("/nonexistent/ferryd.conf", &config, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
        g_autofree char *path = g_strconcat("/config/bad/", bad_rows[i].name, NULL);
        g_test_add_data_func(path, &bad_rows[i], test_bad);
    }
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/values", test_values);
    g_test_add_func("/config/pfs", test_pfs);
    g_test_add_func("/config/installed-file", test_installed_file);
    g_test_add_func("/config/no-file", test_no_file);
    return g_test_run();
}
