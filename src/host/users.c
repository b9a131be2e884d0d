#include "host/users.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "host/sysfs.h"

struct _FerryUsers {
    GHashTable *by_node; /* "/dev/vfio/12" or "/dev/vfio/devices/vfio0" to FerryUser */
};

static void
user_free(gpointer data)
{
    FerryUser *self = data;

    g_free(self->command);
    g_free(self->guest);
    g_free(self);
}

/* libvirt's "-name guest=g1,debug-threads=on" or a person's "-name g1". */
static char *
guest_of(const char *words, size_t n_bytes)
{
    bool next = false;

    for (const char *word = words; word < words + n_bytes; word += strlen(word) + 1) {
        const char *name = g_str_has_prefix(word, "guest=") ? word + strlen("guest=") : word;

        if (next)
            return g_strndup(name, strcspn(name, ","));
        next = strcmp(word, "-name") == 0;
    }
    return NULL;
}

static char *
read_guest(int process)
{
    FERRY_AUTOFD int fd = openat(process, "cmdline", O_RDONLY | O_CLOEXEC);
    char words[FERRY_SYSFS_MAX_BYTES + 2] = { 0 }; /* two 0 bytes are left at its end */
    ssize_t n = fd >= 0 ? read(fd, words, FERRY_SYSFS_MAX_BYTES) : -1;

    return n > 0 ? guest_of(words, (size_t)n) : NULL;
}

static void
add(FerryUsers *self, int process, const char *pid, const char *node)
{
    g_autofree char *command = ferry_sysfs_text(process, "comm");
    FerryUser *user = NULL;

    if (command == NULL || g_hash_table_contains(self->by_node, node))
        return; /* without one it has gone meanwhile */
    user = g_new0(FerryUser, 1);
    user->pid = (pid_t)g_ascii_strtoll(pid, NULL, 10);
    user->command = g_steal_pointer(&command);
    user->guest = read_guest(process);
    g_hash_table_insert(self->by_node, g_strdup(node), user);
}

/*
 * Whoever opened a node by O_PATH has its name and not the device: systemd-udevd does so for a
 * moment to set the rights of a new one.  proc(5): "flags:\t0" and the flags in octal digits.
 */
static bool
is_path_only(int process, const char *fd)
{
    g_autofree char *path = g_strconcat("fdinfo/", fd, NULL);
    g_autofree char *info = ferry_sysfs_text(process, path);
    const char *flags = info != NULL ? strstr(info, "flags:") : NULL;

    if (flags == NULL)
        return false;
    flags += strcspn(flags, "01234567");
    return (g_ascii_strtoull(flags, NULL, 8) & O_PATH) != 0;
}

static void
read_process(FerryUsers *self, int proc, const char *pid)
{
    FERRY_AUTOFD int process = ferry_sysfs_open(proc, pid);
    FERRY_AUTOFD int fds = process >= 0 ? ferry_sysfs_open(process, "fd") : -1;
    g_autoptr(GPtrArray) names = fds >= 0 ? ferry_sysfs_list(fds, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *fd = g_ptr_array_index(names, i);
        char target[FERRY_SYSFS_MAX_BYTES + 1];
        ssize_t n = readlinkat(fds, fd, target, FERRY_SYSFS_MAX_BYTES);

        target[n > 0 ? n : 0] = '\0';
        if (g_str_has_prefix(target, "/dev/vfio/") && strcmp(target, "/dev/vfio/vfio") != 0 &&
            !is_path_only(process, fd))
            add(self, process, pid, target);
    }
}

FerryUsers *
ferry_users_none(void)
{
    FerryUsers *self = g_new0(FerryUsers, 1);

    self->by_node = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, user_free);
    return self;
}

FerryUsers *
ferry_users_read(int root)
{
    FERRY_AUTOFD int proc = ferry_sysfs_open(root, "proc");
    g_autoptr(GPtrArray) names = proc >= 0 ? ferry_sysfs_list(proc, ".") : NULL;
    FerryUsers *self = ferry_users_none();

    for (guint i = 0; names != NULL && i < names->len; i++)
        if (g_ascii_isdigit(((const char *)g_ptr_array_index(names, i))[0]))
            read_process(self, proc, g_ptr_array_index(names, i));
    return self;
}

const FerryUser *
ferry_users_find(const FerryUsers *self, const FerryHostDevice *device)
{
    g_autofree char *group = g_strdup_printf("/dev/vfio/%d", device->iommu_group);
    g_autofree char *cdev =
        g_strconcat("/dev/vfio/devices/", device->cdev != NULL ? device->cdev : "", NULL);
    const FerryUser *user = g_hash_table_lookup(self->by_node, group);

    if (user != NULL && device->iommu_group >= 0)
        return user;
    return device->cdev != NULL ? g_hash_table_lookup(self->by_node, cdev) : NULL;
}

char *
ferry_user_describe(const FerryUser *user)
{
    if (user->guest == NULL)
        return g_strdup_printf("process %d (%s)", user->pid, user->command);
    return g_strdup_printf("process %d (%s, guest %s)", user->pid, user->command, user->guest);
}

/* A VF with a link that is up serves the host, or a container that it was moved to does not show.
 */
char *
ferry_users_describe(const FerryUsers *self, const FerryHostDevice *device)
{
    const FerryUser *user = ferry_users_find(self, device);

    if (user != NULL)
        return ferry_user_describe(user);
    if ((device->roles & FERRY_HOST_VF) != 0 && g_strcmp0(device->link, "up") == 0)
        return g_strdup_printf("the host itself as %s", device->netdev);
    return NULL;
}

void
ferry_users_free(FerryUsers *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->by_node);
    g_free(self);
}
