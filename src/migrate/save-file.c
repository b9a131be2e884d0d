#include "migrate/save-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "migrate/objection.h"
#include "migrate/sidecar.h"

/* How libvirt's files begin; "Save" follows when they are whole, "Part" before. */
#define MAGIC "LibvirtQemud"

static void
object(json_t *reasons, const char *code, const char *path, const char *what, const char *remedy)
{
    ferry_object(reasons, code, "%s %s", path, what);
    ferry_object_remedy(reasons, remedy);
}

static bool
is_saved_guest(const char *file)
{
    FERRY_AUTOFD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    char head[sizeof(MAGIC) - 1];
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
           memcmp(head, MAGIC, sizeof(head)) == 0;
}

void
ferry_save_file_check(const char *file, FerrySaveOver over, json_t *reasons)
{
    g_autofree char *folder = g_path_get_dirname(file);
    struct stat status;

    if (stat(folder, &status) < 0 || !S_ISDIR(status.st_mode))
        object(reasons, "no-folder", folder, "is no folder", "make it, or name another one");
    else if (lstat(file, &status) < 0)
        return;
    else if (over == FERRY_SAVE_NEW)
        object(reasons, "file-exists", file, "is there already",
               "name another file, or write over a saved guest with --force");
    else if (!is_saved_guest(file))
        object(reasons, "not-a-saved-guest", file, "is no saved guest, so it is not written over",
               "name another file, or move it away");
}

bool
ferry_save_file_make(const char *partial, GError **error)
{
    FERRY_AUTOFD int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd >= 0 || ferry_error_set_errno(error, errno, "create", partial);
}

static bool
sync_path(const char *path, GError **error)
{
    FERRY_AUTOFD int fd = open(path, O_RDONLY | O_CLOEXEC);

    return (fd >= 0 && fsync(fd) == 0) || ferry_error_set_errno(error, errno, "sync", path);
}

bool
ferry_save_file_name(const char *partial, const char *file, FerrySaveOver over, GError **error)
{
    const unsigned flags = over == FERRY_SAVE_NEW ? RENAME_NOREPLACE : 0;
    g_autofree char *sidecar = ferry_sidecar_path(file);
    g_autofree char *folder = g_path_get_dirname(file);
    struct stat status;

    if (stat(partial, &status) < 0 && errno == ENOENT)
        return true;
    if (over == FERRY_SAVE_NEW && lstat(file, &status) == 0)
        return ferry_error_set_errno(error, EEXIST, "write", file);
    if (chmod(partial, 0600) < 0)
        return ferry_error_set_errno(error, errno, "keep others from reading", partial);
    if (!sync_path(partial, error) || !ferry_file_remove(sidecar, error))
        return false;
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, file, flags) < 0)
        return ferry_error_set_errno(error, errno, "give its name to", partial);
    return sync_path(folder, error);
}
