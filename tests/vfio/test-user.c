#include "vfio/user.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/error.h"
#include "sim/server.h"
#include "sim/transport.h"
#include "vfio/load.h"
#include "vfio/save.h"
#include "vfio/uapi.h"
#include "vfio/user-wire.h"

/* A simulated server in a thread, and our client to it. */
typedef struct {
    SimServer *server;
    FerryVfioDevice *device;
} Link;

static int
socket_to(SimServer *server)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    sim_server_start(server, fds[1]);
    g_assert_true(g_unix_set_fd_nonblocking(fds[0], TRUE, NULL));
    return fds[0];
}

static Link
link_new(const SimOptions *options, const SimServerOptions *server_options, FerryUserOptions how)
{
    Link link = { .server = sim_server_new(sim_device_new(options), server_options) };
    g_autoptr(GError) error = NULL;
    FerryTransport *transport = ferry_user_open_fd(socket_to(link.server), "sim", &how, &error);

    g_assert_no_error(error);
    link.device = ferry_vfio_device_new(transport, &error);
    g_assert_no_error(error);
    return link;
}

static void
link_clear(Link *link)
{
    ferry_vfio_device_free(link->device);
    sim_server_free(link->server);
}

/* Saves from one server and loads into another, both over sockets; checks what arrived. */
static void
move_state(const SimOptions *options, const SimServerOptions *server, FerryUserOptions how)
{
    Link a = link_new(options, server, how);
    Link b = link_new(options, server, how);
    FerrySave save = { 0 };
    FerryLoad load = { 0 };
    FerrySaveRead got = FERRY_SAVE_DATA;
    g_autofree uint8_t *buf = g_malloc(100000);
    bool stopped = false;
    size_t n = 0;

    g_assert_true(ferry_save_begin(&save, a.device, NULL));
    g_assert_true(ferry_load_begin(&load, b.device, NULL));
    while (got != FERRY_SAVE_END) {
        g_assert_true(ferry_save_read(&save, buf, 100000, &got, &n, NULL));
        if (got == FERRY_SAVE_DATA)
            g_assert_true(ferry_load_write(&load, buf, n, NULL));
        /* in the middle, with answers under way: none of them may be lost */
        if (!stopped && (got != FERRY_SAVE_DATA || save.precopy_bytes > 300000)) {
            stopped = true;
            g_assert_true(ferry_save_stop(&save, NULL));
            got = FERRY_SAVE_DATA;
        }
    }
    g_assert_true(ferry_save_finish(&save, NULL));
    g_assert_true(ferry_load_finish(&load, NULL));
    g_clear_pointer(&a.device, ferry_vfio_device_free);
    g_clear_pointer(&b.device, ferry_vfio_device_free);
    sim_server_join(a.server);
    sim_server_join(b.server);
    g_assert_cmpint(sim_device_state(sim_server_device(b.server)), ==, FERRY_MIG_STATE_STOP);
    g_assert_cmpuint(sim_device_digest(sim_server_device(a.server)), ==,
                     sim_device_digest(sim_server_device(b.server)));
    link_clear(&a);
    link_clear(&b);
}

typedef struct {
    const char *name;
    SimOptions device;
    SimServerOptions server;
    FerryUserOptions how;
} MoveRow;

static const MoveRow move_rows[] = {
    { "plain", { .flags = 5, .state_bytes = 1000000, .dirty_percent = 10 }, { 0 }, { 0 } },
    { "serial", { .flags = 5, .state_bytes = 1000000 }, { 0 }, { .depth = 1 } },
    { "deep", { .flags = 5, .state_bytes = 1000000, .dirty_percent = 30 }, { 0 }, { .depth = 16 } },
    { "large-writes",
      { .flags = 5, .state_bytes = 1000000 },
      { 0 },
      { .write_bytes = 1024 * 1024 } },
    { "odd-sizes",
      { .flags = 5, .state_bytes = 1000000 },
      { 0 },
      { .read_bytes = 777, .write_bytes = 333 } },
    { "libvfio-user",
      { .flags = 5, .state_bytes = 1000000, .dirty_percent = 10, .reset_keeps = true },
      { .libvfio_user = true, .recv_once = true, .max_xfer = 1048576 },
      { 0 } },
    { "small-peer", { .flags = 5, .state_bytes = 300000 }, { .max_xfer = 4096 }, { 0 } },
    { "chatty", { .flags = 5, .state_bytes = 1000000 }, { .chatty = true }, { 0 } },
    { "stop-copy-only", { .flags = 1, .state_bytes = 1000000 }, { 0 }, { 0 } },
    { "short-reads", { .flags = 5, .state_bytes = 100000, .max_read = 501 }, { 0 }, { 0 } },
};

static void
test_move(gconstpointer data)
{
    const MoveRow *row = data;

    move_state(&row->device, &row->server, row->how);
}

static unsigned
count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(folder) != NULL)
        n++;
    (void)closedir(folder);
    return n;
}

/* A server may send descriptors that nobody asked for: none stays open. */
static void
test_keeps_no_descriptor(void)
{
    unsigned before = count_fds();

    move_state(&(SimOptions){ .flags = 5, .state_bytes = 100000 },
               &(SimServerOptions){ .chatty = true }, (FerryUserOptions){ 0 });
    g_assert_cmpuint(count_fds(), ==, before);
}

static void
test_registers(void)
{
    Link link =
        link_new(&(SimOptions){ .flags = 5 }, &(SimServerOptions){ 0 }, (FerryUserOptions){ 0 });
    const FerryTransport *transport = link.device->transport;
    uint64_t value = 0x1122334455667788;
    int code = 99;

    g_assert_true(transport->ops->region_write(transport->data, SIM_REGION, SIM_OFFSET, &value, 8,
                                               &code, NULL));
    g_assert_cmpint(code, ==, 0);
    value = 0;
    g_assert_true(transport->ops->region_read(transport->data, SIM_REGION, SIM_OFFSET, &value, 4,
                                              &code, NULL));
    g_assert_cmpuint(value, ==, 0x55667788);
    g_assert_true(
        transport->ops->region_read(transport->data, 5, SIM_OFFSET, &value, 4, &code, NULL));
    g_assert_cmpint(code, ==, EINVAL);
    link_clear(&link);
}

/* libvfio-user keeps the migration state over a reset; in STOP it even refuses one. */
static void
test_reset_of_a_server_that_keeps_its_state(void)
{
    Link link = link_new(&(SimOptions){ .flags = 5, .reset_keeps = true },
                         &(SimServerOptions){ .libvfio_user = true }, (FerryUserOptions){ 0 });

    g_assert_true(ferry_vfio_device_move(link.device, FERRY_MIG_STATE_PRE_COPY, NULL));
    g_assert_true(ferry_vfio_device_reset(link.device, NULL));
    g_assert_cmpint(link.device->state, ==, FERRY_MIG_STATE_RUNNING);
    g_assert_true(ferry_vfio_device_move(link.device, FERRY_MIG_STATE_STOP_COPY, NULL));
    g_assert_true(ferry_vfio_device_recover(link.device, NULL));
    g_assert_cmpint(link.device->state, ==, FERRY_MIG_STATE_RUNNING);
    link_clear(&link);
}

typedef struct {
    const char *name;
    SimHow how;
    int expected;
    const char *message;
} LossRow;

static const LossRow loss_rows[] = {
    { "drop", SIM_HOW_DROP, FERRY_ERROR_PEER, "vfio-user server sim hung up" },
    { "stall", SIM_HOW_STALL, FERRY_ERROR_TIMEOUT,
      "vfio-user server sim did not answer within 100 ms" },
};

static void
test_loss(gconstpointer data)
{
    const LossRow *row = data;
    Link link =
        link_new(&(SimOptions){ .flags = 5, .fail = SIM_FAIL_READ, .how = row->how, .fail_at = 2 },
                 &(SimServerOptions){ 0 }, (FerryUserOptions){ .timeout_ms = 100 });
    FerrySave save = { 0 };
    FerrySaveRead got = FERRY_SAVE_DATA;
    uint8_t buf[1];
    size_t n = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;

    g_assert_true(ferry_save_begin(&save, link.device, NULL));
    for (unsigned i = 0; i < 100000 && error == NULL; i++)
        (void)ferry_save_read(&save, buf, sizeof buf, &got, &n, &error);
    g_assert_error(error, FERRY_ERROR, row->expected);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_false(ferry_save_abort(&save, &again));
    g_assert_error(again, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_nonnull(strstr(again->message, "cannot be used any more"));
    link_clear(&link);
}

/* What a hostile or broken server may say right after the version was agreed on. */
typedef struct {
    const char *name;
    struct {
        FerryUserHeader header;
        uint32_t payload[4];
    } bytes;
    const char *message;
} HostileRow;

static const HostileRow hostile_rows[] = {
    { "wrong-id", { { 9, 17, 24, 1, 0 }, { 8, 0 } }, "where the reply to message 1, command 17" },
    { "size-beyond-asked",
      { { 1, 17, 32, 1, 0 }, { 16, 0x7fffffff } },
      "2147483647 bytes of state" },
    { "size-beyond-payload", { { 1, 17, 32, 1, 0 }, { 16, 9 } }, "9 bytes of state" },
    { "no-payload", { { 1, 17, 16, 1, 0 }, { 0 } }, "payload of 0 bytes" },
    { "huge-message", { { 1, 17, UINT32_MAX, 1, 0 }, { 0 } }, "4294967295 bytes" },
    { "huge-command",
      { { 1, 11, UINT32_MAX, 0, 0 }, { 0 } },
      "sent a command of 4294967295 bytes" },
    { "short-command", { { 1, 11, 3, 0, 0 }, { 0 } }, "sent a command of 3 bytes" },
    { "cut-off", { { 1, 17, 32, 1, 0 }, { 0 } }, "hung up" },
};

static void
test_hostile(gconstpointer data)
{
    static const struct {
        FerryUserHeader header;
        uint16_t numbers[2];
    } version = { { .id = 0, .command = 1, .size = 20, .flags = 1 }, { 0, 1 } };
    const HostileRow *row = data;
    size_t size = g_str_equal(row->name, "cut-off") ? 20 : 32;
    g_autoptr(FerryTransport) transport = NULL;
    g_autoptr(GError) error = NULL;
    FerryIo io = { 0 };
    char buf[64];
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
    g_assert_cmpint(write(fds[1], &version, 20), ==, 20);
    g_assert_cmpint(write(fds[1], &row->bytes, size), ==, size);
    g_assert_cmpint(shutdown(fds[1], SHUT_WR), ==, 0);
    transport = ferry_user_open_fd(fds[0], "sim", &(FerryUserOptions){ .timeout_ms = 1000 }, NULL);
    g_assert_nonnull(transport);
    g_assert_false(transport->ops->stream_read(transport->data, buf, sizeof buf, &io, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_nonnull(strstr(error->message, row->message));
    g_assert_cmpint(close(fds[1]), ==, 0);
}

static void
test_connect_refuses(void)
{
    g_autofree char *long_path = g_strnfill(200, 'x');
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) too_long = NULL;

    g_assert_null(ferry_user_open("/nonexistent/x.sock", &(FerryUserOptions){ 0 }, &missing));
    g_assert_error(missing, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(missing->message, ==,
                    "cannot connect to /nonexistent/x.sock: No such file or directory");
    g_assert_null(ferry_user_open(long_path, &(FerryUserOptions){ 0 }, &too_long));
    g_assert_error(too_long, FERRY_ERROR, FERRY_ERROR_INVALID);
}

/* A write that fails shows at the latest when the load is settled. */
static void
test_late_write_error(void)
{
    Link link = link_new(
        &(SimOptions){
            .flags = 5, .opaque = true, .fail = SIM_FAIL_WRITE, .fail_code = ENOMEM, .fail_at = 3 },
        &(SimServerOptions){ 0 }, (FerryUserOptions){ 0 });
    FerryLoad load = { 0 };
    g_autofree uint8_t *buf = g_malloc0(100000);
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_load_begin(&load, link.device, NULL));
    g_assert_true(ferry_load_write(&load, buf, 100000, NULL)); /* four pieces, all under way */
    g_assert_false(ferry_load_finish(&load, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "refused its state"));
    g_assert_nonnull(strstr(error->message, "the device was reset and is in RUNNING"));
    link_clear(&link);
}

#define ADD_ROWS(group, rows, func)                                                                \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/user/" group "/", rows[i].name, NULL);               \
        g_test_add_data_func(path, &rows[i], func);                                                \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("move", move_rows, test_move);
    ADD_ROWS("loss", loss_rows, test_loss);
    ADD_ROWS("hostile", hostile_rows, test_hostile);
    g_test_add_func("/user/keeps-no-descriptor", test_keeps_no_descriptor);
    g_test_add_func("/user/registers", test_registers);
    g_test_add_func("/user/reset-of-a-server-that-keeps-its-state",
                    test_reset_of_a_server_that_keeps_its_state);
    g_test_add_func("/user/connect-refuses", test_connect_refuses);
    g_test_add_func("/user/late-write-error", test_late_write_error);
    return g_test_run();
}
