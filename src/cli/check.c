#include "cli/check.h"

#include <string.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/given.h"
#include "cli/groups.h"
#include "cli/offers.h"
#include "cli/reasons.h"

bool
ferry_check_add_target(const FerryArguments *arguments,
                       FerryCheckTargets targets,
                       json_t *body,
                       GError **error)
{
    const char *to = ferry_arguments_value(arguments, "to");
    const char *reservation = ferry_arguments_value(arguments, "reservation");

    if (targets == FERRY_CHECK_ONE && to == NULL && reservation == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "missing --to HOST, or --reservation RESERVATION");
        return false;
    }
    if (to != NULL)
        (void)json_object_set_new(body, "to", json_string(to));
    if (reservation != NULL)
        (void)json_object_set_new(body, "reservation", json_string(reservation));
    return ferry_given_add(arguments, body, error);
}

/* A check's answer names the target, a refused migration's does not. */
static char *
target_of(const FerryArguments *arguments, const json_t *answer)
{
    const char *to = ferry_arguments_value(arguments, "to");
    const char *target = json_string_value(json_object_get(answer, "target"));

    if (to != NULL)
        return g_strdup(to);
    return ferry_table_printable(target != NULL ? target : "the host of its reservation");
}

void
ferry_check_print_refusal(FILE *stream, const FerryArguments *arguments, const json_t *answer)
{
    g_autofree char *clean = target_of(arguments, answer);
    g_autofree char *reasons = ferry_reasons_format(json_object_get(answer, "reasons"));

    fprintf(stream, "%s cannot move to %s:\n%s", ferry_arguments_word(arguments, 0), clean,
            reasons);
}

static const char *
verdict_of(const json_t *answer)
{
    const char *verdict = json_string_value(json_object_get(answer, "verdict"));

    return verdict != NULL ? verdict : "";
}

static void
print_yes(const FerryArguments *arguments, const json_t *answer)
{
    const json_t *aliases = json_object_get(answer, "ephemerals");
    g_autofree char *to = target_of(arguments, answer);
    const json_t *alias = NULL;
    size_t i = 0;

    printf("%s can move to %s\n", ferry_arguments_word(arguments, 0), to);
    json_array_foreach(aliases, i, alias) if (json_is_string(alias))
    {
        g_autofree char *clean = ferry_table_printable(json_string_value(alias));
        printf("  %s is taken off for it and plugged in again there\n", clean);
    }
}

static void
print_warnings(const json_t *answer)
{
    const json_t *warning = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        const char *message = json_string_value(json_object_get(warning, "message"));
        g_autofree char *clean = ferry_table_printable(message != NULL ? message : "");

        printf("warning: %s\n", clean);
    }
}

/* Said also when there is no figure: that is what its user has to know. */
static void
print_forecast(const json_t *answer)
{
    const char *message =
        json_string_value(json_object_get(json_object_get(answer, "blackout"), "message"));
    g_autofree char *clean = ferry_table_printable(message != NULL ? message : "");

    if (message != NULL)
        printf("blackout: %s\n", clean);
}

/* The live way has been told by the reasons; of one that is shut what limits it. */
static void
print_alternatives(const json_t *answer)
{
    const json_t *row = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(answer, "alternatives"), i, row)
    {
        const char *way = json_string_value(json_object_get(row, "way"));
        const char *factor = json_string_value(json_object_get(row, "factor"));
        const char *message = json_string_value(json_object_get(row, "message"));
        g_autofree char *verdict = ferry_table_printable(verdict_of(row));
        g_autofree char *name = ferry_table_printable(way != NULL ? way : "");
        g_autofree char *why =
            ferry_table_printable(strcmp(verdict_of(row), "yes") != 0 && factor != NULL ? factor
                                  : message != NULL                                     ? message
                                                                                        : "");

        if (strcmp(name, "live") != 0)
            printf("by %s: %s (%s)\n", name, verdict, why);
    }
}

static void
print_one(const FerryArguments *arguments, const json_t *answer)
{
    if (strcmp(verdict_of(answer), "yes") == 0)
        print_yes(arguments, answer);
    else
        ferry_check_print_refusal(stdout, arguments, answer);
    print_alternatives(answer);
    print_warnings(answer);
    print_forecast(answer);
    ferry_offers_print(stdout, json_object_get(answer, "devices"));
}

/* What differs, of one host of each group: the others of it are alike. */
static void
print_values(const json_t *answer)
{
    const json_t *group = NULL;
    const json_t *check = NULL;
    size_t i = 0;
    size_t j = 0;

    json_array_foreach(json_object_get(answer, "groups"), i, group)
    {
        const char *first = json_string_value(json_array_get(json_object_get(group, "hosts"), 0));
        g_autofree char *clean = ferry_table_printable(first != NULL ? first : "");

        json_array_foreach(json_object_get(answer, "checks"), j, check)
        {
            g_autofree char *reasons = ferry_reasons_format(json_object_get(check, "reasons"));

            if (json_array_size(json_object_get(check, "reasons")) == 0 ||
                g_strcmp0(first, json_string_value(json_object_get(check, "target"))) != 0)
                continue;
            printf("\n%s:\n%s", clean, reasons);
            ferry_offers_print_values(stdout, json_object_get(check, "devices"));
        }
    }
}

static void
print_all(const json_t *answer)
{
    static const FerryColumn columns[] = {
        { "verdict", "VERDICT", FERRY_CELL_TEXT }, { "n_hosts", "HOSTS", FERRY_CELL_TEXT },
        { "label", "BECAUSE", FERRY_CELL_TEXT },   { "hosts", "WHICH", FERRY_CELL_LIST },
        { NULL, NULL, FERRY_CELL_TEXT },
    };

    ferry_table_print(FERRY_PRINT_TABLE, columns, "groups", answer);
    print_values(answer);
}

static int
exit_of(const char *verdict)
{
    if (strcmp(verdict, "yes") == 0)
        return FERRY_EXIT_DONE;
    if (strcmp(verdict, "unknown") == 0)
        return FERRY_EXIT_UNKNOWN;
    if (strcmp(verdict, "unreachable") == 0)
        return ferry_error_info(FERRY_ERROR_PEER)->exit_code;
    return FERRY_EXIT_NO;
}

int
ferry_check_run(const FerryArguments *arguments, json_t *body)
{
    static const char *const segments[] = { "checks", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    const json_t *answer = NULL;
    const json_t *checks = NULL;

    if (!ferry_call(client, "POST", segments, body, &reply, &error))
        return ferry_command_fail(error);
    answer = reply.body;
    checks = json_object_get(answer, "checks");
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, answer);
    else if (checks == NULL)
        print_one(arguments, answer);
    else if (json_array_size(checks) == 1) /* the only host there is */
        print_one(arguments, json_array_get(checks, 0));
    else
        print_all(answer);
    return exit_of(verdict_of(answer));
}

static int
check(FerryArguments *arguments)
{
    const bool one =
        ferry_arguments_given(arguments, "to") || ferry_arguments_given(arguments, "reservation");
    json_t *body = json_pack("{ss}", "guest", ferry_arguments_word(arguments, 0));
    g_autoptr(GError) error = NULL;

    if (one && ferry_arguments_given(arguments, "all"))
        g_set_error(&error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--to and --reservation ask one host and --all every one: give one of them");
    else if (ferry_check_add_target(arguments, FERRY_CHECK_ANY, body, &error))
        return ferry_check_run(arguments, body);
    json_decref(body);
    return ferry_command_fail(error);
}

/* clang-format off */
static const FerryOption options[] = {
    { "to", 0, "HOST", "the host that it would move to; without it, every known one", FERRY_OPTION_OPTIONAL },
    { "all", 0, NULL, "ask every host that is known here", FERRY_OPTION_OPTIONAL },
    { "reservation", 0, "RESERVATION", "with what \"ferry reserve\" holds for it, on that host", FERRY_OPTION_OPTIONAL },
    FERRY_GIVEN_OPTIONS,
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
static const FerryVerb verbs[] = {
    { NULL, "GUEST", "tell whether and where a guest can move, and touch nothing", options, check },
    { NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

int
ferry_cli_check(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
