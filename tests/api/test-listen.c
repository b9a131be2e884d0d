#include "api/listen.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

typedef struct {
    const char *name;
    const char *address;
    FerryErrorCode code;
    const char *message; /* NULL: fine */
} Row;

static const Row rows[] = {
    { "ipv4", "127.0.0.1:0", 0, NULL },
    { "any", "*:0", 0, NULL },
    { "name", "localhost:0", 0, NULL },
    { "no-port", "127.0.0.1", FERRY_ERROR_INVALID,
      "cannot listen on \"127.0.0.1\": expected HOST:PORT or *:PORT" },
    { "no-host", ":1", FERRY_ERROR_INVALID,
      "cannot listen on \":1\": expected HOST:PORT or *:PORT" },
    { "bad-port", "*:http", FERRY_ERROR_INVALID,
      "cannot listen on \"*:http\": expected HOST:PORT or *:PORT" },
    { "port-too-large", "*:65536", FERRY_ERROR_INVALID,
      "cannot listen on \"*:65536\": expected HOST:PORT or *:PORT" },
    { "not-ours", "192.0.2.1:1", FERRY_ERROR_INVALID,
      "cannot listen on 192.0.2.1:1: Cannot assign requested address" },
};

static void
test_tcp(gconstpointer data)
{
    const Row *row = data;
    FERRY_AUTOFD int fd = -1;
    uint16_t port = 0;
    g_autoptr(GError) error = NULL;
    bool ok = ferry_listen_tcp(row->address, &fd, &port, &error);

    if (row->message == NULL) {
        g_assert_no_error(error);
        g_assert_cmpuint(port, >, 0);
        return;
    }
    g_assert_false(ok);
    g_assert_error(error, FERRY_ERROR, (int)row->code);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_cmpint(fd, ==, -1);
}

static void
test_port_is_taken(void)
{
    FERRY_AUTOFD int fd = -1, second = -1;
    uint16_t port = 0;
    g_autofree char *address = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_listen_tcp("127.0.0.1:0", &fd, &port, NULL));
    address = g_strdup_printf("127.0.0.1:%u", port);
    g_assert_false(ferry_listen_tcp(address, &second, &port, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
}

/* A socket that a killed process left, and one behind which somebody lives. */
static void
test_unix(void)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "socket", NULL);
    FERRY_AUTOFD int fd = -1, second = -1;
    g_autoptr(GError) error = NULL;
    struct stat info;

    g_assert_true(ferry_listen_unix(path, &fd, NULL));
    g_assert_cmpint(stat(path, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0660);
    g_assert_false(ferry_listen_unix(path, &second, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    ferry_fd_clear(&fd);
    g_assert_true(ferry_listen_unix(path, &second, NULL));
    (void)g_unlink(path);
    (void)g_rmdir(folder);
}

/* What is no socket is nobody's to remove. */
static void
test_unix_on_a_file(void)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "socket", NULL);
    FERRY_AUTOFD int fd = -1;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    g_assert_false(ferry_listen_unix(path, &fd, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    (void)g_unlink(path);
    (void)g_rmdir(folder);
}

static void
test_unix_too_long(void)
{
    g_autofree char *name = g_strnfill(120, 'x');
    g_autofree char *path = g_build_filename("/tmp", name, NULL);
    FERRY_AUTOFD int fd = -1;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_listen_unix(path, &fd, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_true(g_str_has_suffix(error->message, ": a socket's path has at most 107 bytes"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/listen/tcp/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_tcp);
    }
    g_test_add_func("/listen/port-is-taken", test_port_is_taken);
    g_test_add_func("/listen/unix", test_unix);
    g_test_add_func("/listen/unix-on-a-file", test_unix_on_a_file);
    g_test_add_func("/listen/unix-too-long", test_unix_too_long);
    return g_test_run();
}
