/* The socket that libvirt's client comes to: for it alone, and for one. */
#include "migrate/relay-socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"

static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    (void)g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void
test_one_client(void)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-relay-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "relay-j", NULL);
    FerryRelaySocket waiting = { .fd = -1 };
    struct stat facts;
    int client = -1;
    int accepted = -1;
    char byte = 0;

    g_assert_true(g_file_set_contents(path, "left over", -1, NULL));
    g_assert_true(ferry_relay_socket_listen(path, &waiting, NULL));
    g_assert_cmpint(stat(path, &facts), ==, 0);
    g_assert_true(S_ISSOCK(facts.st_mode));
    g_assert_cmpint(facts.st_mode & 0777, ==, 0600);
    g_assert_cmpint(ferry_relay_socket_accept(&waiting), ==, -1); /* nobody yet: it goes on */

    client = connect_to(path);
    g_assert_cmpint(client, >=, 0);
    accepted = ferry_relay_socket_accept(&waiting);
    g_assert_cmpint(accepted, >=, 0);
    g_assert_cmpint(waiting.fd, ==, -1);
    g_assert_cmpint(stat(path, &facts), ==, -1);
    g_assert_cmpint(connect_to(path), ==, -1);
    g_assert_cmpint(write(client, "x", 1), ==, 1);
    g_assert_cmpint(read(accepted, &byte, 1), ==, 1);
    ferry_relay_socket_clear(&waiting);
    (void)close(client);
    (void)close(accepted);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void
test_nobody_comes(void)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-relay-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "relay-j", NULL);
    FerryRelaySocket waiting = { .fd = -1 };

    g_assert_true(ferry_relay_socket_listen(path, &waiting, NULL));
    ferry_relay_socket_clear(&waiting);
    ferry_relay_socket_clear(&waiting);
    g_assert_cmpint(waiting.fd, ==, -1);
    g_assert_cmpint(g_rmdir(folder), ==, 0); /* nothing is left in it */
}

static void
test_errors(void)
{
    static const struct {
        const char *path; /* NULL: too long a one */
        FerryErrorCode code;
    } rows[] = {
        { NULL, FERRY_ERROR_INVALID },
        { "/nowhere/at/all/relay-j", FERRY_ERROR_NOT_FOUND },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            rows[i].path != NULL ? g_strdup(rows[i].path) : g_strnfill(200, 'x');
        FerryRelaySocket waiting = { .fd = -7 };
        g_autoptr(GError) error = NULL;

        g_assert_false(ferry_relay_socket_listen(path, &waiting, &error));
        g_assert_error(error, FERRY_ERROR, (int)rows[i].code);
        g_assert_nonnull(strstr(error->message, path));
        g_assert_cmpint(waiting.fd, ==, -7);
    }
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/relay-socket/one-client", test_one_client);
    g_test_add_func("/relay-socket/nobody-comes", test_nobody_comes);
    g_test_add_func("/relay-socket/errors", test_errors);
    return g_test_run();
}
