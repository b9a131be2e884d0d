#include <stdio.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/given.h"
#include "cli/groups.h"
#include "cli/quantity.h"

static void
print_page(json_t *reservation)
{
    static const FerryColumn head[] = {
        { "id", "reservation", FERRY_CELL_TEXT },  { "guest.name", "guest", FERRY_CELL_TEXT },
        { "source", "source", FERRY_CELL_TEXT },   { "target", "target", FERRY_CELL_TEXT },
        { "state", "state", FERRY_CELL_TEXT },     { "created", "created", FERRY_CELL_TEXT },
        { "expires", "expires", FERRY_CELL_TEXT }, { "job", "job", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn devices[] = {
        { "alias", "DEVICE", FERRY_CELL_TEXT }, { "way", "WAY", FERRY_CELL_TEXT },
        { "pool", "POOL", FERRY_CELL_TEXT },    { "slot", "SLOT", FERRY_CELL_TEXT },
        { "device", "GIVEN", FERRY_CELL_TEXT }, { NULL, NULL, FERRY_CELL_TEXT },
    };
    const json_t *rows = json_object_get(reservation, "devices");
    g_autofree char *page = ferry_table_format_one(head, reservation);
    g_autofree char *table = ferry_table_format(devices, rows);

    (void)fputs(page, stdout);
    if (json_array_size(rows) > 0)
        printf("\n%s", table);
}

/* ---- ferry reserve ---- */

/* @body: its "ttl_s" is a second at least: less than that is not none */
static bool
add_ttl(const FerryArguments *arguments, json_t *body, GError **error)
{
    const char *text = ferry_arguments_value(arguments, "ttl");
    uint64_t ms = 0;

    if (text == NULL)
        return true;
    if (!ferry_quantity_parse_time(text, "s", &ms, error)) {
        g_prefix_error(error, "--ttl: ");
        return false;
    }
    (void)json_object_set_new(body, "ttl_s", json_integer((json_int_t)((ms + 999) / 1000)));
    return true;
}

static void
print_made(const FerryArguments *arguments, const json_t *reservation)
{
    const char *id = json_string_value(json_object_get(reservation, "id"));

    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reservation);
    else
        printf("%s\n", id != NULL ? id : "");
    if (ferry_call_print(arguments) == FERRY_PRINT_TABLE && id != NULL)
        fprintf(stderr, "Held until %s: \"ferry migrate %s --reservation %s\" uses it.\n",
                json_string_value(json_object_get(reservation, "expires")),
                ferry_arguments_word(arguments, 0), id);
}

static int
reserve(FerryArguments *arguments)
{
    static const char *const segments[] = { "reservations", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *body = json_pack("{ss, ss}", "guest", ferry_arguments_word(arguments, 0), "to",
                             ferry_arguments_value(arguments, "on"));

    if (!ferry_given_add(arguments, body, &error) || !add_ttl(arguments, body, &error)) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    if (!ferry_call(client, "POST", segments, body, &reply, &error))
        return ferry_command_fail(error);
    if (ferry_call_is_refused(&reply))
        return ferry_call_refused(arguments, &reply);
    print_made(arguments, reply.body);
    return FERRY_EXIT_DONE;
}

/* ---- ferry reservation ---- */

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "reservations", NULL };
    static const FerryColumn columns[] = {
        { "id", "RESERVATION", FERRY_CELL_TEXT }, { "guest.name", "GUEST", FERRY_CELL_TEXT },
        { "source", "SOURCE", FERRY_CELL_TEXT },  { "target", "TARGET", FERRY_CELL_TEXT },
        { "state", "STATE", FERRY_CELL_TEXT },    { "expires", "EXPIRES", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };

    return ferry_call_list(arguments, segments, "reservations", columns);
}

static int
show(FerryArguments *arguments)
{
    return ferry_call_show(arguments, "reservations", print_page);
}

static int
cancel(FerryArguments *arguments)
{
    const char *const segments[] = { "reservations", ferry_arguments_word(arguments, 0), NULL };

    return ferry_call_run(arguments, "DELETE", segments, NULL, NULL);
}

/* clang-format off */
static const FerryOption reserve_options[] = {
    { "on", 0, "HOST", "the host to hold slots on, by the name of \"ferry host list\"", FERRY_OPTION_NEEDED },
    { "ttl", 0, "TIME", "for how long: 90s, 10m, 2h", FERRY_OPTION_OPTIONAL },
    FERRY_GIVEN_OPTIONS,
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb reserve_verbs[] = {
    { NULL, "GUEST", "hold what a guest needs on another host, for a while", reserve_options, reserve },
    { NULL, NULL, NULL, NULL, NULL },
};
static const FerryVerb verbs[] = {
    { "list", "", "list the reservations that this host has made or holds", NULL, list },
    { "show", "RESERVATION", "show what is held for whom, and until when", NULL, show },
    { "cancel", "RESERVATION", "end a reservation before it expires", NULL, cancel },
    { NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

int
ferry_cli_reserve(int argc, char **argv)
{
    return ferry_command_run(reserve_verbs, argc, argv);
}

int
ferry_cli_reservation(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
