#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/groups.h"

static const FerryCommand commands[] = {
    { "guest", "the guests of this host: define, show, start, stop, save, restore",
      ferry_cli_guest },
    { "check", "tell whether a guest can move to a host", ferry_cli_check },
    { "migrate", "move a running guest to another host", ferry_cli_migrate },
    { "reserve", "hold what a guest needs on another host, for a while", ferry_cli_reserve },
    { "reservation", "what is held for guests that will move: list, show, cancel",
      ferry_cli_reservation },
    { "job", "migrations, saves, restores: list, show, watch, cancel", ferry_cli_job },
    { "host", "the hosts that guests may move to: add, list, remove, check", ferry_cli_host },
    { "device", "the host's devices, and who has them: list, show", ferry_cli_device },
    { "mdev", "mediated devices: types, list, show, create, remove", ferry_cli_mdev },
    { "pf", "devices with virtual functions: list, set how many", ferry_cli_pf },
    { "pool", "sets of VFs or mediated devices: list, show, define, undefine", ferry_cli_pool },
    { "resolve", "decide a job in doubt whose other host is gone", ferry_cli_resolve },
    { "compat", "whether a device's state loads elsewhere, and why not: checks of files",
      ferry_cli_compat },
    { "pki", "certificates of the hosts: make an authority, issue, install, show", ferry_cli_pki },
    { NULL, NULL, NULL },
};

static const FerryOption options[] = {
    { "version", 'V', NULL, "print the version", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static int
print_help(void)
{
    printf("usage: ferry [--json] [--socket PATH] COMMAND ...\n"
           "Moves running KVM guests between hosts, with their host devices.\n\n");
    for (const FerryCommand *command = commands; command->name; command++)
        printf("  %-11s %s\n", command->name, command->summary);
    printf("\n");
    ferry_command_print_options(ferry_arguments_common);
    ferry_command_print_options(options);
    printf("\n\"ferry COMMAND --help\" says more, and so does the manual, ferry(1).\n");
    return FERRY_EXIT_DONE;
}

static int
wrong_usage(const char *what)
{
    fprintf(stderr, "ferry: %s: run \"ferry --help\"\n", what);
    return FERRY_EXIT_USAGE;
}

/* The group, what stood before it, what stood after it. */
static GStrv
group_arguments(const FerryArguments *before, char *const *rest)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    const char *socket = ferry_arguments_value(before, "socket");

    g_ptr_array_add(all, g_strdup(rest[0]));
    if (ferry_arguments_given(before, "json"))
        g_ptr_array_add(all, g_strdup("--json"));
    if (socket)
        g_ptr_array_add(all, g_strconcat("--socket=", socket, NULL));
    for (size_t i = 1; rest[i]; i++)
        g_ptr_array_add(all, g_strdup(rest[i]));
    g_ptr_array_add(all, NULL);
    return (GStrv)g_ptr_array_steal(all, NULL);
}

static int
run(char **argv)
{
    g_autoptr(FerryArguments) before = ferry_arguments_new();
    g_auto(GStrv) rest = g_strdupv(argv);
    g_autofree char *unknown = NULL;
    g_autoptr(GError) error = NULL;

    if (!ferry_arguments_take_leading(before, options, &rest, &error))
        return wrong_usage(error->message);
    if (ferry_arguments_given(before, "version")) {
        printf("ferry %s\n", FERRY_VERSION);
        return FERRY_EXIT_DONE;
    }
    if (ferry_arguments_given(before, "help"))
        return print_help();
    if (rest[0] == NULL)
        return wrong_usage("missing command");
    for (const FerryCommand *command = commands; command->name; command++)
        if (strcmp(command->name, rest[0]) == 0) {
            g_auto(GStrv) group = group_arguments(before, rest);
            return command->run((int)g_strv_length(group), group);
        }
    unknown = g_strdup_printf("no command \"%s\"", rest[0]);
    return wrong_usage(unknown);
}

int
main(int argc, char **argv)
{
    int code = run(argv + (argc > 0 ? 1 : 0));

    /* What did not reach its reader was not done: a full disk must not look like success.  Why a
     * write before this one failed nobody remembers. */
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "ferry: cannot write the output: %s\n",
                errno != 0 ? g_strerror(errno) : "a part of it is missing");
        return ferry_error_info(FERRY_ERROR_IO)->exit_code;
    }
    return code;
}
