#include <stdio.h>

#include "cli/call.h"
#include "cli/groups.h"

static int
list(FerryArguments *arguments)
{
    static const char *const segments[] = { "devices", NULL };
    static const FerryColumn columns[] = {
        { "name", "DEVICE", FERRY_CELL_TEXT },
        { "roles", "KIND", FERRY_CELL_LIST },
        { "netdev", "NETDEV", FERRY_CELL_TEXT },
        { "driver", "DRIVER", FERRY_CELL_TEXT },
        { "iommu_group", "GROUP", FERRY_CELL_TEXT },
        { "state", "STATE", FERRY_CELL_TEXT },
        { "used_by", "USED BY", FERRY_CELL_TEXT },
        { "note", "DETAIL", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };

    return ferry_call_list(arguments, segments, "devices", columns);
}

/* What the compatibility check goes by, a line each. */
static void
print_facts(const json_t *facts)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (json_object_size(facts) > 0)
        printf("\nfacts:\n");
    json_object_foreach((json_t *)facts, key, value)
    {
        const FerryColumn column[] = { { key, key, FERRY_CELL_TEXT },
                                       { NULL, NULL, FERRY_CELL_TEXT } };
        g_autofree char *line = ferry_table_format_one(column, facts);

        printf("  %s", line);
    }
}

/* Files of facts that count for nothing, and why. */
static void
print_problems(const json_t *problems)
{
    const json_t *problem = NULL;
    size_t i = 0;

    json_array_foreach(problems, i, problem)
    {
        const char *text = json_string_value(problem);
        g_autofree char *clean = ferry_table_printable(text != NULL ? text : "");

        fprintf(stderr, "ferry: not used: %s\n", clean);
    }
}

static void
print_page(json_t *device)
{
    static const FerryColumn head[] = {
        { "name", "device", FERRY_CELL_TEXT },
        { "roles", "kind", FERRY_CELL_LIST },
        { "bus", "bus", FERRY_CELL_TEXT },
        { "path", "path", FERRY_CELL_TEXT },
        { "device_id", "id", FERRY_CELL_TEXT },
        { "driver", "driver", FERRY_CELL_TEXT },
        { "netdev", "netdev", FERRY_CELL_TEXT },
        { "link", "link", FERRY_CELL_TEXT },
        { "iommu_group", "iommu group", FERRY_CELL_TEXT },
        { "cdev", "vfio node", FERRY_CELL_TEXT },
        { "numa_node", "numa node", FERRY_CELL_TEXT },
        { "pf", "pf", FERRY_CELL_TEXT },
        { "vf_index", "vf index", FERRY_CELL_TEXT },
        { "parent", "parent", FERRY_CELL_TEXT },
        { "type", "type", FERRY_CELL_TEXT },
        { "state", "state", FERRY_CELL_TEXT },
        { "used_by", "used by", FERRY_CELL_TEXT },
        { "claim.pool", "pool", FERRY_CELL_TEXT },
        { "claim.alias", "alias", FERRY_CELL_TEXT },
        { "note", "detail", FERRY_CELL_TEXT },
        { "migration.message", "migration", FERRY_CELL_TEXT },
        { NULL, NULL, FERRY_CELL_TEXT },
    };
    g_autofree char *page = ferry_table_format_one(head, device);

    printf("%s", page);
    print_facts(json_object_get(device, "facts"));
    print_problems(json_object_get(device, "facts_problems"));
}

static int
show(FerryArguments *arguments)
{
    const char *const segments[] = { "devices", ferry_arguments_word(arguments, 0), NULL };
    const char *const probe[] = { "devices", ferry_arguments_word(arguments, 0), "probe", NULL };
    const bool probes = ferry_arguments_given(arguments, "probe");

    return ferry_call_run(arguments, probes ? "POST" : "GET", probes ? probe : segments, NULL,
                          print_page);
}

static const FerryOption show_options[] = {
    { "probe", 0, NULL, "ask its VFIO driver whether it can migrate, which resets the device",
      FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

static const FerryVerb verbs[] = {
    { "list", "", "list what can be given to guests, and what makes such", NULL, list },
    { "show", "DEVICE", "show a device, who has it, and what is known of it", show_options, show },
    { NULL, NULL, NULL, NULL, NULL },
};

int
ferry_cli_device(int argc, char **argv)
{
    return ferry_command_run(verbs, argc, argv);
}
