/* That libvirt itself goes by the same is shown by tests/pair/test_refuse.py. */
#include "host/storage.h"

#include <sys/stat.h>

#include "tree.h"

#define MOUNTS                                                                                     \
    "/dev/vda / ext4 rw 0 0\n"                                                                     \
    "alpha:/export /srv/images nfs4 rw,vers=4.2 0 0\n"                                             \
    "/dev/vdb /srv/images/local xfs rw 0 0\n"                                                      \
    "alpha:/with\\040space /srv/with\\040space nfs rw 0 0\n"                                       \
    "gluster:/vol /srv/gluster fuse.glusterfs rw 0 0\n"                                            \
    "sshfs /srv/ssh fuse.sshfs rw 0 0\n"                                                           \
    "//nas/a /srv/smb1 cifs rw,vers=1.0,sec=none 0 0\n"                                            \
    "//nas/a /srv/smb3 cifs rw,relatime,vers=3.1.1 0 0\n"                                          \
    "auto /srv/auto autofs rw 0 0\n"                                                               \
    "ceph:/ /srv/auto ceph rw 0 0\n"

typedef struct {
    const char *name;
    const char *conf; /* (nullable) qemu.conf */
    const char *path;
    bool shared;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "root", NULL, "/web.img", false },
    { "nfs", NULL, "/srv/images/web.img", true },
    { "nfs-itself", NULL, "/srv/images", true },
    { "alike-name", NULL, "/srv/images-2/web.img", false },
    { "local-below-nfs", NULL, "/srv/images/local/web.img", false },
    { "space", NULL, "/srv/with space/web.img", true },
    { "gluster", NULL, "/srv/gluster/web.img", true },
    { "sshfs", NULL, "/srv/ssh/web.img", false },
    { "smb-1", NULL, "/srv/smb1/web.img", true },
    { "smb-3", NULL, "/srv/smb3/web.img", false },
    { "automounted", NULL, "/srv/auto/web.img", true },
    { "declared", "shared_filesystems = [ \"/srv/own\" ]\n", "/srv/own/web.img", true },
    { "declared-above", "shared_filesystems = [ \"/srv\" ]\n", "/srv/own/a/web.img", true },
    { "declared-root", "shared_filesystems = [ \"/\" ]\n", "/web.img", true },
    { "declared-itself", "shared_filesystems = [ \"/srv/own/web.img\" ]\n", "/srv/own/web.img", true },
    { "declared-slash", "shared_filesystems = [ \"/srv/own/\" ]\n", "/srv/own/web.img", true },
    { "declared-alike", "shared_filesystems = [ \"/srv/own\" ]\n", "/srv/own-2/web.img", false },
    { "declared-lines", "# no\nmax_files = 32768\nuser = \"+0\"\nshared_filesystems = [\n  \"/a\", # this\n  '/srv/own'\n]\n", "/srv/own/x", true },
    { "commented-out", "#shared_filesystems = [\n#  \"/srv/own\"\n#]\n", "/srv/own/x", false },
    { "other-list", "shared_filesystems = [ \"/a\" ]\ncgroup_device_acl = [ \"/srv/own\" ]\n", "/srv/own/x", false },
    { "other-after", "cgroup_device_acl = [ \"/b\" ]\nshared_filesystems = [ \"/srv/own\" ]\nb = [ \"/c\" ]\n", "/srv/own/x", true },
    { "broken", "shared_filesystems = [ \"/srv/own\n", "/srv/own/x", false },
    { "empty", "", "/srv/own/x", false },
};
/* clang-format on */

static void
test_row(const void *data)
{
    const Row *row = data;
    g_autoptr(Tree) tree = tree_new();

    tree_file(tree, "proc/self/mounts", MOUNTS);
    if (row->conf != NULL)
        tree_file(tree, "etc/libvirt/qemu.conf", row->conf);
    g_assert_cmpint(ferry_storage_is_shared(tree->root, row->path), ==, row->shared);
}

/* A link to what is mounted counts as that; a folder that is declared by a link as what it is. */
static void
test_links(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *mounts = g_strdup_printf("alpha:/x %s/real nfs rw 0 0\n", tree->path);
    g_autofree char *conf =
        g_strdup_printf("shared_filesystems = [ \"%s/own-link\" ]\n", tree->path);
    g_autofree char *linked = g_strdup_printf("%s/link/web.img", tree->path);
    g_autofree char *own = g_strdup_printf("%s/own/web.img", tree->path);
    g_autofree char *by_link = g_strdup_printf("%s/own-link/web.img", tree->path);

    tree_file(tree, "real/web.img", "");
    tree_file(tree, "own/web.img", "");
    tree_link(tree, "link", "real");
    tree_link(tree, "own-link", "own");
    tree_file(tree, "proc/self/mounts", mounts);
    tree_file(tree, "etc/libvirt/qemu.conf", conf);
    g_assert_true(ferry_storage_is_shared(tree->root, linked));
    g_assert_true(ferry_storage_is_shared(tree->root, own));
    g_assert_false(
        ferry_storage_is_shared(tree->root, by_link)); /* libvirt does not look where it leads */
}

static void
test_nothing_there(void)
{
    g_autoptr(Tree) tree = tree_new();

    g_assert_false(ferry_storage_is_shared(tree->root, "/srv/images/web.img"));
    g_assert_false(ferry_storage_is_shared(-1, "/srv/images/web.img"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/host/storage/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/host/storage/links", test_links);
    g_test_add_func("/host/storage/nothing-there", test_nothing_there);
    return g_test_run();
}
