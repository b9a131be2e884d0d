#include <stdio.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/given.h"
#include "cli/groups.h"
#include "cli/offers.h"
#include "cli/quantity.h"
#include "cli/reasons.h"
#include "cli/watch.h"

/* An option that becomes a number in the request. */
typedef enum { QUANTITY_BYTES, QUANTITY_MS, QUANTITY_S } Quantity;

static const struct {
    const char *option, *key;
    Quantity quantity;
} quantities[] = {
    { "max-downtime", "max_downtime_ms", QUANTITY_MS },
    { "timeout", "timeout_s", QUANTITY_S },
    { "bandwidth", "bandwidth_bps", QUANTITY_BYTES },
};

static bool
parse_quantity(const char *text, Quantity quantity, uint64_t *ret, GError **error)
{
    uint64_t value = 0;

    if (quantity == QUANTITY_BYTES)
        return ferry_quantity_parse_bytes(text, ret, error);
    if (!ferry_quantity_parse_time(text, quantity == QUANTITY_MS ? "ms" : "s", &value, error))
        return false;
    /* A timeout of less than a second is a second, not none. */
    *ret = quantity == QUANTITY_MS ? value : (value + 999) / 1000;
    return true;
}

/* Where to: a host, or a reservation, which says that itself.  Also what goes with either. */
static bool
add_target(const FerryArguments *arguments, json_t *body, GError **error)
{
    const char *to = ferry_arguments_value(arguments, "to");
    const char *reservation = ferry_arguments_value(arguments, "reservation");

    if (to == NULL && reservation == NULL) {
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

/* (transfer full) (nullable): the request's body; NULL with @error set for a wrong option */
static json_t *
request_of(const FerryArguments *arguments, GError **error)
{
    json_t *body = json_pack("{ss}", "guest", ferry_arguments_word(arguments, 0));

    for (size_t i = 0; i < G_N_ELEMENTS(quantities); i++) {
        const char *text = ferry_arguments_value(arguments, quantities[i].option);
        uint64_t value = 0;

        if (text == NULL)
            continue;
        if (!parse_quantity(text, quantities[i].quantity, &value, error)) {
            g_prefix_error(error, "--%s: ", quantities[i].option);
            json_decref(body);
            return NULL;
        }
        (void)json_object_set_new(body, quantities[i].key, json_integer((json_int_t)value));
    }
    if (add_target(arguments, body, error))
        return body;
    json_decref(body);
    return NULL;
}

/* A check's answer names the target, a refused migration's does not. */
static const char *
target_of(const FerryArguments *arguments, const json_t *answer)
{
    const char *to = ferry_arguments_value(arguments, "to");
    const char *target = json_string_value(json_object_get(answer, "target"));

    if (to != NULL)
        return to;
    return target != NULL ? target : "the host of its reservation";
}

/* Every reason, each with what to do about it. */
static void
print_refusal(FILE *stream, const FerryArguments *arguments, const json_t *answer)
{
    g_autofree char *reasons = ferry_reasons_format(json_object_get(answer, "reasons"));

    fprintf(stream, "%s cannot move to %s:\n%s", ferry_arguments_word(arguments, 0),
            target_of(arguments, answer), reasons);
}

static void
print_yes(const FerryArguments *arguments, const json_t *answer)
{
    const json_t *aliases = json_object_get(answer, "ephemerals");
    const json_t *alias = NULL;
    size_t i = 0;

    printf("%s can move to %s\n", ferry_arguments_word(arguments, 0), target_of(arguments, answer));
    json_array_foreach(aliases, i, alias) if (json_is_string(alias))
    {
        g_autofree char *clean = ferry_table_printable(json_string_value(alias));
        printf("  %s is taken off for it and plugged in again there\n", clean);
    }
}

static int
check(FerryArguments *arguments)
{
    static const char *const segments[] = { "checks", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *body = json_pack("{ss}", "guest", ferry_arguments_word(arguments, 0));
    const char *verdict = NULL;
    bool yes = false;

    if (!add_target(arguments, body, &error)) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    if (!ferry_call(client, "POST", segments, body, &reply, &error))
        return ferry_command_fail(error);
    verdict = json_string_value(json_object_get(reply.body, "verdict"));
    yes = g_strcmp0(verdict, "yes") == 0;
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply.body);
    else if (yes)
        print_yes(arguments, reply.body);
    else
        print_refusal(stdout, arguments, reply.body);
    if (ferry_call_print(arguments) == FERRY_PRINT_TABLE)
        ferry_offers_print(stdout, json_object_get(reply.body, "devices"));
    if (g_strcmp0(verdict, "unknown") == 0)
        return FERRY_EXIT_UNKNOWN;
    return yes ? FERRY_EXIT_DONE : FERRY_EXIT_NO;
}

static int
refused(const FerryArguments *arguments, const json_t *answer)
{
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, answer);
    else
        print_refusal(stderr, arguments, answer);
    return FERRY_EXIT_NO;
}

static int
detached(const FerryArguments *arguments, const json_t *job, const char *id)
{
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, job);
    else
        printf("job %s: \"ferry job watch %s\" shows how it goes\n", id, id);
    return FERRY_EXIT_DONE;
}

static int
migrate(FerryArguments *arguments)
{
    static const char *const segments[] = { "migrations", NULL };
    g_autoptr(FerryWatch) watch = NULL;
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *body = request_of(arguments, &error);
    const char *id = NULL;

    if (body == NULL)
        return ferry_command_fail(error);
    if (ferry_arguments_given(arguments, "check")) {
        json_decref(body);
        return check(arguments);
    }
    if (!ferry_arguments_given(arguments, "detach"))
        watch = ferry_watch_new(arguments, FERRY_INTERRUPT_CANCELS);
    client = ferry_call_connect(arguments);
    if (!ferry_call(client, "POST", segments, body, &reply, &error))
        return ferry_command_fail(error);
    if (reply.status == 409)
        return refused(arguments, reply.body);
    id = json_string_value(json_object_get(reply.body, "id"));
    if (id == NULL) {
        g_set_error(&error, FERRY_ERROR, FERRY_ERROR_PEER, "ferryd answered without a job");
        return ferry_command_fail(error);
    }
    return watch ? ferry_watch_run(watch, id) : detached(arguments, reply.body, id);
}

/* clang-format off */
static const FerryOption migrate_options[] = {
    { "to", 0, "HOST", "the host to move it to, by the name of \"ferry host list\"", FERRY_OPTION_OPTIONAL },
    { "reservation", 0, "RESERVATION", "use what \"ferry reserve\" holds for it, on that host", FERRY_OPTION_OPTIONAL },
    { "check", 0, NULL, "plan and check only, like \"ferry check\"", FERRY_OPTION_OPTIONAL },
    { "max-downtime", 0, "TIME", "how long the guest may stand still: 300ms, 2s", FERRY_OPTION_OPTIONAL },
    { "timeout", 0, "TIME", "how long the transfer may take: 90s, 10m", FERRY_OPTION_OPTIONAL },
    { "bandwidth", 0, "SIZE", "bytes a second at most: 100M, 96Mi", FERRY_OPTION_OPTIONAL },
    FERRY_GIVEN_OPTIONS,
    { "detach", 0, NULL, "do not wait: print the job's id", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
static const FerryOption check_options[] = {
    { "to", 0, "HOST", "the host that it would move to", FERRY_OPTION_OPTIONAL },
    { "reservation", 0, "RESERVATION", "with what \"ferry reserve\" holds for it, on that host", FERRY_OPTION_OPTIONAL },
    FERRY_GIVEN_OPTIONS,
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb migrate_verbs[] = {
    { NULL, "GUEST", "move a running guest to another host", migrate_options, migrate },
    { NULL, NULL, NULL, NULL, NULL },
};
static const FerryVerb check_verbs[] = {
    { NULL, "GUEST", "tell whether a guest can move to a host, and touch nothing", check_options, check },
    { NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

int
ferry_cli_migrate(int argc, char **argv)
{
    return ferry_command_run(migrate_verbs, argc, argv);
}

int
ferry_cli_check(int argc, char **argv)
{
    return ferry_command_run(check_verbs, argc, argv);
}
