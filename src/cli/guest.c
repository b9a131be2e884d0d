#include <stdio.h>

#include "cli/call.h"
#include "cli/groups.h"
#include "cli/guest-define.h"
#include "cli/guest-save.h"
#include "cli/guest-start.h"
#include "cli/reasons.h"

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "guests", NULL };
    static const FerryColumn columns[] = {
        { "name", "NAME", FERRY_CELL_TEXT },
        { "state", "STATE", FERRY_CELL_TEXT },
        { "memory_bytes", "MEMORY", FERRY_CELL_BYTES },
        { "persistent", "PERSISTENT", FERRY_CELL_TEXT },
        { "autostart", "AUTOSTART", FERRY_CELL_TEXT },
        { "job", "JOB", FERRY_CELL_TEXT },
        { "uuid", "UUID", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };

    return ferry_call_list(arguments, segments, "guests", columns);
}

/* Only a guest that has such devices has a table of them. */
static void
print_section(const FerryColumn *columns, const json_t *rows)
{
    g_autofree char *table = NULL;

    if (json_array_size(rows) == 0)
        return;
    table = ferry_table_format(columns, rows);
    printf("\n%s", table);
}

static void
print_page(json_t *guest)
{
    static const FerryColumn head[] = {
        { "name", "guest", FERRY_CELL_TEXT },
        { "uuid", "uuid", FERRY_CELL_TEXT },
        { "state", "state", FERRY_CELL_TEXT },
        { "memory_bytes", "memory", FERRY_CELL_BYTES },
        { "persistent", "persistent", FERRY_CELL_TEXT },
        { "autostart", "autostart", FERRY_CELL_TEXT },
        { "job", "job", FERRY_CELL_TEXT },
        { "movable", "can move", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn devices[] = {
        { "alias", "DEVICE", FERRY_CELL_TEXT },        { "kind", "KIND", FERRY_CELL_TEXT },
        { "type", "TYPE", FERRY_CELL_TEXT },           { "address", "ADDRESS", FERRY_CELL_TEXT },
        { "ephemeral", "EPHEMERAL", FERRY_CELL_TEXT }, { "movable", "CAN MOVE", FERRY_CELL_TEXT },
        { "reason", "WHY NOT", FERRY_CELL_TEXT },      { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn mdevs[] = {
        { "alias", "MDEV", FERRY_CELL_TEXT },      { "type", "TYPE", FERRY_CELL_TEXT },
        { "pool", "POOL", FERRY_CELL_TEXT },       { "parent", "PARENT", FERRY_CELL_TEXT },
        { "managed", "MANAGED", FERRY_CELL_TEXT }, { "made", "MADE", FERRY_CELL_TEXT },
        { "uuid", "UUID", FERRY_CELL_TEXT },       { NULL, NULL, FERRY_CELL_TEXT },
    };
    static const FerryColumn hybrids[] = {
        { "alias", "HYBRID", FERRY_CELL_TEXT },    { "state", "STATE", FERRY_CELL_TEXT },
        { "pool", "POOL", FERRY_CELL_TEXT },       { "mac", "MAC", FERRY_CELL_TEXT },
        { "address", "ADDRESS", FERRY_CELL_TEXT }, { "vf_address", "VF ADDRESS", FERRY_CELL_TEXT },
        { "pf", "PF", FERRY_CELL_TEXT },           { "vf", "VF", FERRY_CELL_TEXT },
        { "macvtap", "MACVTAP", FERRY_CELL_TEXT }, { "on_no_vf", "ON NO VF", FERRY_CELL_TEXT },
        { "reason", "WHY", FERRY_CELL_TEXT },      { NULL, NULL, FERRY_CELL_TEXT },
    };
    g_autofree char *page = ferry_table_format_one(head, guest);
    g_autofree char *reasons = ferry_reasons_format(json_object_get(guest, "reasons"));
    g_autofree char *table = ferry_table_format(devices, json_object_get(guest, "devices"));

    printf("%s%s\n%s", page, reasons, table);
    print_section(mdevs, json_object_get(guest, "mdevs"));
    print_section(hybrids, json_object_get(guest, "hybrids"));
}

static int
show(FerryArguments *arguments)
{
    return ferry_call_show(arguments, "guests", print_page);
}

static const FerryVerb verbs[] = {
    { "list", "", "list the guests of this host", NULL, list },
    { "define", "FILE", "define a guest, in whatever form its devices are written",
      ferry_guest_define_options, ferry_guest_define },
    { "add-device", "GUEST [FILE]", "add a device to a guest's definition",
      ferry_guest_add_device_options, ferry_guest_add_device },
    { "show", "GUEST", "show a guest's devices, and whether it can move", NULL, show },
    { "start", "GUEST", "start a guest, making its devices", ferry_guest_start_options,
      ferry_guest_start },
    { "stop", "GUEST", "stop a guest, giving its devices back", ferry_guest_stop_options,
      ferry_guest_stop },
    { "save", "GUEST FILE", "save a running guest in a file, and end it", ferry_guest_save_options,
      ferry_guest_save },
    { "restore", "FILE", "let a guest go on from a file", ferry_guest_restore_options,
      ferry_guest_restore },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_guest(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
