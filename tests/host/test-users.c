#include "host/users.h"

#include <string.h>

#include "tree.h"

/* A process of this /proc: its command line's words end with '/', as 0 bytes do in a real one. */
static void
add_process(Tree *tree, const char *pid, const char *comm, const char *cmdline, const char *target)
{
    g_autofree char *name = g_strdup_printf("proc/%s/comm", pid);
    g_autofree char *words = g_strdup_printf("%s/proc/%s/cmdline", tree->path, pid);
    g_autofree char *fd = g_strdup_printf("proc/%s/fd/27", pid);
    g_autofree char *text = g_strdelimit(g_strdup(cmdline), "/", '\0');

    tree_file(tree, name, comm);
    tree_link(tree, fd, target);
    g_assert_true(g_file_set_contents(words, text, (gssize)strlen(cmdline), NULL));
}

typedef struct {
    const char *name;
    const char *comm, *cmdline, *target;
    const char *expected; /* (nullable) of a device in group 12 with the cdev vfio3 */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "libvirts-guest", "qemu-system-x86", "qemu-system-x86_64/-name/guest=g1,debug-threads=on/-S/", "/dev/vfio/12", "process 4711 (qemu-system-x86, guest g1)" },
    { "a-persons-guest", "qemu-system-x86", "qemu/-m/32/-name/g1/", "/dev/vfio/12", "process 4711 (qemu-system-x86, guest g1)" },
    { "no-name",        "qemu-system-x86", "qemu/-m/32/", "/dev/vfio/12", "process 4711 (qemu-system-x86)" },
    { "name-is-cut",    "qemu-system-x86", "qemu/-name", "/dev/vfio/12", "process 4711 (qemu-system-x86)" },
    { "other-program",  "dpdk-testpmd", "dpdk-testpmd/", "/dev/vfio/12", "process 4711 (dpdk-testpmd)" },
    { "no-words",       "zombie", "", "/dev/vfio/12", "process 4711 (zombie)" },
    { "unprintable",    "a\x1b[2Jb", "", "/dev/vfio/12", "process 4711 (a?[2Jb)" },
    { "cdev",           "qemu", "qemu/-name/guest=g2/", "/dev/vfio/devices/vfio3", "process 4711 (qemu, guest g2)" },
    { "other-group",    "qemu", "qemu/", "/dev/vfio/121", NULL },
    { "other-cdev",     "qemu", "qemu/", "/dev/vfio/devices/vfio33", NULL },
    { "container",      "qemu", "qemu/", "/dev/vfio/vfio", NULL },
    { "other-file",     "cat", "cat/", "/tmp/dev/vfio/12", NULL },
    { "socket",         "qemu", "qemu/", "socket:[12]", NULL },
};
/* clang-format on */

static FerryHostDevice *
device_new(int group, const char *cdev)
{
    FerryHostDevice *device = ferry_host_device_new("0000:03:10.0", "pci");

    device->iommu_group = group;
    device->cdev = g_strdup(cdev);
    return device;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryHostDevice) device = device_new(12, "vfio3");
    g_autoptr(FerryUsers) users = NULL;
    g_autofree char *who = NULL;

    add_process(tree, "4711", row->comm, row->cmdline, row->target);
    users = ferry_users_read(tree->root);
    who = ferry_users_describe(users, device);
    g_assert_cmpstr(who, ==, row->expected);
}

/* Processes go while they are looked at, and /proc has more than processes. */
static void
test_half_of_a_process(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryHostDevice) device = device_new(12, NULL);
    g_autoptr(FerryUsers) users = NULL;

    tree_link(tree, "proc/5/fd/3", "/dev/vfio/12");    /* its comm is gone already */
    tree_file(tree, "proc/6/comm", "gone");            /* its fd folder is */
    tree_link(tree, "proc/self/fd/3", "/dev/vfio/12"); /* one of the others, again */
    tree_file(tree, "proc/7/fd/3", "no link, but a file");
    users = ferry_users_read(tree->root);
    g_assert_null(ferry_users_find(users, device));
    add_process(tree, "8", "qemu", "", "/dev/vfio/12");
    ferry_users_free(g_steal_pointer(&users));
    users = ferry_users_read(tree->root);
    g_assert_cmpint(ferry_users_find(users, device)->pid, ==, 8);
}

/* As systemd-udevd has it while it sets the rights of a new node. */
static void
test_path_only(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryHostDevice) device = device_new(12, NULL);
    g_autoptr(FerryUsers) users = NULL;

    add_process(tree, "5", "(udev-worker)", "", "/dev/vfio/12");
    tree_file(tree, "proc/5/fdinfo/27", "pos:\t0\nflags:\t012000000\nmnt_id:\t25\n");
    users = ferry_users_read(tree->root);
    g_assert_null(ferry_users_find(users, device));

    tree_file(tree, "proc/5/fdinfo/27", "pos:\t0\nflags:\t02100002\nmnt_id:\t25\n");
    ferry_users_free(g_steal_pointer(&users));
    users = ferry_users_read(tree->root);
    g_assert_cmpint(ferry_users_find(users, device)->pid, ==, 5);
}

/* A device without group or cdev is not found by what the others have. */
static void
test_nothing_to_open(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryHostDevice) none = device_new(-1, NULL);
    g_autoptr(FerryHostDevice) other = device_new(13, NULL);
    g_autoptr(FerryUsers) nobody = ferry_users_none();
    g_autoptr(FerryUsers) users = NULL;

    add_process(tree, "5", "x", "", "/dev/vfio/-1");
    add_process(tree, "6", "x", "", "/dev/vfio/devices/");
    users = ferry_users_read(tree->root);
    g_assert_null(ferry_users_find(users, none));
    g_assert_null(ferry_users_find(users, other));
    g_assert_null(ferry_users_find(nobody, other));
}

/* A VF that the host itself has as a NIC. */
static void
test_the_host_itself(void)
{
    static const struct {
        FerryHostRoles roles;
        const char *link;
        const char *expected;
    } uses[] = {
        { FERRY_HOST_VF, "up", "the host itself as eth7" },
        { FERRY_HOST_VF, "down", NULL },
        { FERRY_HOST_VF, NULL, NULL },
        { FERRY_HOST_PF, "up", NULL }, /* its VFs are what is given away */
    };
    g_autoptr(FerryUsers) nobody = ferry_users_none();

    for (size_t i = 0; i < G_N_ELEMENTS(uses); i++) {
        g_autoptr(FerryHostDevice) device = device_new(12, NULL);
        g_autofree char *who = NULL;

        device->roles = uses[i].roles;
        device->netdev = g_strdup("eth7");
        device->link = g_strdup(uses[i].link);
        who = ferry_users_describe(nobody, device);
        g_assert_cmpstr(who, ==, uses[i].expected);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/users/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/users/half-of-a-process", test_half_of_a_process);
    g_test_add_func("/users/path-only", test_path_only);
    g_test_add_func("/users/nothing-to-open", test_nothing_to_open);
    g_test_add_func("/users/the-host-itself", test_the_host_itself);
    return g_test_run();
}
