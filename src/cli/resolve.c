#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/groups.h"
#include "cli/reasons.h"

/* (transfer full): an absolute path, for ferryd has another working directory */
static char *
absolute(const char *path)
{
    return path == NULL ? NULL : g_canonicalize_filename(path, NULL);
}

static json_t *
request_of(const FerryArguments *arguments)
{
    g_autofree char *journal = absolute(ferry_arguments_value(arguments, "journal"));
    json_t *body = json_pack("{ss, ss, ss, sb}", "keep", ferry_arguments_value(arguments, "keep"),
                             "fenced", ferry_arguments_value(arguments, "fenced"), "reason",
                             ferry_arguments_value(arguments, "reason"), "cold",
                             (int)ferry_arguments_given(arguments, "cold"));

    if (journal != NULL)
        (void)json_object_set_new(body, "journal", json_string(journal));
    return body;
}

/* Only what is lost with a cold start is asked about; anything else is a no. */
static bool
is_about_loss(const json_t *reasons)
{
    const char *code = json_string_value(json_object_get(json_array_get(reasons, 0), "code"));

    return json_array_size(reasons) == 1 && g_strcmp0(code, "memory-lost") == 0;
}

static bool
asks_and_hears_yes(const json_t *reasons)
{
    g_autofree char *text = ferry_reasons_format(reasons);
    char answer[8] = "";

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "%sDiscard its memory and start it from disk? Type yes: ", text);
    return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static int
refused(const FerryArguments *arguments, const char *id, const json_t *answer)
{
    const json_t *reasons = json_object_get(answer, "reasons");
    g_autofree char *text = ferry_reasons_format(reasons);

    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, answer);
    else
        fprintf(stderr, "job %s was left as it is:\n%s%s", id, text,
                is_about_loss(reasons) ? "  --cold says yes to that\n" : "");
    return FERRY_EXIT_NO;
}

static int
resolve(FerryArguments *arguments)
{
    const char *id = ferry_arguments_word(arguments, 0);
    const char *const segments[] = { "jobs", id, "resolve", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *body = request_of(arguments);

    json_incref(body);
    if (!ferry_call(client, "POST", segments, body, &reply, &error)) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    if (reply.status == 409 && is_about_loss(json_object_get(reply.body, "reasons")) &&
        asks_and_hears_yes(json_object_get(reply.body, "reasons"))) {
        (void)json_object_set_new(body, "cold", json_true());
        ferry_reply_clear(&reply);
        json_incref(body);
        if (!ferry_call(client, "POST", segments, body, &reply, &error)) {
            json_decref(body);
            return ferry_command_fail(error);
        }
    }
    json_decref(body);
    if (reply.status == 409)
        return refused(arguments, id, reply.body);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply.body);
    else
        printf("resolved job %s: \"ferry job watch %s\" shows how it ends\n", id, id);
    return FERRY_EXIT_DONE;
}

/* clang-format off */
static const FerryOption options[] = {
    { "keep", 0, "SIDE", "the side that this host is and that keeps the guest: source or target", FERRY_OPTION_NEEDED },
    { "fenced", 0, "HOST", "the other host, which is off or cut off from the disks", FERRY_OPTION_NEEDED },
    { "reason", 0, "TEXT", "why, for the record", FERRY_OPTION_NEEDED },
    { "journal", 0, "FILE", "the other host's ferry.db, its ferry.db-wal beside it", FERRY_OPTION_OPTIONAL },
    { "cold", 0, NULL, "the guest's memory may be discarded: start it from disk", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
/* clang-format on */

static const FerryVerb verbs[] = {
    { NULL, "JOB", "decide a job in doubt whose other host is gone", options, resolve },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_resolve(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
