#include <stdio.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/check.h"
#include "cli/given.h"
#include "cli/groups.h"
#include "cli/quantity.h"
#include "cli/watch.h"

#define MAX_PARALLEL 255 /* docs/api.md */

/* An option that becomes a number in the request. */
typedef enum { QUANTITY_BYTES, QUANTITY_MS, QUANTITY_S, QUANTITY_COUNT } Quantity;

static const struct {
    const char *option, *key;
    Quantity quantity;
} quantities[] = {
    { "max-downtime", "max_downtime_ms", QUANTITY_MS },
    { "timeout", "timeout_s", QUANTITY_S },
    { "bandwidth", "bandwidth_bps", QUANTITY_BYTES },
    { "parallel", "parallel", QUANTITY_COUNT },
};

static bool
parse_count(const char *text, uint64_t *ret, GError **error)
{
    guint64 value = 0;
    bool ok = g_ascii_string_to_unsigned(text, 10, 1, MAX_PARALLEL, &value, NULL);

    *ret = value;
    if (!ok)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\" is not a number from 1 to %d",
                    text, MAX_PARALLEL);
    return ok;
}

static bool
parse_quantity(const char *text, Quantity quantity, uint64_t *ret, GError **error)
{
    uint64_t value = 0;

    if (quantity == QUANTITY_BYTES)
        return ferry_quantity_parse_bytes(text, ret, error);
    if (quantity == QUANTITY_COUNT)
        return parse_count(text, ret, error);
    if (!ferry_quantity_parse_time(text, quantity == QUANTITY_MS ? "ms" : "s", &value, error))
        return false;
    /* A timeout of less than a second is a second, not none. */
    *ret = quantity == QUANTITY_MS ? value : (value + 999) / 1000;
    return true;
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
    if (ferry_arguments_given(arguments, "auto-converge"))
        (void)json_object_set_new(body, "auto_converge", json_true());
    if (ferry_check_add_target(arguments, FERRY_CHECK_ONE, body, error))
        return body;
    json_decref(body);
    return NULL;
}

static int
refused(const FerryArguments *arguments, const json_t *answer)
{
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, answer);
    else
        ferry_check_print_refusal(stderr, arguments, answer);
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
    if (ferry_arguments_given(arguments, "check"))
        return ferry_check_run(arguments, body);
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
    { "parallel", 0, "N", "connections for its memory; unless given, as many as fill the link", FERRY_OPTION_OPTIONAL },
    { "auto-converge", 0, NULL, "slow the guest down if it writes faster than the link takes it", FERRY_OPTION_OPTIONAL },
    FERRY_GIVEN_OPTIONS,
    { "detach", 0, NULL, "do not wait: name the job, and end", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb migrate_verbs[] = {
    { NULL, "GUEST", "move a running guest to another host", migrate_options, migrate },
    { NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

int
ferry_cli_migrate(int argc, char **argv)
{
    return ferry_command_run(migrate_verbs, argc, argv);
}
