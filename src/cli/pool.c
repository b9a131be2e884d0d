#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/compat-input.h"
#include "cli/groups.h"

/* As ferryd reads it. */
#define XML_MAX_BYTES ((size_t)1 << 18)

/* "nvidia-474 3 or nvidia-475 1": alternatives, so never a sum. */
static json_t *
format_types(const json_t *types)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *type = NULL;
    size_t i = 0;

    json_array_foreach(types, i, type)
        g_string_append_printf(text, "%s%s %" JSON_INTEGER_FORMAT, i > 0 ? " or " : "",
                               json_string_value(json_object_get(type, "type")),
                               json_integer_value(json_object_get(type, "available")));
    if (types != NULL && text->len == 0)
        g_string_append(text, "no types published yet");
    return types != NULL ? json_string(text->str) : json_null();
}

/* Gives each member what a table's cell can't make of it; not for --json. */
static void
add_cells(json_t *pool)
{
    json_t *names = json_array();
    json_t *member = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(pool, "members"), i, member)
    {
        (void)json_array_append(names, json_object_get(member, "name"));
        (void)json_object_set_new(member, "left", format_types(json_object_get(member, "types")));
        if (!json_is_false(json_object_get(member, "present")))
            continue;
        (void)json_object_set_new(member, "device", json_string("not there"));
        (void)json_object_del(member, "left");
    }
    (void)json_object_set_new(pool, "names", names);
    if (json_object_get(pool, "degraded") == NULL)
        (void)json_object_set_new(pool, "degraded", json_string("ok"));
}

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "pools", NULL };
    static const FerryColumn columns[] = {
        { "name", "NAME", FERRY_CELL_TEXT },      { "kind", "KIND", FERRY_CELL_TEXT },
        { "names", "MEMBERS", FERRY_CELL_LIST },  { "policy", "POLICY", FERRY_CELL_TEXT },
        { "used", "USED", FERRY_CELL_TEXT },      { "free", "FREE", FERRY_CELL_TEXT },
        { "degraded", "STATE", FERRY_CELL_TEXT }, { NULL, NULL, FERRY_CELL_TEXT },
    };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *pool = NULL;
    size_t i = 0;

    if (!ferry_call(client, "GET", segments, NULL, &reply, &error))
        return ferry_command_fail(error);
    if (ferry_call_print(arguments) == FERRY_PRINT_TABLE)
        json_array_foreach(json_object_get(reply.body, "pools"), i, pool) add_cells(pool);
    ferry_table_print(ferry_call_print(arguments), columns, "pools", reply.body);
    return FERRY_EXIT_DONE;
}

/* All slots of all members that are not free: who has what, and on which member. */
static json_t *
collect_slots(const json_t *pool)
{
    json_t *rows = json_array();
    const json_t *member = NULL;
    json_t *slot = NULL;
    size_t i = 0;
    size_t n = 0;

    json_array_foreach(json_object_get(pool, "members"), i, member)
    {
        json_array_foreach(json_object_get(member, "slots"), n, slot)
        {
            const char *state = json_string_value(json_object_get(slot, "state"));

            if (g_strcmp0(state, "free") == 0)
                continue;
            (void)json_object_set(slot, "member", json_object_get(member, "name"));
            (void)json_array_append(rows, slot);
        }
    }
    return rows;
}

static void
print_members(const json_t *pool)
{
    static const FerryColumn pfs[] = {
        { "name", "PF", FERRY_CELL_TEXT },   { "device", "DEVICE", FERRY_CELL_TEXT },
        { "link", "LINK", FERRY_CELL_TEXT }, { "used", "USED", FERRY_CELL_TEXT },
        { "free", "FREE", FERRY_CELL_TEXT }, { "total", "TOTAL", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn parents[] = {
        { "name", "PARENT", FERRY_CELL_TEXT }, { "device", "DEVICE", FERRY_CELL_TEXT },
        { "used", "USED", FERRY_CELL_TEXT },   { "left", "LEFT (ONE OF)", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    const bool vf = g_strcmp0(json_string_value(json_object_get(pool, "kind")), "vf") == 0;
    g_autofree char *table =
        ferry_table_format(vf ? pfs : parents, json_object_get(pool, "members"));

    printf("\n%s", table);
}

static void
print_page(json_t *pool)
{
    static const FerryColumn head[] = {
        { "name", "pool", FERRY_CELL_TEXT },
        { "kind", "kind", FERRY_CELL_TEXT },
        { "policy", "policy", FERRY_CELL_TEXT },
        { "types", "types", FERRY_CELL_LIST },
        { "vlan", "vlan", FERRY_CELL_TEXT },
        { "hybrid", "hybrid", FERRY_CELL_TEXT },
        { "ephemeral", "ephemeral", FERRY_CELL_TEXT },
        { "driver_model", "driver", FERRY_CELL_TEXT },
        { "port_profile", "port profile", FERRY_CELL_TEXT },
        { "used", "used", FERRY_CELL_TEXT },
        { "free", "free", FERRY_CELL_TEXT },
        { "total", "total", FERRY_CELL_TEXT },
        { "degraded", "state", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn slots[] = {
        { "member", "OF", FERRY_CELL_TEXT },
        { "slot", "SLOT", FERRY_CELL_TEXT },
        { "state", "STATE", FERRY_CELL_TEXT },
        { "device", "DEVICE", FERRY_CELL_TEXT },
        { "who", "WHO", FERRY_CELL_TEXT },
        { "claim.generation", "CLAIM", FERRY_CELL_TEXT },
        { "claim.state", "CLAIM'S STATE", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    json_t *rows = collect_slots(pool);
    g_autofree char *table = ferry_table_format(slots, rows);
    g_autofree char *page = NULL;

    add_cells(pool);
    page = ferry_table_format_one(head, pool);
    (void)fputs(page, stdout);
    print_members(pool);
    if (json_array_size(rows) > 0)
        printf("\n%s", table);
    json_decref(rows);
}

static int
show(FerryArguments *arguments)
{
    return ferry_call_show(arguments, "pools", print_page);
}

/* ---- define, undefine ---- */

static void
add_list(json_t *body, const char *key, const char *const *values)
{
    json_t *array = json_array();

    for (size_t i = 0; values[i] != NULL; i++)
        (void)json_array_append_new(array, json_string(values[i]));
    if (json_array_size(array) > 0)
        (void)json_object_set_new(body, key, array);
    else
        json_decref(array);
}

static bool
add_vlan(json_t *body, const FerryArguments *arguments, GError **error)
{
    const char *text = ferry_arguments_value(arguments, "vlan");
    guint64 vlan = 0;

    if (text == NULL)
        return true;
    if (!g_ascii_string_to_unsigned(text, 10, 1, 4094, &vlan, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--vlan %s: it is not a VLAN from 1 to 4094", text);
        return false;
    }
    (void)json_object_set_new(body, "vlan", json_integer((json_int_t)vlan));
    return true;
}

static bool
read_options(const FerryArguments *arguments, json_t *body, GError **error)
{
    static const struct {
        const char *option, *key;
    } lists[] = {
        { "pf", "pfs" }, { "vf", "addresses" }, { "parent", "parents" }, { "type", "types" }
    };

    (void)json_object_set_new(body, "name", json_string(ferry_arguments_word(arguments, 0)));
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        add_list(body, lists[i].key, ferry_arguments_values(arguments, lists[i].option));
    if (ferry_arguments_given(arguments, "hybrid"))
        (void)json_object_set_new(body, "hybrid", json_true());
    if (ferry_arguments_given(arguments, "ephemeral"))
        (void)json_object_set_new(body, "ephemeral", json_true());
    return add_vlan(body, arguments, error);
}

static bool
read_file(const FerryArguments *arguments, const char *path, json_t *body, GError **error)
{
    static const char *const of_xml[] = { "pf",   "vf",     "parent",   "type",
                                          "vlan", "hybrid", "ephemeral" };
    g_autofree char *text = NULL;
    size_t size = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(of_xml); i++) {
        if (!ferry_arguments_given(arguments, of_xml[i]))
            continue;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "--%s: %s says that itself", of_xml[i],
                    path);
        return false;
    }
    if (!ferry_compat_read(path, XML_MAX_BYTES, &text, &size, error))
        return false;
    if (!g_utf8_validate(text, (gssize)size, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s: it is not UTF-8", path);
        return false;
    }
    (void)json_object_set_new(body, "xml", json_string(text));
    return true;
}

/* A pool's name has no "/" in it, and one that looks like a file of XML would only confuse. */
static bool
is_file(const char *word)
{
    return strcmp(word, "-") == 0 || strchr(word, '/') != NULL || g_str_has_suffix(word, ".xml");
}

static int
define(FerryArguments *arguments)
{
    static const char *const segments[] = { "pools", NULL };
    const char *word = ferry_arguments_word(arguments, 0);
    const char *policy = ferry_arguments_value(arguments, "policy");
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    json_t *body = json_object();

    if (!(is_file(word) ? read_file(arguments, word, body, &error)
                        : read_options(arguments, body, &error))) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    if (policy != NULL)
        (void)json_object_set_new(body, "policy", json_string(policy));
    if (!ferry_call(client, "POST", segments, body, &reply, &error)) {
        if (is_file(word) && g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID))
            g_prefix_error(&error, "%s: ", word);
        return ferry_command_fail(error);
    }
    return ferry_call_answer(arguments, &reply, print_page);
}

static int
undefine(FerryArguments *arguments)
{
    const char *const segments[] = { "pools", ferry_arguments_word(arguments, 0), NULL };

    return ferry_call_run(arguments, "DELETE", segments, NULL, NULL);
}

static const FerryOption define_options[] = {
    { "pf", 0, "PF", "a PF, all of whose VFs belong to the pool", FERRY_OPTION_REPEATED },
    { "vf", 0, "ADDRESS", "a VF, one of those that belong to the pool", FERRY_OPTION_REPEATED },
    { "parent", 0, "PARENT", "a parent of mediated devices", FERRY_OPTION_REPEATED },
    { "type", 0, "TYPE", "a type that the pool gives out", FERRY_OPTION_REPEATED },
    { "policy", 0, "POLICY", "first, pack or spread: which member is next", FERRY_OPTION_OPTIONAL },
    { "vlan", 0, "N", "the VLAN of its VFs", FERRY_OPTION_OPTIONAL },
    { "hybrid", 0, NULL, "a VF goes with a virtio NIC on its PF", FERRY_OPTION_OPTIONAL },
    { "ephemeral", 0, NULL, "its devices are taken off for migration", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb verbs[] = {
    { "list", "", "list the pools of this host", NULL, list },
    { "show", "POOL", "show who uses what of a pool, and what is left", NULL, show },
    { "define", "NAME", "define a pool by its members, or from a file of network XML",
      define_options, define },
    { "undefine", "POOL", "forget a pool that nobody uses", NULL, undefine },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_pool(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
