#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/attribute.h"
#include "cli/call.h"
#include "cli/compat-input.h"
#include "cli/groups.h"
#include "cli/mdev-types.h"
#include "cli/quantity.h"

#define MAX_XML_BYTES   ((size_t)512 * 1024) /* a body of 1 MiB holds it however it is escaped */
#define REMOVE_LIMIT_MS 30000

static void
print_types(json_t *answer)
{
    g_autofree char *page = ferry_mdev_types_page(json_object_get(answer, "parents"));

    (void)fputs(page, stdout);
}

static int
types(FerryArguments *arguments)
{
    static const char *const segments[] = { "mdevs", "types", NULL };

    return ferry_call_run(arguments, "GET", segments, NULL, print_types);
}

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "mdevs", NULL };
    static const FerryColumn columns[] = {
        { "name", "MDEV", FERRY_CELL_TEXT },       { "parent", "PARENT", FERRY_CELL_TEXT },
        { "type", "TYPE", FERRY_CELL_TEXT },       { "state", "STATE", FERRY_CELL_TEXT },
        { "defined", "DEFINED", FERRY_CELL_TEXT }, { "autostart", "AUTOSTART", FERRY_CELL_TEXT },
        { "used_by", "USED BY", FERRY_CELL_TEXT }, { "problem", "PROBLEM", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };

    return ferry_call_list(arguments, segments, "mdevs", columns);
}

static void
print_page(json_t *mdev)
{
    static const FerryColumn head[] = {
        { "name", "mdev", FERRY_CELL_TEXT },
        { "parent", "parent", FERRY_CELL_TEXT },
        { "type", "type", FERRY_CELL_TEXT },
        { "driver", "driver", FERRY_CELL_TEXT },
        { "iommu_group", "iommu group", FERRY_CELL_TEXT },
        { "cdev", "vfio node", FERRY_CELL_TEXT },
        { "state", "state", FERRY_CELL_TEXT },
        { "used_by", "used by", FERRY_CELL_TEXT },
        { "defined", "defined", FERRY_CELL_TEXT },
        { "autostart", "autostart", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn attrs[] = {
        { "name", "ATTRIBUTE", FERRY_CELL_TEXT },
        { "value", "VALUE", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    g_autofree char *page = ferry_table_format_one(head, mdev);
    g_autofree char *table = ferry_table_format(attrs, json_object_get(mdev, "attrs"));

    printf("%s", page);
    if (json_array_size(json_object_get(mdev, "attrs")) > 0)
        printf("\n%s", table);
}

/* What libvirt writes is printed as it is: it is for a file. */
static int
print_xml(const json_t *mdev)
{
    const char *xml = json_string_value(json_object_get(mdev, "xml"));

    if (xml == NULL) {
        fprintf(stderr, "ferry: this is no mediated device but a PCI function: libvirt has its XML "
                        "(virsh nodedev-dumpxml)\n");
        return FERRY_EXIT_NO;
    }
    (void)fputs(xml, stdout);
    return FERRY_EXIT_DONE;
}

static int
show(FerryArguments *arguments)
{
    const char *const segments[] = { "mdevs", ferry_arguments_word(arguments, 0), NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (!ferry_call(client, "GET", segments, NULL, &reply, &error))
        return ferry_command_fail(error);
    if (ferry_arguments_given(arguments, "xml"))
        return print_xml(reply.body);
    return ferry_call_answer(arguments, &reply, print_page);
}

/* Everything stands in the file; an option beside it would be a contradiction. */
static bool
add_file(const FerryArguments *arguments, const char *path, json_t *body, GError **error)
{
    static const char *const options[] = { "parent", "pool", "type", "uuid", "attr" };
    g_autofree char *xml = NULL;
    size_t size = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        if (ferry_arguments_given(arguments, options[i])) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "--%s and a file do not go together: it stands in the file", options[i]);
            return false;
        }
    if (!ferry_compat_read(path, MAX_XML_BYTES, &xml, &size, error))
        return false;
    if (size == 0 || !g_utf8_validate(xml, (gssize)size, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s: it is %s", path,
                    size == 0 ? "empty" : "not UTF-8");
        return false;
    }
    return json_object_set_new(body, "xml", json_string(xml)) == 0;
}

static bool
add_options(const FerryArguments *arguments, json_t *body, GError **error)
{
    static const char *const options[] = { "parent", "pool", "type", "uuid" };

    if (ferry_arguments_given(arguments, "parent") == ferry_arguments_given(arguments, "pool") ||
        (ferry_arguments_given(arguments, "parent") && !ferry_arguments_given(arguments, "type"))) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "expected --parent PARENT and --type TYPE, or --pool POOL, or a file");
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        if (ferry_arguments_given(arguments, options[i]))
            (void)json_object_set_new(body, options[i],
                                      json_string(ferry_arguments_value(arguments, options[i])));
    return ferry_attributes_add(arguments, body, error);
}

/* As mdevctl does, the name alone: for a script, and for the guest's XML. */
static void
print_name(json_t *mdev)
{
    const char *name = json_string_value(json_object_get(mdev, "name"));
    g_autofree char *clean = ferry_table_printable(name != NULL ? name : "");

    printf("%s\n", clean);
}

static int
create(FerryArguments *arguments)
{
    static const char *const segments[] = { "mdevs", NULL };
    const char *path = ferry_arguments_word(arguments, 0);
    g_autoptr(GError) error = NULL;
    json_t *body = json_object();

    if (path != NULL ? !add_file(arguments, path, body, &error)
                     : !add_options(arguments, body, &error)) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    return ferry_call_run(arguments, "POST", segments, body, print_name);
}

/* ferryd waits some seconds a call: what takes longer is asked for again, saying so. */
static bool
remove_within(const FerryArguments *arguments, int64_t limit_ms, FerryReply *ret, GError **error)
{
    const char *const segments[] = { "mdevs", ferry_arguments_word(arguments, 0), NULL };
    const int64_t deadline_us = g_get_monotonic_time() + limit_ms * 1000;
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);

    for (;;) {
        g_autoptr(GError) failure = NULL;

        if (ferry_call(client, "DELETE", segments, NULL, ret, &failure))
            return true;
        if (!g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_TIMEOUT) ||
            g_get_monotonic_time() >= deadline_us) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        fprintf(stderr, "ferry: waiting on: %s\n", failure->message);
    }
}

static int
remove_mdev(FerryArguments *arguments)
{
    const char *text = ferry_arguments_value(arguments, "timeout");
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    uint64_t limit_ms = REMOVE_LIMIT_MS;

    if (text != NULL && !ferry_quantity_parse_wait(text, &limit_ms, &error)) {
        g_prefix_error(&error, "--timeout: ");
        return ferry_command_fail(error);
    }
    if (!remove_within(arguments, (int64_t)limit_ms, &reply, &error))
        return ferry_command_fail(error);
    return ferry_call_answer(arguments, &reply, NULL);
}

static const FerryOption show_options[] = {
    { "xml", 0, NULL, "print it as libvirt's node device XML", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryOption create_options[] = {
    { "parent", 0, "PARENT", "the device that makes it", FERRY_OPTION_OPTIONAL },
    { "pool", 0, "POOL", "a pool of parents to choose from", FERRY_OPTION_OPTIONAL },
    { "type", 0, "TYPE", "its type", FERRY_OPTION_OPTIONAL },
    { "uuid", 0, "UUID", "its UUID; a new one unless given", FERRY_OPTION_OPTIONAL },
    { "attr", 0, "NAME=VALUE", "an attribute to set, in the order given; may be repeated",
      FERRY_OPTION_REPEATED },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryOption remove_options[] = {
    { "timeout", 0, "TIME", "how long to wait for a slow driver (30s)", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb verbs[] = {
    { "types", "", "list the types that there are to make, and how many are left", NULL, types },
    { "list", "", "list mediated devices: made, and defined by mdevctl or libvirt", NULL, list },
    { "show", "MDEV", "show one", show_options, show },
    { "create", "[FILE]", "make one, by options or from libvirt's XML", create_options, create },
    { "remove", "MDEV", "remove one that nobody uses", remove_options, remove_mdev },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_mdev(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
