#include "vfio/state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"

/* What the rename would take the place of: nothing, or a file.  A folder it would find out about
 * too late, and a device (/dev/null!), a pipe or a socket it would destroy.  A link is replaced
 * itself. */
static bool
may_replace(const char *path, GError **error)
{
    GStatBuf status;

    if (g_lstat(path, &status) != 0)
        return errno == ENOENT || ferry_error_set_errno(error, errno, "write", path);
    if (S_ISDIR(status.st_mode))
        return ferry_error_set_errno(error, EISDIR, "write", path);
    if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "cannot write %s: it is there and no regular file; name another", path);
    return false;
}

bool
ferry_state_file_create(FerryStateFile *self, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *hidden = g_strdup_printf(".%s.XXXXXX", name);
    g_autofree char *partial = g_build_filename(folder, hidden, NULL);
    int fd = -1;

    if (!may_replace(path, error))
        return false;
    fd = g_mkstemp_full(partial, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return ferry_error_set_errno(error, errno, "write", path);
    *self =
        (FerryStateFile){ .fd = fd, .path = g_strdup(path), .partial = g_steal_pointer(&partial) };
    return true;
}

static bool
sync_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    FERRY_AUTOFD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0;
}

bool
ferry_state_file_commit(FerryStateFile *self, GError **error)
{
    if (fsync(self->fd) != 0 || close(ferry_fd_steal(&self->fd)) != 0 ||
        rename(self->partial, self->path) != 0)
        return ferry_error_set_errno(error, errno, "write", self->path);
    g_clear_pointer(&self->partial, g_free);
    return sync_folder(self->path) || ferry_error_set_errno(error, errno, "sync", self->path);
}

void
ferry_state_file_clear(FerryStateFile *self)
{
    if (self->path == NULL)
        return; /* never created */
    ferry_fd_clear(&self->fd);
    if (self->partial != NULL)
        (void)g_unlink(self->partial);
    g_clear_pointer(&self->partial, g_free);
    g_clear_pointer(&self->path, g_free);
}
