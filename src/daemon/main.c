#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/crash.h"
#include "base/error.h"
#include "daemon/config.h"
#include "daemon/daemon.h"

/* How long jobs and requests may take to end after SIGTERM; systemd waits for 90 s. */
#define STOP_TIMEOUT_MS 10000
/* How long "ready" waits for PFs whose drivers are still being loaded; systemd waits for 90 s, and
 * the guests behind us. */
#define DEVICES_TIMEOUT_MS 15000
#define EXIT_USAGE         2

typedef struct {
    char *config_path;
    gboolean check, list_crash_points, version;
} Options;

static bool
parse_options(int *argc, char ***argv, Options *ret)
{
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &ret->config_path,
          "Read this file instead of " FERRY_CONFIG_PATH, "FILE" },
        { "check-config", 0, 0, G_OPTION_ARG_NONE, &ret->check,
          "Say whether the configuration is right, and end", NULL },
        { "list-crash-points", 0, 0, G_OPTION_ARG_NONE, &ret->list_crash_points,
          "List the names that FERRY_CRASH_AT takes, and end", NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &ret->version, "Print the version, and end", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, "Moves guests to other hosts and takes them from there.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        (void)fprintf(stderr, "ferryd: %s; see ferryd --help\n", error->message);
        return false;
    }
    if (*argc > 1) {
        (void)fprintf(stderr, "ferryd: what is \"%s\"? see ferryd --help\n", (*argv)[1]);
        return false;
    }
    return true;
}

static int
fail(const GError *error)
{
    (void)fprintf(stderr, "ferryd: %s\n", error->message);
    if (error->domain != FERRY_ERROR)
        return EXIT_FAILURE;
    return ferry_error_info((FerryErrorCode)error->code)->exit_code;
}

/* The default writer drops what is below "message" unless asked, our "info" lines too. */
static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, void *data)
{
    if (level & G_LOG_LEVEL_DEBUG)
        return g_log_writer_default(level, fields, n_fields, data);
    if (g_log_writer_is_journald(STDERR_FILENO) &&
        g_log_writer_journald(level, fields, n_fields, data) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    return g_log_writer_standard_streams(level, fields, n_fields, data);
}

/* Before there is a second thread: signals are taken by sigwait() in this one. */
static void
set_up_process(sigset_t *signals)
{
    struct rlimit files = { 0 };

    g_log_writer_default_set_use_stderr(TRUE);
    g_log_set_writer_func(write_log, NULL, NULL);
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    /* Many threads that allocate little each: an arena for every one would cost more than it
     * gains. */
    (void)mallopt(M_ARENA_MAX, 2);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* a connection is a descriptor, or two */
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int
run(const FerryConfig *config)
{
    FerryDaemon *daemon = NULL;
    g_autoptr(GError) error = NULL;
    sigset_t signals;
    int number = 0;

    set_up_process(&signals);
    if (!ferry_daemon_start(config, &daemon, &error))
        return fail(error);
    if (!ferry_daemon_await_devices(daemon, DEVICES_TIMEOUT_MS))
        g_message("going on without a PF of the configuration that is not there: it gets its VFs "
                  "when it appears");
    g_message("ferryd " FERRY_VERSION " is ready");
    (void)sd_notify(0, "READY=1");
    (void)sigwait(&signals, &number);
    (void)sd_notify(0, "STOPPING=1");
    if (!ferry_daemon_stop(daemon, STOP_TIMEOUT_MS)) {
        /* What a crash does, which every job survives. */
        g_message("going down with requests or jobs under way: jobs go on at the next start");
        _exit(EXIT_SUCCESS);
    }
    return EXIT_SUCCESS;
}

/* Without a file, unless one was named, every key has its default. */
static bool
load(const Options *options, FerryConfig **ret, GError **error)
{
    if (options->config_path == NULL && access(FERRY_CONFIG_PATH, F_OK) < 0 && errno == ENOENT)
        return ferry_config_parse(FERRY_CONFIG_PATH, "", ret, error);
    return ferry_config_load(
        options->config_path != NULL ? options->config_path : FERRY_CONFIG_PATH, ret, error);
}

static int
say_right(const Options *options, const FerryConfig *config)
{
    if (options->config_path == NULL && access(FERRY_CONFIG_PATH, F_OK) < 0)
        (void)printf("there is no %s: every key has its default\n", config->path);
    else
        (void)printf("%s is right\n", config->path);
    return EXIT_SUCCESS;
}

static int
choose(const Options *options)
{
    g_autoptr(FerryConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    if (options->version) {
        (void)printf("ferryd " FERRY_VERSION "\n");
        return EXIT_SUCCESS;
    }
    for (unsigned i = 0; options->list_crash_points && i < FERRY_CRASH_N_POINTS; i++)
        (void)printf("%s\n", ferry_crash_point_name((FerryCrashPoint)i));
    if (options->list_crash_points)
        return EXIT_SUCCESS;
    if (!load(options, &config, &error))
        return fail(error);
    return options->check ? say_right(options, config) : run(config);
}

int
main(int argc, char **argv)
{
    Options options = { 0 };
    int code = EXIT_USAGE;

    if (parse_options(&argc, &argv, &options))
        code = choose(&options);
    g_free(options.config_path);
    return code;
}
