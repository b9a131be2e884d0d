#include <stdio.h>

#include "cli/call.h"
#include "cli/groups.h"

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "hosts", NULL };
    static const FerryColumn columns[] = {
        { "name", "NAME", FERRY_CELL_TEXT },
        { "address", "ADDRESS", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };

    return ferry_call_list(arguments, segments, "hosts", columns);
}

static int
add(FerryArguments *arguments)
{
    static const char *const segments[] = { "hosts", NULL };
    const char *name = ferry_arguments_word(arguments, 0);
    int code = ferry_call_run(
        arguments, "POST", segments,
        json_pack("{ss, ss}", "name", name, "address", ferry_arguments_value(arguments, "address")),
        NULL);

    if (code == FERRY_EXIT_DONE)
        fprintf(stderr, "Added. \"ferry host check %s\" tells whether guests can move there.\n",
                name);
    return code;
}

static int
remove_host(FerryArguments *arguments)
{
    const char *const segments[] = { "hosts", ferry_arguments_word(arguments, 0), NULL };

    return ferry_call_run(arguments, "DELETE", segments, NULL, NULL);
}

/* Yes only if every check says so: one that could not be made has "ok": null. */
static bool
all_ok(const json_t *checks)
{
    const json_t *one = NULL;
    size_t i = 0;

    json_array_foreach(checks, i, one) if (!json_is_true(json_object_get(one, "ok"))) return false;
    return json_array_size(checks) > 0;
}

/* What is not right is a line in the table; what to do about it would make that too wide. */
static void
print_checks(const json_t *checks)
{
    static const FerryColumn columns[] = {
        { "check", "CHECK", FERRY_CELL_TEXT },
        { "ok", "OK", FERRY_CELL_TEXT },
        { "detail", "FOUND", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    g_autofree char *table = ferry_table_format(columns, checks);
    const json_t *one = NULL;
    size_t i = 0;

    (void)fputs(table, stdout);
    json_array_foreach(checks, i, one)
    {
        const char *remedy = json_string_value(json_object_get(one, "remedy"));
        g_autofree char *clean = remedy ? ferry_table_printable(remedy) : NULL;

        if (clean)
            printf("To do: %s\n", clean);
    }
}

static int
check(FerryArguments *arguments)
{
    const char *const segments[] = { "hosts", ferry_arguments_word(arguments, 0), "check", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (!ferry_call(client, "POST", segments, NULL, &reply, &error))
        return ferry_command_fail(error);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply.body);
    else
        print_checks(json_object_get(reply.body, "checks"));
    return all_ok(json_object_get(reply.body, "checks")) ? FERRY_EXIT_DONE : FERRY_EXIT_NO;
}

static const FerryOption add_options[] = {
    { "address", 0, "HOST:PORT", "where its ferryd listens", FERRY_OPTION_NEEDED },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb verbs[] = {
    { "list", "", "list the hosts that guests may move to", NULL, list },
    { "add", "NAME", "make a host known by the name in its certificate", add_options, add },
    { "remove", "NAME", "forget a host", NULL, remove_host },
    { "check", "NAME", "check whether a host is ready to take guests", NULL, check },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_host(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
