/* The connection under the vfio-user client: whole messages out of a stream, in step or broken. */
#include "vfio/user-link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/error.h"

typedef struct {
    UserLink link;
    int peer;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    int fds[2];

    (void)data;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    g_assert_true(g_unix_set_fd_nonblocking(fds[0], TRUE, NULL));
    f->link = (UserLink){ .fd = fds[0], .name = (char *)"the server", .timeout_ms = 100 };
    f->peer = fds[1];
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    (void)close(f->link.fd);
    (void)close(f->peer);
}

static void
give(const Fixture *f, const void *bytes, size_t size)
{
    g_assert_cmpint(send(f->peer, bytes, size, 0), ==, size);
}

static void
give_header(const Fixture *f, FerryUserHeader header, size_t payload)
{
    header.size = (uint32_t)(sizeof header + payload);
    give(f, &header, sizeof header);
}

static void
take(const Fixture *f, void *bytes, size_t size)
{
    g_assert_cmpint(recv(f->peer, bytes, size, MSG_DONTWAIT), ==, size);
}

/* One byte at a time, each when the one before was taken: parts are filled across all borders. */
static void *
dribble(void *data)
{
    static const char bytes[] = "abcdefgh";
    const Fixture *f = data;

    for (size_t i = 0; i < 8; i++) {
        give(f, bytes + i, 1);
        (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static void
test_parts(Fixture *f, gconstpointer data)
{
    char first[3];
    char last[5];
    struct iovec parts[] = { { first, 3 }, { NULL, 0 }, { last, 5 } };
    FerryDeadline deadline = ferry_deadline_in(5000);
    pthread_t thread;

    (void)data;
    g_assert_cmpint(pthread_create(&thread, NULL, dribble, f), ==, 0);
    g_assert_true(user_link_recv_parts(&f->link, parts, 3, &deadline, NULL));
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_assert_cmpmem(first, 3, "abc", 3);
    g_assert_cmpmem(last, 5, "defgh", 5);
}

static void
test_skip_leaves_the_rest(Fixture *f, gconstpointer data)
{
    g_autofree char *bytes = g_malloc0(10000);
    FerryDeadline deadline = ferry_deadline_in(1000);
    char rest = 0;

    (void)data;
    bytes[9999] = 'x';
    give(f, bytes, 10000);
    g_assert_true(user_link_skip(&f->link, 9999, &deadline, NULL));
    g_assert_true(user_link_recv(&f->link, &rest, 1, &deadline, NULL));
    g_assert_cmpint(rest, ==, 'x');
}

/* A request is one message: header and parts, its size that of all. */
static void
test_send(Fixture *f, gconstpointer data)
{
    struct iovec parts[] = { { (void *)"ab", 2 }, { (void *)"cde", 3 } };
    FerryUserHeader header;
    char payload[5];

    (void)data;
    g_assert_true(user_link_send(&f->link, 7, FERRY_USER_FEATURE, parts, 2, NULL));
    take(f, &header, sizeof header);
    take(f, payload, 5);
    g_assert_cmpuint(header.id, ==, 7);
    g_assert_cmpuint(header.command, ==, FERRY_USER_FEATURE);
    g_assert_cmpuint(header.size, ==, 21);
    g_assert_cmpuint(header.flags, ==, FERRY_USER_TYPE_COMMAND);
    g_assert_cmpuint(header.error_no, ==, 0);
    g_assert_cmpmem(payload, 5, "abcde", 5);
}

static bool
reply(Fixture *f, size_t max, size_t *n, int *code, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(f->link.timeout_ms);

    return user_link_reply(&f->link, 7, FERRY_USER_RESET, max, &deadline, n, code, error);
}

/* The server's commands before the reply are refused, those that want no reply only skipped. */
static void
test_commands_between(Fixture *f, gconstpointer data)
{
    static const FerryUserHeader asks = { .id = 3, .command = FERRY_USER_DMA_READ };
    static const FerryUserHeader tells = { .id = 4,
                                           .command = FERRY_USER_DMA_WRITE,
                                           .flags = FERRY_USER_NO_REPLY };
    FerryUserHeader header;
    size_t n = 1;
    int code = -1;

    (void)data;
    give_header(f, asks, 16);
    give(f, "0123456789abcdef", 16);
    give_header(f, tells, 5);
    give(f, "01234", 5);
    give_header(f, (FerryUserHeader){ .id = 7, .command = FERRY_USER_RESET, .flags = 1 }, 0);
    g_assert_true(reply(f, 0, &n, &code, NULL));
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpint(code, ==, 0);
    take(f, &header, sizeof header);
    g_assert_cmpuint(header.id, ==, 3);
    g_assert_cmpuint(header.command, ==, FERRY_USER_DMA_READ);
    g_assert_cmpuint(header.flags, ==, FERRY_USER_TYPE_REPLY | FERRY_USER_ERROR);
    g_assert_cmpuint(header.size, ==, sizeof header);
    g_assert_cmpint(header.error_no, !=, 0);
    g_assert_cmpint(recv(f->peer, &header, 1, MSG_DONTWAIT), ==, -1);
}

/* What puts the connection out of step; after it nothing is sent any more. */
static const struct {
    const char *name;
    FerryUserHeader header;
    const char *words;
} bad_headers[] = {
    { "id", { .id = 8, .command = 13, .size = 16, .flags = 1 }, "was due" },
    { "command", { .id = 7, .command = 16, .size = 16, .flags = 1 }, "was due" },
    { "type", { .id = 7, .command = 13, .size = 16, .flags = 2 }, "no known type" },
    { "short", { .id = 7, .command = 13, .size = 15, .flags = 1 }, "make sense" },
    { "long", { .id = 7, .command = 13, .size = 17, .flags = 1 }, "make sense" },
    { "command-short", { .id = 1, .command = 11, .size = 15 }, "a command of 15 bytes" },
    { "command-long",
      { .id = 1, .command = 12, .size = 1u << 30 },
      "a command of 1073741824 bytes" },
};

static void
test_out_of_step(Fixture *f, gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;
    size_t n = 0;
    int code = 0;

    give(f, &bad_headers[row].header, sizeof bad_headers[row].header);
    g_assert_false(reply(f, 0, &n, &code, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_nonnull(strstr(error->message, bad_headers[row].words));
    g_assert_false(user_link_check(&f->link, &again));
    g_assert_error(again, FERRY_ERROR, FERRY_ERROR_PEER);
}

static void
test_silence(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    size_t n = 0;
    int code = 0;

    (void)data;
    give(f, "half a head", 11);
    g_assert_false(reply(f, 0, &n, &code, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_true(f->link.broken);
}

/* A server that reads nothing: a message larger than the socket holds ends at its deadline. */
static void
test_peer_that_does_not_read(Fixture *f, gconstpointer data)
{
    g_autofree char *large = g_malloc0(4 << 20);
    struct iovec part = { large, 4 << 20 };
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(user_link_send(&f->link, 7, FERRY_USER_MIG_DATA_WRITE, &part, 1, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_true(f->link.broken);
}

static unsigned
n_descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Descriptors that nobody asked for do not stay open. */
static void
test_descriptors_are_closed(Fixture *f, gconstpointer data)
{
    char control[CMSG_SPACE(3 * sizeof(int))] = { 0 };
    struct iovec part = { (void *)"x", 1 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    const int fds[] = { f->peer, f->peer, f->peer };
    FerryDeadline deadline = ferry_deadline_in(1000);
    unsigned before = n_descriptors();
    char byte = 0;

    (void)data;
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    g_assert_cmpint(sendmsg(f->peer, &message, 0), ==, 1);
    g_assert_true(user_link_recv(&f->link, &byte, 1, &deadline, NULL));
    g_assert_cmpuint(n_descriptors(), ==, before);
}

#define ADD(name, func) g_test_add("/user-link/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("parts", test_parts);
    ADD("skip-leaves-the-rest", test_skip_leaves_the_rest);
    ADD("send", test_send);
    ADD("commands-between", test_commands_between);
    ADD("silence", test_silence);
    ADD("peer-that-does-not-read", test_peer_that_does_not_read);
    ADD("descriptors-are-closed", test_descriptors_are_closed);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad_headers); i++) {
        g_autofree char *path = g_strdup_printf("/user-link/out-of-step/%s", bad_headers[i].name);

        g_test_add(path, Fixture, GUINT_TO_POINTER(i), set_up, test_out_of_step, tear_down);
    }
    return g_test_run();
}
