#include <stdio.h>

#include "base/error.h"
#include "cli/call.h"
#include "cli/groups.h"

#define MAX_VFS 65535 /* the kernel's counter has 16 bits */

static const FerryColumn columns[] = {
    { "name", "PF", FERRY_CELL_TEXT },        { "netdev", "NETDEV", FERRY_CELL_TEXT },
    { "driver", "DRIVER", FERRY_CELL_TEXT },  { "link", "LINK", FERRY_CELL_TEXT },
    { "n_vfs", "VFS", FERRY_CELL_TEXT },      { "total_vfs", "OF", FERRY_CELL_TEXT },
    { "used_vfs", "USED", FERRY_CELL_TEXT },  { "free_vfs", "FREE", FERRY_CELL_TEXT },
    { "numa_node", "NODE", FERRY_CELL_TEXT }, { "note", "DETAIL", FERRY_CELL_TEXT },
    { NULL, NULL, FERRY_CELL_TEXT },
};

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "pfs", NULL };

    return ferry_call_list(arguments, segments, "pfs", columns);
}

static int
set_vfs(FerryArguments *arguments)
{
    const char *const segments[] = { "pfs", ferry_arguments_word(arguments, 0), NULL };
    const char *text = ferry_arguments_word(arguments, 1);
    g_autoptr(GError) error = NULL;
    guint64 n_vfs = 0;

    if (!g_ascii_string_to_unsigned(text, 10, 0, MAX_VFS, &n_vfs, NULL)) {
        g_set_error(&error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not a number of VFs, from 0 to %d", text, MAX_VFS);
        return ferry_command_fail(error);
    }
    return ferry_call_run(arguments, "POST", segments,
                          json_pack("{s:I, s:b}", "vfs", (json_int_t)n_vfs, "keep",
                                    ferry_arguments_given(arguments, "keep")),
                          NULL);
}

static const FerryOption set_options[] = {
    { "keep", 0, NULL, "also after the next boot: writes it into ferryd.conf",
      FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb verbs[] = {
    { "list", "", "list the devices that can have VFs, and how many are in use", NULL, list },
    { "set-vfs", "PF N", "make a PF have N VFs", set_options, set_vfs },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_pf(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
