#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "temp-folder.h"

Tree *
tree_new(void)
{
    Tree *self = g_new0(Tree, 1);

    self->path = g_dir_make_tmp("ferry-host-XXXXXX", NULL);
    g_assert_nonnull(self->path);
    self->root = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(self->root, >=, 0);
    self->ports = 24;
    tree_file(self, "sys/kernel/version", "6.12.0");
    return self;
}

void
tree_free(Tree *self)
{
    (void)close(self->root);
    temp_folder_remove(self->path);
    g_free(self->path);
    g_free(self->last_write);
    g_free(self);
}

static char *
prepare(Tree *self, const char *path)
{
    char *full = g_build_filename(self->path, path, NULL);
    g_autofree char *above = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(above, 0755), ==, 0);
    return full;
}

/* All at once, as the kernel's files change: who reads meanwhile never sees half of it. */
void
tree_file(Tree *self, const char *path, const char *text)
{
    g_autofree char *full = prepare(self, path);
    g_autofree char *above = g_path_get_dirname(full);
    g_autofree char *fresh = g_build_filename(above, ".fresh", NULL);
    FILE *file = fopen(fresh, "we");

    g_assert_nonnull(file);
    (void)fprintf(file, "%s\n", text);
    (void)fclose(file);
    g_assert_cmpint(rename(fresh, full), ==, 0);
}

void
tree_link(Tree *self, const char *path, const char *target)
{
    g_autofree char *full = prepare(self, path);

    (void)unlink(full);
    g_assert_cmpint(symlink(target, full), ==, 0);
}

void
tree_remove(Tree *self, const char *path)
{
    g_autofree char *full = g_build_filename(self->path, path, NULL);

    if (g_file_test(full, G_FILE_TEST_IS_DIR) && !g_file_test(full, G_FILE_TEST_IS_SYMLINK))
        temp_folder_remove(full);
    else
        (void)unlink(full);
}

G_GNUC_PRINTF(3, 4)
static void
put(Tree *self, const char *folder, const char *format, ...)
{
    va_list args;
    g_autofree char *line = NULL;
    char *equals = NULL;
    g_autofree char *path = NULL;

    va_start(args, format);
    line = g_strdup_vprintf(format, args);
    va_end(args);
    equals = strchr(line, '=');
    *equals = '\0';
    path = g_build_filename(folder, line, NULL);
    tree_file(self, path, equals + 1);
}

static void
join_group(Tree *self, const char *folder)
{
    g_autofree char *link = g_build_filename(folder, "iommu_group", NULL);
    g_autofree char *target = g_strdup_printf("../../../kernel/iommu_groups/%u", self->n_groups++);

    tree_link(self, link, target);
}

/* @folder: "sys/devices/…" */
static void
add_cdev(Tree *self, const char *folder)
{
    const unsigned number = self->n_groups++;
    g_autofree char *class = g_strdup_printf("sys/class/vfio-dev/vfio%u", number);
    g_autofree char *target =
        g_strdup_printf("../../%s/vfio-dev/vfio%u", folder + strlen("sys/"), number);

    put(self, folder, "vfio-dev/vfio%u/dev=245:%u", number, number);
    tree_link(self, class, target);
}

static char *
pci_folder(const char *address)
{
    return g_strconcat("sys/devices/pci0000:00/0000:00:01.0/", address, NULL);
}

static void
put_pci(Tree *self, const char *address, const char *id)
{
    g_autofree char *folder = pci_folder(address);
    g_autofree char *bus = g_strconcat("sys/bus/pci/devices/", address, NULL);
    g_autofree char *target =
        g_strconcat("../../../devices/pci0000:00/0000:00:01.0/", address, NULL);
    g_autofree char *subsystem = g_build_filename(folder, "subsystem", NULL);

    put(self, folder, "uevent=PCI_CLASS=20000\nPCI_ID=8086:%s\nPCI_SUBSYS_ID=8086:A03C", id);
    put(self, folder, "numa_node=%d", -1);
    tree_link(self, bus, target);
    tree_link(self, subsystem, "../../../../bus/pci");
    join_group(self, folder);
}

void
tree_bind(Tree *self, const char *address, const char *driver)
{
    g_autofree char *folder = pci_folder(address);
    g_autofree char *link = g_build_filename(folder, "driver", NULL);
    g_autofree char *cdev = g_build_filename(folder, "vfio-dev", NULL);
    g_autofree char *target = g_strconcat("../../../../bus/pci/drivers/", driver, NULL);

    tree_remove(self, link);
    tree_remove(self, cdev);
    put(self, folder, "uevent=%s%s%sPCI_CLASS=20000\nPCI_ID=8086:10CA",
        driver != NULL ? "DRIVER=" : "", driver != NULL ? driver : "", driver != NULL ? "\n" : "");
    if (driver == NULL)
        return;
    tree_link(self, link, target);
    if (strstr(driver, "vfio") != NULL)
        add_cdev(self, folder);
}

static void
set_vfs(Tree *self, const char *pf, unsigned wanted)
{
    g_autofree char *folder = pci_folder(pf);
    const unsigned bus = (unsigned)g_ascii_strtoull(pf + 5, NULL, 16);
    const unsigned function = (unsigned)g_ascii_strtoull(pf + 11, NULL, 16);

    for (unsigned i = 0; i < 256; i++) {
        const unsigned devfn = 0x80 + function + i * 2;
        g_autofree char *vf = g_strdup_printf("0000:%02x:%02x.%x", bus + (devfn >> 8),
                                              (devfn >> 3) & 0x1f, devfn & 7);
        g_autofree char *vf_folder = pci_folder(vf);
        g_autofree char *on_bus = g_strconcat("sys/bus/pci/devices/", vf, NULL);
        g_autofree char *physfn = g_build_filename(vf_folder, "physfn", NULL);
        g_autofree char *virtfn = g_strdup_printf("%s/virtfn%u", folder, i);
        g_autofree char *to_pf = g_strconcat("../", pf, NULL);
        g_autofree char *to_vf = g_strconcat("../", vf, NULL);
        g_autofree char *there = g_build_filename(self->path, virtfn, NULL);

        if (i < wanted) {
            put_pci(self, vf, "10CA");
            tree_link(self, physfn, to_pf);
            tree_link(self, virtfn, to_vf);
        } else if (g_file_test(there, G_FILE_TEST_IS_SYMLINK)) {
            tree_remove(self, virtfn);
            tree_remove(self, on_bus);
            tree_remove(self, vf_folder);
        }
    }
    put(self, folder, "sriov_numvfs=%u", wanted);
}

void
tree_pf(Tree *self,
        const char *address,
        const char *netdev,
        const char *driver,
        unsigned total,
        unsigned n_vfs)
{
    g_autofree char *folder = pci_folder(address);

    put_pci(self, address, "10C9");
    put(self, folder,
        "uevent=DRIVER=%s\nPCI_CLASS=20000\nPCI_ID=8086:10C9\nPCI_SUBSYS_ID=8086:A03C",
        driver != NULL ? driver : "igb");
    put(self, folder, "sriov_totalvfs=%u", total);
    put(self, folder, "sriov_vf_device=10ca");
    put(self, folder, "sriov_drivers_autoprobe=1");
    if (netdev != NULL) {
        put(self, folder, "net/%s/operstate=up", netdev);
        put(self, folder, "net/%s/dev_port=0", netdev);
    }
    set_vfs(self, address, n_vfs);
}

void
tree_parent(Tree *self, const char *folder, const char *bus, const char *prefix, unsigned n_types)
{
    g_autofree char *name = g_path_get_basename(folder);
    g_autofree char *full = g_strconcat("sys/devices/", folder, NULL);
    g_autofree char *class = g_strconcat("sys/class/mdev_bus/", name, NULL);
    g_autofree char *target = g_strconcat("../../devices/", folder, NULL);
    g_autofree char *subsystem = g_build_filename(full, "subsystem", NULL);
    g_autofree char *to_bus = g_strconcat("../../../bus/", bus, NULL);

    tree_link(self, class, target);
    put(self, full, "uevent=DRIVER=%s", prefix);
    if (bus != NULL)
        tree_link(self, subsystem, to_bus);
    for (unsigned i = 1; i <= n_types; i++) {
        g_autofree char *type = g_strdup_printf("%s/mdev_supported_types/%s-%u", full, prefix, i);

        put(self, type, "name=%u ports", i);
        put(self, type, "device_api=vfio-pci");
        put(self, type, "description=ports=%u\nrate=1", i);
        put(self, type, "available_instances=%u", self->ports / i);
        put(self, type, "create=");
    }
}

static unsigned
ports_of(const char *type)
{
    return (unsigned)g_ascii_strtoull(strrchr(type, '-') + 1, NULL, 10);
}

/* What is left for each type of a parent, from the mdevs that it has. */
static unsigned
count_free(Tree *self, const char *parent)
{
    g_autofree char *path = g_build_filename(self->path, parent, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    unsigned used = 0;

    for (const char *name = g_dir_read_name(folder); name != NULL; name = g_dir_read_name(folder)) {
        g_autofree char *link = g_build_filename(path, name, "mdev_type", NULL);
        g_autofree char *type = g_file_read_link(link, NULL);

        used += type != NULL ? ports_of(type) : 0;
    }
    return used < self->ports ? self->ports - used : 0;
}

static void
update_types(Tree *self, const char *parent)
{
    g_autofree char *path = g_build_filename(self->path, parent, "mdev_supported_types", NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const unsigned left = count_free(self, parent);

    for (const char *name = g_dir_read_name(folder); name != NULL; name = g_dir_read_name(folder)) {
        g_autofree char *type = g_strdup_printf("%s/mdev_supported_types/%s", parent, name);

        put(self, type, "available_instances=%u", left / ports_of(name));
    }
}

int
tree_mdev(Tree *self, const char *parent_folder, const char *type, const char *uuid)
{
    g_autofree char *lower = g_ascii_strdown(uuid, -1);
    g_autofree char *parent = g_strconcat("sys/devices/", parent_folder, NULL);
    g_autofree char *folder = g_build_filename(parent, lower, NULL);
    g_autofree char *on_bus = g_strconcat("sys/bus/mdev/devices/", lower, NULL);
    g_autofree char *target = g_strconcat("../../../devices/", parent_folder, "/", lower, NULL);
    g_autofree char *driver = g_build_filename(folder, "driver", NULL);
    g_autofree char *type_link = g_build_filename(folder, "mdev_type", NULL);
    g_autofree char *type_target = g_strconcat("../mdev_supported_types/", type, NULL);
    g_autofree char *there = g_build_filename(self->path, on_bus, NULL);
    g_autofree char *subsystem = g_build_filename(folder, "subsystem", NULL);

    if (!g_uuid_string_is_valid(lower))
        return EINVAL;
    if (g_file_test(there, G_FILE_TEST_IS_SYMLINK))
        return EEXIST;
    if (count_free(self, parent) < ports_of(type))
        return ENOSPC; /* as mtty says; the kernel's own counter would say EUSERS */
    tree_link(self, driver, "../../../../bus/mdev/drivers/vfio_mdev");
    put(self, folder, "remove=");
    add_cdev(self, folder);
    tree_link(self, type_link, type_target);
    tree_link(self, subsystem, "../../../../bus/mdev");
    join_group(self, folder);
    update_types(self, parent); /* the kernel counts before it shows */
    tree_link(self, on_bus, target);
    return 0;
}

static int
write_create(Tree *self, const char *path, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(path, "/mdev_supported_types/", 2);
    g_autofree char *type = g_path_get_dirname(parts[1]);

    return tree_mdev(self, parts[0] + strlen("sys/devices/"), type, text);
}

static int
write_remove(Tree *self, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *parent = g_path_get_dirname(folder);
    g_autofree char *uuid = g_path_get_basename(folder);
    g_autofree char *on_bus = g_strconcat("sys/bus/mdev/devices/", uuid, NULL);

    tree_remove(self, on_bus);
    tree_remove(self, folder);
    update_types(self, parent);
    return 0;
}

static int
write_numvfs(Tree *self, const char *path, const char *text)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *pf = g_path_get_basename(folder);
    g_autofree char *full = g_build_filename(self->path, path, NULL);
    g_autofree char *total_path = g_build_filename(self->path, folder, "sriov_totalvfs", NULL);
    g_autofree char *now = NULL;
    g_autofree char *total = NULL;
    const unsigned wanted = (unsigned)g_ascii_strtoull(text, NULL, 10);

    g_assert_true(g_file_get_contents(full, &now, NULL, NULL));
    g_assert_true(g_file_get_contents(total_path, &total, NULL, NULL));
    if (wanted > g_ascii_strtoull(total, NULL, 10))
        return ERANGE;
    if (wanted != 0 && g_ascii_strtoull(now, NULL, 10) != 0)
        return g_ascii_strtoull(now, NULL, 10) == wanted ? 0 : EBUSY;
    set_vfs(self, pf, wanted);
    return 0;
}

int
tree_write(void *data, const char *path, const char *text)
{
    Tree *self = data;
    const int failure = self->write_errno;
    g_autofree char *full = g_build_filename(self->path, path, NULL);
    g_autofree char *real = NULL;
    g_autofree char *value = g_strstrip(g_strdup(text));

    g_free(self->last_write);
    self->last_write = g_strdup_printf("%s=%s", path, value);
    self->n_writes++;
    self->write_errno = 0;
    if (failure != 0)
        return failure;
    if (!g_file_test(full, G_FILE_TEST_EXISTS))
        return ENOENT;
    real = realpath(full, NULL);
    path = real + strlen(self->path) + 1;
    if (g_str_has_suffix(path, "/create"))
        return write_create(self, path, value);
    if (g_str_has_suffix(path, "/remove"))
        return write_remove(self, path);
    if (g_str_has_suffix(path, "/sriov_numvfs"))
        return write_numvfs(self, path, value);
    tree_file(self, path, value);
    return 0;
}

static int
tell_nothing(void *data, const char *netdev, FerryDriverInfo *ret)
{
    (void)data;
    (void)netdev;
    (void)ret;
    return EOPNOTSUPP;
}

const FerryDriverOps *
tree_drivers(void)
{
    static const FerryDriverOps ops = { tell_nothing };

    return &ops;
}
