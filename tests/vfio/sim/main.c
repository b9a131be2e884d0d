/*
 * A vfio-user server of a simulated device, as a program: vfio-sim --socket-path=PATH [--size=N]
 * [--type=N] [--flags=N] [--dirty=PERCENT] [--initial=N] [--opaque] [--libvfio-user]
 * [--fail=KIND:HOW:N] [--max-xfer=N] [--delay-us=N] [--register=N] [--clients=N]
 *
 * After each client it prints the device's register, digest and state.  It ends after the number
 * of clients given (default 1), by SIGTERM, or with its parent.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/server.h"

typedef struct {
    char *path;
    gint64 size;
    gint64 initial;
    gint64 reg;
    int page;
    int type;
    int flags;
    int dirty;
    int max_xfer;
    int delay_us;
    int clients;
    gboolean opaque;
    gboolean accepts_all;
    gboolean libvfio_user;
    char *fail;
} Arguments;

static bool
parse_fail(const char *text, SimOptions *options)
{
    static const char *const kinds[] = {
        "nothing", "read", "write", "move", "info", "size", "reset"
    };
    static const char *const hows[] = { "errno", "error-state", "drop", "stall" };
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);

    if (g_strv_length(parts) != 3)
        return false;
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i], parts[0]))
            options->fail = (SimFail)i;
    for (unsigned i = 0; i < G_N_ELEMENTS(hows); i++)
        if (g_str_equal(hows[i], parts[1]))
            options->how = (SimHow)i;
    options->fail_at = (unsigned)g_ascii_strtoull(parts[2], NULL, 10);
    options->fail_code = EIO;
    return options->fail != SIM_FAIL_NOTHING;
}

static int
listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    (void)unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0)
        return -1;
    return fd;
}

static int
serve_clients(SimServer *server, const char *path, int n_clients)
{
    int listener = listen_at(path);

    if (listener < 0) {
        (void)fprintf(stderr, "vfio-sim: cannot listen at %s: %s\n", path, strerror(errno));
        return 1;
    }
    (void)printf("listening\n");
    (void)fflush(stdout);
    for (int i = 0; i < n_clients; i++) {
        int fd = accept(listener, NULL, NULL);
        SimDevice *device = sim_server_device(server);

        if (fd < 0)
            return 1;
        sim_server_serve(server, fd);
        (void)printf("register 0x%" G_GINT64_MODIFIER "x digest %016" G_GINT64_MODIFIER
                     "x state %s\n",
                     sim_device_register(device), sim_device_digest(device),
                     ferry_mig_state_name(sim_device_state(device)));
        (void)fflush(stdout);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    Arguments a = { .clients = 1 };
    const GOptionEntry entries[] = {
        { "socket-path", 0, 0, G_OPTION_ARG_FILENAME, &a.path, NULL, NULL },
        { "size", 0, 0, G_OPTION_ARG_INT64, &a.size, NULL, NULL },
        { "initial", 0, 0, G_OPTION_ARG_INT64, &a.initial, NULL, NULL },
        { "register", 0, 0, G_OPTION_ARG_INT64, &a.reg, NULL, NULL },
        { "page", 0, 0, G_OPTION_ARG_INT, &a.page, NULL, NULL },
        { "type", 0, 0, G_OPTION_ARG_INT, &a.type, NULL, NULL },
        { "flags", 0, 0, G_OPTION_ARG_INT, &a.flags, NULL, NULL },
        { "dirty", 0, 0, G_OPTION_ARG_INT, &a.dirty, NULL, NULL },
        { "max-xfer", 0, 0, G_OPTION_ARG_INT, &a.max_xfer, NULL, NULL },
        { "delay-us", 0, 0, G_OPTION_ARG_INT, &a.delay_us, NULL, NULL },
        { "clients", 0, 0, G_OPTION_ARG_INT, &a.clients, NULL, NULL },
        { "opaque", 0, 0, G_OPTION_ARG_NONE, &a.opaque, NULL, NULL },
        { "accepts-all", 0, 0, G_OPTION_ARG_NONE, &a.accepts_all, NULL, NULL },
        { "libvfio-user", 0, 0, G_OPTION_ARG_NONE, &a.libvfio_user, NULL, NULL },
        { "fail", 0, 0, G_OPTION_ARG_STRING, &a.fail, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || a.path == NULL) {
        (void)fprintf(stderr, "vfio-sim: %s\n", error ? error->message : "no --socket-path");
        return 2;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);

    SimOptions options = { .flags = a.flags > 0 ? (uint64_t)a.flags : 5,
                           .state_bytes = (uint64_t)a.size,
                           .page_bytes = (uint32_t)a.page,
                           .initial_bytes = (uint64_t)a.initial,
                           .dirty_percent = (unsigned)a.dirty,
                           .type = (uint32_t)a.type,
                           .opaque = a.opaque != 0,
                           .accepts_all = a.accepts_all != 0,
                           .reset_keeps = a.libvfio_user != 0 };
    SimServerOptions server_options = { .libvfio_user = a.libvfio_user != 0,
                                        .max_xfer = (size_t)a.max_xfer,
                                        .delay_us = a.delay_us };
    if (a.fail != NULL && !parse_fail(a.fail, &options)) {
        (void)fprintf(stderr, "vfio-sim: --fail=%s: expected KIND:HOW:N\n", a.fail);
        return 2;
    }
    SimServer *server = sim_server_new(sim_device_new(&options), &server_options);
    sim_device_set_register(sim_server_device(server), (uint64_t)a.reg);
    int status = serve_clients(server, a.path, a.clients);
    sim_server_free(server);
    g_free(a.path);
    g_free(a.fail);
    return status;
}
