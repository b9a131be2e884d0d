#include "host/storage.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static bool
is_in(const char *path, const char *folder)
{
    const size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 &&
           (path[n] == '\0' || path[n] == '/' || folder[n - 1] == '/');
}

/* One that is not there stands for itself. */
static char *
resolve(const char *path)
{
    char *real = realpath(path, NULL);
    char *ret = g_strdup(real != NULL ? real : path);

    free(real);
    return ret;
}

/* Lists are all that has strings in brackets, and no name stands within one. */
static bool
is_declared(int root, const char *path)
{
    FERRY_AUTOFD int fd = openat(root, "etc/libvirt/qemu.conf", O_RDONLY | O_CLOEXEC);
    GScanner *scanner = NULL;
    GTokenType token = G_TOKEN_NONE;
    bool is_of_folders = false;
    bool declared = false;

    if (fd < 0)
        return false;
    scanner = g_scanner_new(NULL);
    scanner->config->scan_identifier_1char = TRUE;
    g_scanner_input_file(scanner, fd);
    while (!declared && token != G_TOKEN_EOF && token != G_TOKEN_ERROR) {
        token = g_scanner_get_next_token(scanner);
        if (token == G_TOKEN_IDENTIFIER) {
            is_of_folders = strcmp(scanner->value.v_identifier, "shared_filesystems") == 0;
        } else if (token == G_TOKEN_STRING && is_of_folders) {
            g_autofree char *folder = resolve(scanner->value.v_string); /* as libvirt does */

            declared = is_in(path, folder);
        }
    }
    g_scanner_destroy(scanner);
    return declared;
}

/* libvirt knows most of these by their numbers; cifs has the one it knows with version 1 alone. */
static bool
is_for_many(const struct mntent *mount)
{
    static const char *const types[] = { "acfs",         "afs",  "beegfs", "ceph", "fuse.glusterfs",
                                         "fuse.quobyte", "gfs2", "gpfs",   "nfs",  "nfs4",
                                         "ocfs2",        NULL };

    return g_strv_contains(types, mount->mnt_type) ||
           (strcmp(mount->mnt_type, "cifs") == 0 && hasmntopt(mount, "vers=1.0") != NULL);
}

static bool
is_mounted_from_others(int root, const char *path)
{
    FERRY_AUTOFD int fd = openat(root, "proc/self/mounts", O_RDONLY | O_CLOEXEC);
    FILE *mounts = fd >= 0 ? fdopen(fd, "r") : NULL;
    struct mntent mount;
    char line[8192];
    size_t longest = 0;
    bool ret = false;

    if (mounts == NULL)
        return false;
    (void)ferry_fd_steal(&fd);
    while (getmntent_r(mounts, &mount, line, sizeof(line)) != NULL) {
        const size_t n = strlen(mount.mnt_dir);

        if (n < longest || !is_in(path, mount.mnt_dir)) /* of two on one folder the later counts */
            continue;
        longest = n;
        ret = is_for_many(&mount);
    }
    (void)fclose(mounts);
    return ret;
}

bool
ferry_storage_is_shared(int root, const char *path)
{
    g_autofree char *real = resolve(path);

    return is_mounted_from_others(root, real) || is_declared(root, path);
}
