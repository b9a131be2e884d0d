#include <stdio.h>

#include "cli/call.h"
#include "cli/groups.h"
#include "cli/job-view.h"
#include "cli/watch.h"

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "jobs", NULL };
    static const FerryColumn columns[] = {
        { "id", "JOB", FERRY_CELL_TEXT },          { "guest.name", "GUEST", FERRY_CELL_TEXT },
        { "source", "SOURCE", FERRY_CELL_TEXT },   { "target", "TARGET", FERRY_CELL_TEXT },
        { "state", "STATE", FERRY_CELL_TEXT },     { "phase", "PHASE", FERRY_CELL_TEXT },
        { "runs_on", "RUNS ON", FERRY_CELL_TEXT }, { "began", "BEGAN", FERRY_CELL_TEXT },
        { "elapsed_ms", "TIME", FERRY_CELL_TIME }, { NULL, NULL, FERRY_CELL_TEXT },
    };

    return ferry_call_list(arguments, segments, "jobs", columns);
}

static int
show(FerryArguments *arguments)
{
    const char *const segments[] = { "jobs", ferry_arguments_word(arguments, 0), NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *page = NULL;

    if (!ferry_call(client, "GET", segments, NULL, &reply, &error))
        return ferry_command_fail(error);
    page = ferry_job_view_page(reply.body);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply.body);
    else
        (void)fputs(page, stdout);
    return ferry_job_view_is_in_doubt(reply.body) ? FERRY_EXIT_IN_DOUBT : FERRY_EXIT_DONE;
}

static int
watch(FerryArguments *arguments)
{
    g_autoptr(FerryWatch) watching = ferry_watch_new(arguments, FERRY_INTERRUPT_LEAVES);

    return ferry_watch_run(watching, ferry_arguments_word(arguments, 0));
}

static int
cancel(FerryArguments *arguments)
{
    const char *id = ferry_arguments_word(arguments, 0);
    const char *const segments[] = { "jobs", id, "cancel", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (!ferry_call(client, "POST", segments, NULL, &reply, &error))
        return ferry_command_fail(error);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply.body);
    else
        printf("asked job %s to cancel: \"ferry job watch %s\" shows how it ends\n", id, id);
    return FERRY_EXIT_DONE;
}

static const FerryVerb verbs[] = {
    { "list", "", "list the jobs of this host, newest first", NULL, list },
    { "show", "JOB", "show where a job stands and what it waits for", NULL, show },
    { "watch", "JOB", "follow a job to its end", NULL, watch },
    { "cancel", "JOB", "ask a job to stop and to undo what it did", NULL, cancel },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_job(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
