#include "cli/guest-save.h"

#include <stdio.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/command.h"
#include "cli/offers.h"
#include "cli/reasons.h"
#include "cli/watch.h"

/* clang-format off */
const FerryOption ferry_guest_save_options[] = {
    { "force", 0, NULL, "write over a saved guest", FERRY_OPTION_OPTIONAL },
    { "detach", 0, NULL, "do not wait: name the job, and end", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

const FerryOption ferry_guest_restore_options[] = {
    { "check", 0, NULL, "tell whether it would go, and touch nothing", FERRY_OPTION_OPTIONAL },
    { "accept-unknown", 0, NULL, "also when nobody promises that a device's state loads here", FERRY_OPTION_OPTIONAL },
    { "unverified", 0, NULL, "do not compare the file with its checksums", FERRY_OPTION_OPTIONAL },
    { "again", 0, NULL, "also when it was restored before", FERRY_OPTION_OPTIONAL },
    { "on-host", 0, "HOST", "restore it there: that host finds FILE under the same path", FERRY_OPTION_OPTIONAL },
    { "detach", 0, NULL, "do not wait: name the job, and end", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
/* clang-format on */

/* ferryd has another working directory. */
static char *
absolute(const char *path)
{
    return g_canonicalize_filename(path, NULL);
}

static int
refused(const FerryArguments *arguments, const char *refusal, const json_t *answer)
{
    g_autofree char *reasons = NULL;

    if (ferry_call_print(arguments) == FERRY_PRINT_JSON) {
        ferry_table_print_json(stdout, answer);
        return FERRY_EXIT_NO;
    }
    reasons = ferry_reasons_format(json_object_get(answer, "reasons"));
    (void)fprintf(stderr, "%s:\n%s", refusal, reasons);
    return FERRY_EXIT_NO;
}

static int
follow(const FerryArguments *arguments, FerryWatch *watch, const json_t *job)
{
    const char *id = json_string_value(json_object_get(job, "id"));
    const char *host = ferry_arguments_value(arguments, "on-host");
    g_autoptr(GError) error = NULL;

    if (id == NULL) {
        g_set_error(&error, FERRY_ERROR, FERRY_ERROR_PEER, "ferryd answered without a job");
        return ferry_command_fail(error);
    }
    if (watch != NULL)
        return host != NULL ? ferry_watch_run_there(watch, host, id) : ferry_watch_run(watch, id);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, job);
    else
        printf("job %s: \"ferry job watch %s\"%s%s shows how it goes\n", id, id,
               host != NULL ? " on " : "", host != NULL ? host : "");
    return FERRY_EXIT_DONE;
}

/* @body: (transfer full) */
static int
run(const FerryArguments *arguments, const char *const *segments, json_t *body, const char *refusal)
{
    g_autoptr(FerryWatch) watch = NULL;
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (!ferry_arguments_given(arguments, "detach"))
        watch = ferry_watch_new(arguments, ferry_arguments_given(arguments, "on-host")
                                               ? FERRY_INTERRUPT_LEAVES
                                               : FERRY_INTERRUPT_CANCELS);
    client = ferry_call_connect(arguments);
    if (!ferry_call(client, "POST", segments, body, &reply, &error))
        return ferry_command_fail(error);
    return ferry_call_is_refused(&reply) ? refused(arguments, refusal, reply.body)
                                         : follow(arguments, watch, reply.body);
}

int
ferry_guest_save(FerryArguments *arguments)
{
    const char *guest = ferry_arguments_word(arguments, 0);
    const char *const segments[] = { "guests", guest, "save", NULL };
    g_autofree char *file = absolute(ferry_arguments_word(arguments, 1));
    g_autofree char *refusal = g_strdup_printf("%s is not saved", guest);

    return run(
        arguments, segments,
        json_pack("{s:s, s:b}", "file", file, "force", ferry_arguments_given(arguments, "force")),
        refusal);
}

/* ---- restore ---- */

static const char *const restores[] = { "restores", NULL };

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void
print_check(const char *file, const char *host, const json_t *answer)
{
    g_autofree char *where = host != NULL ? g_strconcat("on ", host, NULL) : g_strdup("here");
    g_autofree char *guest =
        ferry_table_printable(text_of(json_object_get(answer, "guest"), "name"));
    g_autofree char *reasons = ferry_reasons_format(json_object_get(answer, "reasons"));
    g_autofree char *on = NULL;

    if (json_is_true(json_object_get(answer, "checksums"))) {
        on = ferry_table_printable(text_of(answer, "saved_on"));
        printf("%s has guest %s, saved on %s at %s\n", file, guest, on, text_of(answer, "saved"));
    } else {
        printf("%s has guest %s; not verified: there is no %s.ferry\n", file, guest, file);
    }
    if (g_strcmp0(text_of(answer, "verdict"), "yes") == 0)
        printf("it can be restored %s\n", where);
    else
        printf("it cannot be restored %s:\n%s", where, reasons);
    ferry_offers_print(stdout, json_object_get(answer, "devices"));
}

static int
check(const FerryArguments *arguments, const char *file, const char *refusal, json_t *body)
{
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    const char *verdict = NULL;

    json_object_set_new(body, "check_only", json_true());
    if (!ferry_call(client, "POST", restores, body, &reply, &error))
        return ferry_command_fail(error);
    if (ferry_call_is_refused(&reply)) /* only another host's is: this one's are in the verdict */
        return refused(arguments, refusal, reply.body);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply.body);
    else
        print_check(file, ferry_arguments_value(arguments, "on-host"), reply.body);
    verdict = text_of(reply.body, "verdict");
    if (g_strcmp0(verdict, "unknown") == 0)
        return FERRY_EXIT_UNKNOWN;
    return g_strcmp0(verdict, "yes") == 0 ? FERRY_EXIT_DONE : FERRY_EXIT_NO;
}

int
ferry_guest_restore(FerryArguments *arguments)
{
    g_autofree char *file = absolute(ferry_arguments_word(arguments, 0));
    g_autofree char *refusal = g_strdup_printf("%s is not restored", file);
    const char *host = ferry_arguments_value(arguments, "on-host");
    json_t *body = json_pack("{s:s, s:b, s:b, s:b, s:s*}", "file", file, "accept_unknown",
                             ferry_arguments_given(arguments, "accept-unknown"), "unverified",
                             ferry_arguments_given(arguments, "unverified"), "again",
                             ferry_arguments_given(arguments, "again"), "on_host", host);

    return ferry_arguments_given(arguments, "check") ? check(arguments, file, refusal, body)
                                                     : run(arguments, restores, body, refusal);
}
