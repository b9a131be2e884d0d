/*
 * Calls of this layer on the real kernel, one a run: for the lab, where a script compares what it
 * says with what the kernel's own files and programs say.
 *
 *   probe inventory | facts NAME [TYPE] | definitions
 *   probe create PARENT TYPE UUID [NAME=VALUE…] | remove UUID LIMIT_MS
 *   probe set-vfs PF N
 *   probe vf-read NETDEV INDEX | vf-write NETDEV INDEX JSON
 *   probe watch SECONDS COMMAND       starts to watch, runs the command, waits for a new look
 *
 * Exit status: 0, or 1 with the error's code and message.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "host/definition.h"
#include "host/facts.h"
#include "host/json.h"
#include "host/mdev.h"
#include "host/sriov.h"
#include "host/watch.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

typedef bool (*Command)(int root, char **args, int n_args, GError **error);

static void
print(const json_t *json)
{
    (void)json_dumpf(json, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
    (void)putchar('\n');
}

static void
print_inventory(const FerryInventory *inventory, const FerryUsers *users)
{
    g_autoptr(json_t) all = json_array();

    for (unsigned i = 0; i < ferry_inventory_n_devices(inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(inventory, i);

        (void)json_array_append_new(all, ferry_host_json(device, ferry_users_find(users, device)));
    }
    print(all);
}

static bool
show_inventory(int root, char **args, int n_args, GError **error)
{
    g_autoptr(FerryInventory) inventory = NULL;
    g_autoptr(FerryUsers) users = ferry_users_read(root);

    (void)args;
    (void)n_args;
    if (!ferry_inventory_read(root, &inventory, error))
        return false;
    print_inventory(inventory, users);
    return true;
}

static bool
show_facts(int root, char **args, int n_args, GError **error)
{
    g_autoptr(FerryInventory) inventory = NULL;
    g_autoptr(json_t) facts = NULL;

    if (!ferry_inventory_read(root, &inventory, error))
        return false;
    facts = ferry_host_facts(root, inventory, ferry_inventory_find(inventory, args[0]),
                             n_args > 1 ? args[1] : NULL, ferry_host_ethtool(), NULL);
    print(facts);
    return true;
}

static bool
show_definitions(int root, char **args, int n_args, GError **error)
{
    g_autoptr(GPtrArray) all = ferry_definition_read_all(root);

    (void)args;
    (void)n_args;
    (void)error;
    for (guint i = 0; i < all->len; i++) {
        const FerryDefinition *one = g_ptr_array_index(all, i);

        printf("%s %s %s %s\n", one->parent, one->uuid, one->type, one->problem);
    }
    return true;
}

static bool
create(int root, char **args, int n_args, GError **error)
{
    const FerryKernel kernel = ferry_kernel_real(&root);
    FerryMdevAttr attrs[16] = { 0 };
    FerryMdevRequest request = { args[0], args[1], args[2], attrs, 0 };

    for (int i = 3; i < n_args && request.n_attrs < G_N_ELEMENTS(attrs); i++) {
        char *value = strchr(args[i], '=');

        *value = '\0';
        attrs[request.n_attrs++] = (FerryMdevAttr){ args[i], value + 1 };
    }
    return ferry_mdev_create(&kernel, &request, error);
}

static bool
remove_mdev(int root, char **args, int n_args, GError **error)
{
    const FerryKernel kernel = ferry_kernel_real(&root);

    (void)n_args;
    return ferry_mdev_remove(&kernel, args[0], (unsigned)atoi(args[1]), error);
}

static bool
set_vfs(int root, char **args, int n_args, GError **error)
{
    const FerryKernel kernel = ferry_kernel_real(&root);

    (void)n_args;
    return ferry_sriov_set_vfs(&kernel, args[0], (unsigned)atoi(args[1]), error);
}

static bool
vf_read(int root, char **args, int n_args, GError **error)
{
    FerryVfSettings settings = { 0 };
    g_autoptr(json_t) json = NULL;

    (void)root;
    (void)n_args;
    if (!ferry_vf_read(ferry_vf_netlink(), NULL, args[0], (unsigned)atoi(args[1]), &settings,
                       error))
        return false;
    json = ferry_vf_json(&settings);
    print(json);
    return true;
}

static bool
vf_write(int root, char **args, int n_args, GError **error)
{
    g_autoptr(json_t) json = json_loads(args[2], 0, NULL);
    FerryVfSettings settings = { 0 };
    FerryVfFields unsupported = 0;

    (void)root;
    (void)n_args;
    if (!ferry_vf_from_json(json, &settings, error) ||
        !ferry_vf_write(ferry_vf_netlink(), NULL, args[0], (unsigned)atoi(args[1]), &settings,
                        FERRY_VF_ALL, &unsupported, error))
        return false;
    printf("unsupported 0x%x\n", unsupported);
    return true;
}

static bool
watch(int root, char **args, int n_args, GError **error)
{
    g_autoptr(FerryUdev) udev = ferry_udev_new(error);
    g_autoptr(FerryWatch) watching =
        udev != NULL ? ferry_watch_new(root, ferry_udev_ops(), udev, 50, error) : NULL;
    g_autoptr(FerryInventory) inventory = NULL;
    g_autoptr(FerryUsers) users = ferry_users_read(root);

    (void)n_args;
    if (watching == NULL)
        return false;
    if (system(args[1]) != 0 || !ferry_watch_wait(watching, 1, (unsigned)atoi(args[0]) * 1000)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT, "nothing seen");
        return false;
    }
    inventory = ferry_watch_inventory(watching, NULL);
    print_inventory(inventory, users);
    ferry_watch_free(g_steal_pointer(&watching));
    return true;
}

static const struct {
    const char *name;
    int n_args;
    Command run;
} commands[] = {
    { "inventory", 0, show_inventory },
    { "facts", 1, show_facts },
    { "definitions", 0, show_definitions },
    { "create", 3, create },
    { "remove", 2, remove_mdev },
    { "set-vfs", 2, set_vfs },
    { "vf-read", 2, vf_read },
    { "vf-write", 3, vf_write },
    { "watch", 2, watch },
};

int
main(int argc, char **argv)
{
    FERRY_AUTOFD int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(commands) && argc > 1; i++) {
        if (strcmp(argv[1], commands[i].name) != 0 || argc - 2 < commands[i].n_args)
            continue;
        if (commands[i].run(root, argv + 2, argc - 2, &error))
            return 0;
        printf("%s: %s\n", ferry_error_info((FerryErrorCode)error->code)->name, error->message);
        return 1;
    }
    (void)fprintf(stderr, "usage: see the top of probe.c\n");
    return 2;
}
