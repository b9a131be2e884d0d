/*
 * ferry-vfio: one VFIO device, without a daemon.  main is wiring: a row for each command, a row for
 * each option, and exit codes that are those of all of ferry.
 */
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tool/tool.h"

#define EXIT_USAGE 2

typedef struct {
    const char *name;
    unsigned n_arguments;
    const char *arguments;
    const char *what;
    ToolRun run;
} Command;

/* clang-format off */
static const Command commands[] = {
    { "info",    1, "DEV",      "what the device is and whether it can migrate", tool_info },
    { "save",    2, "DEV FILE", "save its state; the device runs on",            tool_save },
    { "load",    2, "DEV FILE", "load a saved state and run",                    tool_load },
    { "send",    2, "DEV ADDR", "move its state to a receiver",                  tool_send },
    { "receive", 2, "DEV ADDR", "wait for a sender, load and run",               tool_receive },
    { "inspect", 1, "FILE",     "check a saved state and say what it holds",     tool_inspect },
    { "run",     1, "DEV",      "bring it to RUNNING, by reset if need be",      tool_run },
    { "test",    1, "DEV",      "test the driver against the specification",     tool_test },
};
/* clang-format on */

static int cancelled; /* set by the signal handler, which can be given nothing else */

static void
on_signal(int number)
{
    (void)number;
    __atomic_store_n(&cancelled, 1, __ATOMIC_RELAXED);
}

#define NOT_GIVEN INT_MIN

/* A number of bytes with K, M or G (powers of 1024). */
static bool
parse_bytes(const char *name, const char *text, uint64_t *value, GError **error)
{
    static const char units[] = "KMG";
    g_autofree char *digits = g_strdup(text);
    const char *unit = NULL;
    uint64_t factor = 1;

    if (text == NULL)
        return true;
    if (text[0] != '\0')
        unit = strchr(units, g_ascii_toupper(text[strlen(text) - 1]));
    if (unit != NULL && *unit != '\0') {
        factor = 1ull << (10 * (unit - units + 1));
        digits[strlen(digits) - 1] = '\0';
    }
    if (!g_ascii_string_to_unsigned(digits, 10, 1, UINT64_MAX / factor, value, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--%s=%s is not a size: expected a number above 0, with K, M or G", name, text);
        return false;
    }
    *value *= factor;
    return true;
}

static bool
fill_in(ToolOptions *options, GError **error)
{
    bool has_downtime = options->max_downtime_ms != NOT_GIVEN;
    bool has_precopy = options->precopy_s != NOT_GIVEN;
    uint64_t memory = 0;
    uint64_t bandwidth = 0;

    if (!parse_bytes("memory", options->memory, &memory, error) ||
        !parse_bytes("bandwidth", options->bandwidth, &bandwidth, error) ||
        !parse_bytes("chunk", options->chunk, &options->chunk_bytes, error))
        return false;
    if (options->timeout_s < 1 || options->timeout_s > 86400 || options->depth < 0 ||
        options->depth > 16 || (options->max_downtime_ms < 1 && has_downtime) ||
        (options->precopy_s < 0 && has_precopy)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "a number is out of range: --timeout is 1 to 86400 s, --depth 1 to 16, "
                    "--max-downtime 1 or more, --precopy 0 or more");
        return false;
    }
    options->pump =
        (FerryPumpOptions){ .memory_bytes = memory,
                            .bandwidth_bps = bandwidth,
                            .chunk_bytes = (size_t)options->chunk_bytes,
                            .max_downtime_ms = has_downtime ? options->max_downtime_ms : 0,
                            /* 0 is the pump's default; asked for, it is none */
                            .precopy_ms = has_precopy ? MAX(options->precopy_s * 1000ll, 1) : 0,
                            .strict_downtime = has_downtime,
                            .stay_stopped = options->stay_stopped != 0,
                            .cancelled = &cancelled };
    options->pump.watch = tool_progress(options);
    return true;
}

static char *
describe_commands(void)
{
    GString *text = g_string_new("Commands:\n");

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "  %-8s %-9s %s\n", commands[i].name, commands[i].arguments,
                               commands[i].what);
    g_string_append(text, "\nDEV is a PCI address, an mdev UUID, a path below /dev/vfio, or "
                          "vfio-user:SOCKET.\nADDR is HOST:PORT or the path of a Unix socket.");
    return g_string_free(text, FALSE);
}

static bool
parse(ToolOptions *o, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "json", 'j', 0, G_OPTION_ARG_NONE, &o->json, "print JSON", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "no progress, no report of success",
          NULL },
        { "timeout", 0, 0, G_OPTION_ARG_INT, &o->timeout_s, "for each call (30)", "SECONDS" },
        { "max-downtime", 0, 0, G_OPTION_ARG_INT, &o->max_downtime_ms,
          "give up rather than stop for longer", "MS" },
        { "precopy", 0, 0, G_OPTION_ARG_INT, &o->precopy_s, "time for pre-copy (60)", "SECONDS" },
        { "bandwidth", 0, 0, G_OPTION_ARG_STRING, &o->bandwidth, "limit, bytes a second", "BYTES" },
        { "memory", 0, 0, G_OPTION_ARG_STRING, &o->memory, "for state in memory (16M)", "BYTES" },
        { "chunk", 0, 0, G_OPTION_ARG_STRING, &o->chunk, "read and write at once", "BYTES" },
        { "depth", 0, 0, G_OPTION_ARG_INT, &o->depth, "vfio-user requests at once (4)", "N" },
        { "stay-stopped", 0, 0, G_OPTION_ARG_NONE, &o->stay_stopped, "leave the device in STOP",
          NULL },
        { "facts", 0, 0, G_OPTION_ARG_FILENAME, &o->facts, "more facts of the device", "FILE" },
        { "accept-unknown", 0, 0, G_OPTION_ARG_NONE, &o->accept_unknown,
          "load although a fact is missing", NULL },
        { "no-check", 0, 0, G_OPTION_ARG_NONE, &o->no_check, "leave refusing to the driver", NULL },
        { "tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &o->tls_ca, "use TLS; the authority", "FILE" },
        { "tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &o->tls_cert, "own certificate", "FILE" },
        { "tls-key", 0, 0, G_OPTION_ARG_FILENAME, &o->tls_key, "its key", "FILE" },
        { "list", 0, 0, G_OPTION_ARG_NONE, &o->list, "test: name the checks", NULL },
        { "only", 0, 0, G_OPTION_ARG_STRING, &o->only, "test: these (ids or prefixes)", "ID,…" },
        { "peer", 0, 0, G_OPTION_ARG_STRING, &o->peer, "test: load into this device", "DEV" },
        { "register", 0, 0, G_OPTION_ARG_STRING, &o->reg,
          "test: a byte the guest can write, seen to arrive", "REGION:OFFSET" },
        { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "print the version", NULL },
        { "unsafe", 0, 0, G_OPTION_ARG_NONE, &o->unsafe,
          "test: also what hangs some kernels (STOP_COPY to PRE_COPY)", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("COMMAND DEV…");
    g_autofree char *summary = describe_commands();

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(context, summary);
    return g_option_context_parse(context, argc, argv, error);
}

static void
options_clear(ToolOptions *o)
{
    char **texts[] = { &o->bandwidth, &o->memory, &o->chunk,  &o->facts,    &o->only,
                       &o->peer,      &o->reg,    &o->tls_ca, &o->tls_cert, &o->tls_key };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_clear_pointer(texts[i], g_free);
}

/* "test --list" needs no device. */
static bool
fits(const Command *command, int argc, const ToolOptions *options)
{
    return (unsigned)argc == command->n_arguments + 2 ||
           (argc == 2 && options->list && command->run == tool_test);
}

static const Command *
find_command(int argc, char **argv, const ToolOptions *options, GError **error)
{
    const Command *command = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(commands) && argc > 1; i++)
        if (g_str_equal(commands[i].name, argv[1]))
            command = &commands[i];
    if (argc < 2)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "missing command: run \"ferry-vfio --help\"");
    else if (command == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "no command \"%s\": run \"ferry-vfio --help\"", argv[1]);
    else if (fits(command, argc, options))
        return command;
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "expected \"ferry-vfio %s %s\", not %d arguments: run \"ferry-vfio --help\"",
                    command->name, command->arguments, argc - 2);
    return NULL;
}

int
main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };
    ToolOptions options = { .timeout_s = 30, .max_downtime_ms = NOT_GIVEN, .precopy_s = NOT_GIVEN };
    g_autoptr(GError) error = NULL;
    const Command *command = NULL;
    int status = EXIT_USAGE;

    (void)setlocale(LC_ALL, "");
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (parse(&options, &argc, &argv, &error) && fill_in(&options, &error)) {
        if (options.version)
            status = printf("ferry-vfio %s\n", FERRY_VERSION) < 0;
        else if ((command = find_command(argc, argv, &options, &error)) != NULL)
            status = command->run(argv + 2, &options, &error);
    }
    if (error != NULL) {
        (void)fprintf(stderr, "ferry-vfio: %s\n", error->message);
        status = error->domain == FERRY_ERROR
                     ? ferry_error_info((FerryErrorCode)error->code)->exit_code
                     : EXIT_USAGE;
    }
    options_clear(&options);
    return status;
}
