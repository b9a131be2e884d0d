/*
 * Each half alone, between a scripted libvirt and a scripted tunnel; and both halves together.
 * Rules are those of docs/handover.md, section 3.  "Nothing passes" is shown by order: what is sent
 * after it arrives first.
 */
#include "migrate/relay.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "message.h"

/* Only ends a test that has failed: every wait is for something that comes. */
#define PATIENCE_S 10

enum { MIGRATE_OPEN = 1, MIGRATE_CLOSE = 2, PREPARE = 303, FINISH = 306 };

typedef struct {
    FerryRelay *relay;
    int near, far; /* the test's ends */
    char *folder, *socket_path;
    bool prepared;
    unsigned times_told; /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t told;
} Half;

static void
on_changed(void *data)
{
    Half *half = data;

    (void)pthread_mutex_lock(&half->lock);
    half->times_told++;
    (void)pthread_cond_broadcast(&half->told);
    (void)pthread_mutex_unlock(&half->lock);
}

static bool
on_may_prepare(void *data)
{
    const Half *half = data;

    return half->prepared;
}

static const FerryRelayWatch watch = { on_changed, on_may_prepare };

static bool
is_in(Half *half, FerryRelayState state)
{
    return ferry_relay_state(half->relay) == state;
}

static bool
is_broken(Half *half, FerryRelayState state)
{
    (void)state;
    return ferry_relay_far_broken(half->relay);
}

static bool
has_breach(Half *half, FerryRelayState state)
{
    (void)state;
    return ferry_relay_breach(half->relay) != NULL;
}

/* First that finish was asked, then that libvirtd has gone. */
static bool
is_told_again(Half *half, FerryRelayState state)
{
    (void)state;
    return half->times_told >= 2;
}

static void
wait_until(Half *half, bool (*holds)(Half *half, FerryRelayState state), FerryRelayState state)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&half->lock);
    while (!holds(half, state))
        g_assert_cmpint(pthread_cond_timedwait(&half->told, &half->lock, &until), ==, 0);
    (void)pthread_mutex_unlock(&half->lock);
}

static void
wait_for_state(Half *half, FerryRelayState state)
{
    wait_until(half, is_in, state);
}

static void
be_patient(int fd)
{
    struct timeval patience = { PATIENCE_S, 0 };

    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), ==, 0);
    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), ==, 0);
}

static void
make_pair(int *ret_ours, int *ret_relays)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    be_patient(fds[0]);
    *ret_ours = fds[0];
    *ret_relays = fds[1];
}

static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpuint(strlen(path), <, sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
    be_patient(fd);
    return fd;
}

static void
set_up(Half *half, FerrySide side)
{
    (void)pthread_mutex_init(&half->lock, NULL);
    (void)pthread_cond_init(&half->told, NULL);
    half->prepared = true;
    half->near = half->far = -1;
    half->folder = g_dir_make_tmp("ferry-relay-XXXXXX", NULL);
    g_assert_nonnull(half->folder);
    half->socket_path = g_build_filename(half->folder, "relay-job", NULL);
    half->relay = ferry_relay_new(side, &watch, half);
    g_assert_true(is_in(half, FERRY_RELAY_NEW));
}

/* With libvirt's client already there. */
static void
set_up_source(Half *half, int tunnel_fd)
{
    g_autoptr(GError) error = NULL;

    set_up(half, FERRY_SIDE_SOURCE);
    ferry_relay_listen(half->relay, half->socket_path, tunnel_fd, &error);
    g_assert_no_error(error);
    half->near = connect_to(half->socket_path);
}

static void
set_up_target(Half *half, int tunnel_fd)
{
    int libvirt = -1;
    g_autoptr(GError) error = NULL;

    set_up(half, FERRY_SIDE_TARGET);
    make_pair(&half->near, &libvirt);
    ferry_relay_join(half->relay, libvirt, tunnel_fd, &error);
    g_assert_no_error(error);
}

static void
source_fixture(Half *half, gconstpointer data)
{
    int far = -1;
    int tunnel = -1;

    (void)data;
    make_pair(&far, &tunnel);
    set_up_source(half, tunnel);
    half->far = far;
}

static void
target_fixture(Half *half, gconstpointer data)
{
    int far = -1;
    int tunnel = -1;

    (void)data;
    make_pair(&far, &tunnel);
    set_up_target(half, tunnel);
    half->far = far;
}

static void
tear_down(Half *half, gconstpointer data)
{
    (void)data;
    ferry_relay_free(half->relay);
    ferry_fd_clear(&half->near);
    ferry_fd_clear(&half->far);
    g_assert_cmpint(g_rmdir(half->folder), ==, 0); /* fails if the socket was left */
    g_free(half->socket_path);
    g_free(half->folder);
    (void)pthread_cond_destroy(&half->told);
    (void)pthread_mutex_destroy(&half->lock);
}

static void
put(int fd, Message sent)
{
    g_assert_cmpint(send(fd, sent.bytes, sent.n, MSG_NOSIGNAL), ==, (int)sent.n);
}

/* After something that makes the relay hang up, which may come sooner. */
static void
put_if_open(int fd, Message sent)
{
    (void)send(fd, sent.bytes, sent.n, MSG_NOSIGNAL);
}

static void
expect(int fd, Message expected)
{
    uint8_t bytes[MAX_MESSAGE_BYTES];

    g_assert_cmpint(recv(fd, bytes, expected.n, MSG_WAITALL), ==, (int)expected.n);
    g_assert_cmpmem(bytes, (int)expected.n, expected.bytes, (int)expected.n);
}

static void
expect_end(int fd)
{
    uint8_t byte = 0;

    g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
}

static void
expect_silence(int fd)
{
    uint8_t byte = 0;

    g_assert_cmpint(recv(fd, &byte, 1, MSG_DONTWAIT), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}

static void
ask_finish(int from, int to)
{
    put(from, call(FINISH));
    expect(to, call(FINISH));
}

static void
test_source_passes_both_ways(Half *half, gconstpointer data)
{
    (void)data;
    put(half->near, call(MIGRATE_OPEN));
    expect(half->far, call(MIGRATE_OPEN));
    put(half->far, reply(MIGRATE_OPEN, "opened"));
    expect(half->near, reply(MIGRATE_OPEN, "opened"));
    g_assert_true(is_in(half, FERRY_RELAY_OPEN));
    g_assert_cmpint(ferry_relay_held_ms(half->relay), ==, 0);
}

static void
test_source_holds_exactly_the_reply(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    wait_for_state(half, FERRY_RELAY_HELD);
    g_assert_cmpint(ferry_relay_held_ms(half->relay), >, 0);
    put(half->far, reply(FINISH, "cookie"));
    wait_for_state(half, FERRY_RELAY_REPLY);
    put(half->far, ping());
    expect(half->near, ping());
    put(half->near, ping());
    expect(half->far, ping());
    expect_silence(half->near);
    ferry_relay_release(half->relay);
    expect(half->near, reply(FINISH, "cookie"));
    g_assert_true(is_in(half, FERRY_RELAY_REPLY));
    put(half->near, call(MIGRATE_CLOSE));
    expect(half->far, call(MIGRATE_CLOSE));
    put(half->far, reply(MIGRATE_CLOSE, ""));
    expect(half->near, reply(MIGRATE_CLOSE, ""));
    ferry_fd_clear(&half->near);
    wait_for_state(half, FERRY_RELAY_NONE);
    expect_end(half->far);
}

/* Release is for state REPLY only, and once. */
static void
test_source_release_is_idempotent(Half *half, gconstpointer data)
{
    (void)data;
    ferry_relay_release(half->relay);
    ask_finish(half->near, half->far);
    ferry_relay_release(half->relay);
    put(half->far, reply(FINISH, "cookie"));
    wait_for_state(half, FERRY_RELAY_REPLY);
    put(half->far, ping());
    expect(half->near, ping()); /* the two releases before did nothing */
    expect_silence(half->near);
    ferry_relay_release(half->relay);
    ferry_relay_release(half->relay);
    expect(half->near, reply(FINISH, "cookie"));
    put(half->far, ping());
    expect(half->near, ping());
}

static void
test_source_never_releases_an_error(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    put(half->far, message(REMOTE, FINISH, 1, 1, "error"));
    put(half->far, ping());
    expect(half->near, ping());
    g_assert_true(is_in(half, FERRY_RELAY_HELD));
    ferry_relay_release(half->relay);
    put(half->far, ping());
    expect(half->near, ping());
    expect_silence(half->near);
}

/* Any other answer could end libvirt's wait, too; a second reply is no better than the first. */
static void
test_source_drops_other_answers_in_the_hold(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    put(half->far, reply(PREPARE, "not asked"));
    put(half->far, reply(FINISH, "the one"));
    put(half->far, reply(FINISH, "another"));
    put(half->far, message(REMOTE, FINISH, 1, 1, "error"));
    put(half->far, ping());
    expect(half->near, ping());
    expect_silence(half->near);
    ferry_relay_release(half->relay);
    expect(half->near, reply(FINISH, "the one"));
    put(half->far, ping());
    expect(half->near, ping());
}

static void
test_source_passes_end_before_finish(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, reply(PREPARE, "last words"));
    ferry_fd_clear(&half->far);
    expect(half->near, reply(PREPARE, "last words"));
    expect_end(half->near);
    wait_for_state(half, FERRY_RELAY_NONE);
    g_assert_true(ferry_relay_far_broken(half->relay));
}

static void
test_source_hides_end_in_the_hold(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    ferry_fd_clear(&half->far);
    wait_until(half, is_broken, FERRY_RELAY_HELD);
    g_assert_true(is_in(half, FERRY_RELAY_HELD));
    put(half->near, ping()); /* goes nowhere, and nobody is told */
    expect_silence(half->near);
    ferry_relay_cut(half->relay);
    expect_end(half->near);
    g_assert_true(is_in(half, FERRY_RELAY_NONE));
}

static void
test_source_keeps_reply_of_a_broken_tunnel(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    put(half->far, reply(FINISH, "cookie"));
    ferry_fd_clear(&half->far);
    wait_until(half, is_broken, FERRY_RELAY_REPLY);
    wait_for_state(half, FERRY_RELAY_REPLY);
    expect_silence(half->near);
    ferry_relay_release(half->relay);
    expect(half->near, reply(FINISH, "cookie"));
    expect_end(half->near);
    wait_for_state(half, FERRY_RELAY_NONE);
}

/* libvirt's client is gone for good: the call is over, S has no relay any more. */
static void
test_source_client_hangs_up_in_the_hold(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    put(half->far, reply(FINISH, "cookie"));
    wait_for_state(half, FERRY_RELAY_REPLY);
    ferry_fd_clear(&half->near);
    wait_for_state(half, FERRY_RELAY_NONE);
    ferry_relay_release(half->relay);
    expect_end(half->far);
}

/* Sealed in time: libvirt gives up and T never heard of finish. */
static void
test_source_seal_stops_finish(Half *half, gconstpointer data)
{
    (void)data;
    put(half->near, call(PREPARE));
    expect(half->far, call(PREPARE));
    g_assert_true(ferry_relay_seal(half->relay));
    put(half->far, reply(PREPARE, "passes"));
    expect(half->near, reply(PREPARE, "passes"));
    put(half->near, call(FINISH));
    expect_end(half->far);
    wait_for_state(half, FERRY_RELAY_NONE);
    g_assert_true(ferry_relay_seal(half->relay));
    g_assert_cmpint(ferry_relay_held_ms(half->relay), ==, 0);
    g_assert_null(ferry_relay_breach(half->relay));
}

static void
test_source_seal_is_too_late(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    g_assert_false(ferry_relay_seal(half->relay));
    put(half->far, reply(FINISH, "cookie"));
    wait_for_state(half, FERRY_RELAY_REPLY); /* as if it had not been tried */
    ferry_relay_cut(half->relay);
    g_assert_false(ferry_relay_seal(half->relay));
}

static void
test_cut_closes_both(Half *half, gconstpointer data)
{
    (void)data;
    ask_finish(half->near, half->far);
    put(half->far, reply(FINISH, "cookie"));
    wait_for_state(half, FERRY_RELAY_REPLY);
    ferry_relay_cut(half->relay);
    g_assert_true(is_in(half, FERRY_RELAY_NONE));
    expect_end(half->near);
    expect_end(half->far);
    ferry_relay_release(half->relay);
    ferry_relay_cut(half->relay);
    g_assert_cmpint(ferry_relay_held_ms(half->relay), >, 0);
}

static void
test_source_cut_before_the_client_came(Half *half, gconstpointer data)
{
    int tunnel = -1;
    struct stat status;
    g_autoptr(GError) error = NULL;

    (void)data;
    set_up(half, FERRY_SIDE_SOURCE);
    make_pair(&half->far, &tunnel);
    g_assert_true(ferry_relay_listen(half->relay, half->socket_path, tunnel, &error));
    g_assert_cmpint(stat(half->socket_path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    ferry_relay_cut(half->relay);
    expect_end(half->far);
}

static void
test_source_tunnel_ends_before_the_client_came(Half *half, gconstpointer data)
{
    int tunnel = -1;

    (void)data;
    set_up(half, FERRY_SIDE_SOURCE);
    make_pair(&half->far, &tunnel);
    g_assert_true(ferry_relay_listen(half->relay, half->socket_path, tunnel, NULL));
    ferry_fd_clear(&half->far);
    wait_for_state(half, FERRY_RELAY_NONE);
}

/* One connection: the name is gone when the client is through. */
static void
test_source_takes_one_client(Half *half, gconstpointer data)
{
    (void)data;
    put(half->near, ping());
    expect(half->far, ping());
    g_assert_cmpint(g_access(half->socket_path, F_OK), ==, -1);
}

static void
test_source_path_is_too_long(Half *half, gconstpointer data)
{
    g_autofree char *name = g_strnfill(120, 'x');
    g_autofree char *path = g_build_filename("/tmp", name, NULL);
    int tunnel = -1;
    g_autoptr(GError) error = NULL;

    (void)data;
    set_up(half, FERRY_SIDE_SOURCE);
    make_pair(&half->far, &tunnel);
    g_assert_false(ferry_relay_listen(half->relay, path, tunnel, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "a socket's path has at most 107 bytes"));
    expect_end(half->far);
}

static void
test_source_folder_is_missing(Half *half, gconstpointer data)
{
    g_autofree char *path = NULL;
    int tunnel = -1;
    g_autoptr(GError) error = NULL;

    (void)data;
    set_up(half, FERRY_SIDE_SOURCE);
    path = g_build_filename(half->folder, "none", "relay", NULL);
    make_pair(&half->far, &tunnel);
    g_assert_false(ferry_relay_listen(half->relay, path, tunnel, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, path));
}

static const struct {
    const char *name, *message;
    uint32_t program, procedure, type;
} breaches[] = {
    { "destroy", "procedure 12 of program 0x20008086 is not allowed", REMOTE, 12, 0 },
    { "qemu-monitor", "procedure 1 of program 0x20008087 is not allowed", 0x20008087, 1, 0 },
    { "with-fds", "procedure 1 of program 0x20008086 is not allowed", REMOTE, 1, 4 },
    { "stream", "procedure 306 of program 0x20008086 is not allowed", REMOTE, 306, 3 },
};

static void
test_target_refuses_other_calls(Half *half, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(breaches); i++) {
        if (i > 0) {
            tear_down(half, NULL);
            target_fixture(half, NULL);
        }
        put(half->far, call(MIGRATE_OPEN));
        put(half->far,
            message(breaches[i].program, breaches[i].procedure, breaches[i].type, 0, ""));
        put_if_open(half->far, call(MIGRATE_CLOSE));
        expect(half->near, call(MIGRATE_OPEN));
        expect_end(half->near);
        wait_until(half, has_breach, FERRY_RELAY_NONE);
        g_assert_cmpstr(ferry_relay_breach(half->relay), ==, breaches[i].message);
    }
}

static void
test_target_prepare_needs_prepared(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, call(PREPARE));
    expect(half->near, call(PREPARE));
    tear_down(half, NULL);
    target_fixture(half, NULL);
    half->prepared = false;
    put(half->far, call(PREPARE));
    expect_end(half->near);
    wait_until(half, has_breach, FERRY_RELAY_NONE);
    g_assert_nonnull(strstr(ferry_relay_breach(half->relay), "prepare is not allowed before"));
}

static void
test_target_passes_replies(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, call(FINISH));
    expect(half->near, call(FINISH));
    wait_for_state(half, FERRY_RELAY_HELD);
    put(half->near, reply(FINISH, "cookie"));
    expect(half->far, reply(FINISH, "cookie")); /* S holds it, not T */
    g_assert_true(is_in(half, FERRY_RELAY_HELD));
}

static void
test_target_passes_end_before_finish(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, call(PREPARE));
    ferry_fd_clear(&half->far);
    expect(half->near, call(PREPARE));
    expect_end(half->near); /* libvirtd destroys the incoming domain */
    wait_for_state(half, FERRY_RELAY_NONE);
}

static void
test_target_keeps_libvirt_in_the_hold(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, call(FINISH));
    expect(half->near, call(FINISH));
    ferry_fd_clear(&half->far);
    wait_until(half, is_broken, FERRY_RELAY_HELD);
    put(half->near, reply(FINISH, "cookie")); /* goes nowhere */
    expect_silence(half->near);
    ferry_relay_cut(half->relay);
    expect_end(half->near);
}

static void
test_target_hides_libvirtds_end_in_the_hold(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, call(FINISH));
    expect(half->near, call(FINISH));
    ferry_fd_clear(&half->near);
    wait_until(half, is_told_again, FERRY_RELAY_HELD);
    expect_silence(half->far);
    g_assert_true(is_in(half, FERRY_RELAY_HELD));
}

/* A breach in the hold stops the calls but closes nothing: only the table may. */
static void
test_target_breach_in_the_hold(Half *half, gconstpointer data)
{
    (void)data;
    put(half->far, call(FINISH));
    put(half->far, call(12));
    expect(half->near, call(FINISH));
    wait_until(half, has_breach, FERRY_RELAY_HELD);
    put(half->near, reply(FINISH, "cookie"));
    expect(half->far, reply(FINISH, "cookie"));
    expect_silence(half->near);
    g_assert_true(is_in(half, FERRY_RELAY_HELD));
}

static const uint32_t bad_lengths[] = { 0, 4, 27, FERRY_RPC_MAX_BYTES + 1, UINT32_MAX };

static void
test_bad_lengths(Half *half, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(bad_lengths); i++) {
        g_autofree char *expected =
            g_strdup_printf("a message of %u bytes is not allowed", bad_lengths[i]);
        Message bad = call(MIGRATE_OPEN);
        FerryRpcHeader header = ferry_rpc_header_parse(bad.bytes);

        if (i > 0) {
            tear_down(half, NULL);
            target_fixture(half, NULL);
        }
        header.length = bad_lengths[i];
        ferry_rpc_header_format(&header, bad.bytes);
        put(half->far, bad);
        expect_end(half->near);
        wait_until(half, has_breach, FERRY_RELAY_NONE);
        g_assert_cmpstr(ferry_relay_breach(half->relay), ==, expected);
    }
}

/* More than any buffer holds, while nobody reads: the relay waits and loses nothing. */
static void *
send_much(void *data)
{
    const int *fd = data;
    Message header = call(MIGRATE_OPEN);
    FerryRpcHeader large = ferry_rpc_header_parse(header.bytes);
    g_autofree uint8_t *payload = g_malloc(4u << 20);

    memset(payload, 0x5a, 4u << 20);
    large.length = FERRY_RPC_HEADER_BYTES + (4u << 20);
    ferry_rpc_header_format(&large, header.bytes);
    g_assert_cmpint(send(*fd, header.bytes, FERRY_RPC_HEADER_BYTES, MSG_NOSIGNAL), ==,
                    FERRY_RPC_HEADER_BYTES);
    g_assert_cmpint(send(*fd, payload, 4u << 20, MSG_NOSIGNAL), ==, 4 << 20);
    return NULL;
}

static void
test_back_pressure(Half *half, gconstpointer data)
{
    pthread_t sender;
    uint8_t buffer[16 << 10];
    size_t left = FERRY_RPC_HEADER_BYTES + (4u << 20);

    (void)data;
    g_assert_cmpint(pthread_create(&sender, NULL, send_much, &half->far), ==, 0);
    put(half->near, ping());
    expect(half->far, ping()); /* the other way is free */
    while (left > 0) {
        ssize_t n = recv(half->near, buffer, MIN(sizeof(buffer), left), 0);

        g_assert_cmpint(n, >, 0);
        left -= (size_t)n;
        if (left < 4u << 20)
            g_assert_cmpuint(buffer[n - 1], ==, 0x5a);
    }
    g_assert_cmpint(pthread_join(sender, NULL), ==, 0);
}

/* Headers in pieces of every size, through both halves together. */
static void
test_both_halves(void)
{
    int fds[2];
    Half source = { 0 };
    Half target = { 0 };
    Message finish = call(FINISH);

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    set_up_source(&source, fds[0]);
    set_up_target(&target, fds[1]);
    for (size_t cut = 1; cut < FERRY_RPC_HEADER_BYTES; cut++) {
        Message sent = call(MIGRATE_OPEN);

        g_assert_cmpint(send(source.near, sent.bytes, cut, MSG_NOSIGNAL), ==, (int)cut);
        put(target.near, ping());
        expect(source.near, ping()); /* the piece has been read by now, most likely */
        g_assert_cmpint(send(source.near, sent.bytes + cut, sent.n - cut, MSG_NOSIGNAL), ==,
                        (int)(sent.n - cut));
        expect(target.near, sent);
    }
    put(source.near, finish);
    expect(target.near, finish);
    put(target.near, reply(FINISH, "cookie"));
    wait_for_state(&source, FERRY_RELAY_REPLY);
    wait_for_state(&target, FERRY_RELAY_HELD);
    ferry_relay_cut(target.relay); /* RUNNING: T's half is not needed any more */
    wait_until(&source, is_broken, FERRY_RELAY_REPLY);
    expect_silence(source.near);
    ferry_relay_release(source.relay);
    expect(source.near, reply(FINISH, "cookie"));
    tear_down(&source, NULL);
    tear_down(&target, NULL);
}

static void
test_never_started(void)
{
    Half half = { 0 };

    set_up(&half, FERRY_SIDE_TARGET);
    ferry_relay_release(half.relay);
    ferry_relay_cut(half.relay);
    g_assert_true(is_in(&half, FERRY_RELAY_NONE));
    g_assert_null(ferry_relay_breach(half.relay));
    tear_down(&half, NULL);
    ferry_relay_free(NULL);
}

#define SOURCE(name, func)                                                                         \
    g_test_add("/relay/source/" name, Half, NULL, source_fixture, func, tear_down)
#define TARGET(name, func)                                                                         \
    g_test_add("/relay/target/" name, Half, NULL, target_fixture, func, tear_down)
#define BARE(name, func) g_test_add("/relay/" name, Half, NULL, NULL, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SOURCE("passes-both-ways", test_source_passes_both_ways);
    SOURCE("holds-exactly-the-reply", test_source_holds_exactly_the_reply);
    SOURCE("release-is-idempotent", test_source_release_is_idempotent);
    SOURCE("never-releases-an-error", test_source_never_releases_an_error);
    SOURCE("drops-other-answers-in-the-hold", test_source_drops_other_answers_in_the_hold);
    SOURCE("passes-end-before-finish", test_source_passes_end_before_finish);
    SOURCE("hides-end-in-the-hold", test_source_hides_end_in_the_hold);
    SOURCE("keeps-reply-of-a-broken-tunnel", test_source_keeps_reply_of_a_broken_tunnel);
    SOURCE("client-hangs-up-in-the-hold", test_source_client_hangs_up_in_the_hold);
    SOURCE("seal-stops-finish", test_source_seal_stops_finish);
    SOURCE("seal-is-too-late", test_source_seal_is_too_late);
    SOURCE("cut-closes-both", test_cut_closes_both);
    SOURCE("takes-one-client", test_source_takes_one_client);
    BARE("source/cut-before-the-client-came", test_source_cut_before_the_client_came);
    BARE("source/tunnel-ends-before-the-client-came",
         test_source_tunnel_ends_before_the_client_came);
    BARE("source/path-is-too-long", test_source_path_is_too_long);
    BARE("source/folder-is-missing", test_source_folder_is_missing);
    TARGET("refuses-other-calls", test_target_refuses_other_calls);
    TARGET("prepare-needs-prepared", test_target_prepare_needs_prepared);
    TARGET("passes-replies", test_target_passes_replies);
    TARGET("passes-end-before-finish", test_target_passes_end_before_finish);
    TARGET("keeps-libvirt-in-the-hold", test_target_keeps_libvirt_in_the_hold);
    TARGET("hides-libvirtds-end-in-the-hold", test_target_hides_libvirtds_end_in_the_hold);
    TARGET("breach-in-the-hold", test_target_breach_in_the_hold);
    TARGET("bad-lengths", test_bad_lengths);
    TARGET("back-pressure", test_back_pressure);
    g_test_add_func("/relay/both-halves", test_both_halves);
    g_test_add_func("/relay/never-started", test_never_started);
    return g_test_run();
}
