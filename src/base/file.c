#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

void
ferry_fd_clear(int *fd)
{
    int saved_errno = errno;

    if (*fd >= 0)
        (void)close(*fd); /* nothing to do about a failure here, see the header */
    *fd = -1;
    errno = saved_errno;
}

int
ferry_fd_steal(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

bool
ferry_error_set_errno(GError **error, int code, const char *what, const char *path)
{
    FerryErrorCode ferry = FERRY_ERROR_IO;

    if (code == ENOENT || code == ENOTDIR)
        ferry = FERRY_ERROR_NOT_FOUND;
    else if (code == EACCES || code == EPERM)
        ferry = FERRY_ERROR_DENIED;
    else if (code == ENOSPC || code == EDQUOT || code == ENOMEM || code == EMFILE || code == ENFILE)
        ferry = FERRY_ERROR_EXHAUSTED;
    g_set_error(error, FERRY_ERROR, ferry, "cannot %s %s: %s", what, path, g_strerror(code));
    return false;
}

static bool
sync_folder_of(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    FERRY_AUTOFD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return ferry_error_set_errno(error, errno, "write folder", folder);
    return true;
}

static bool
write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text += n;
        length -= (size_t)n;
    }
    return true;
}

/* Everything up to the rename; the caller removes the temporary file when this fails. */
static bool
write_temporary(int fd, const char *text, mode_t mode)
{
    return fchmod(fd, mode) == 0 && write_all(fd, text, strlen(text)) && fsync(fd) == 0;
}

/* "--output /dev/null", by root, would put a file in its place for everybody. */
static bool
may_be_replaced(const char *path)
{
    struct stat status;

    return stat(path, &status) < 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

bool
ferry_file_write(const char *path, const char *text, mode_t mode, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    FERRY_AUTOFD int fd = -1;
    bool written = false;
    int failure = 0;

    if (!may_be_replaced(path)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot write %s: it is a device, a pipe or a socket, not a file", path);
        return false;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    failure = errno;
    if (fd < 0)
        return ferry_error_set_errno(error, failure, "write", path);
    written = write_temporary(fd, text, mode);
    failure = errno;
    if (close(ferry_fd_steal(&fd)) < 0 && written) {
        written = false;
        failure = errno;
    }
    if (written && rename(temporary, path) < 0) {
        written = false;
        failure = errno;
    }
    if (!written) {
        (void)unlink(temporary); /* the write's own error is the one to tell */
        return ferry_error_set_errno(error, failure, "write", path);
    }
    return sync_folder_of(path, error);
}

bool
ferry_file_read(const char *path, size_t max_bytes, char **ret, GError **error)
{
    FERRY_AUTOFD int fd = open(path, O_RDONLY | O_CLOEXEC);
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[4096];
    ssize_t n = 0;

    if (fd < 0)
        return ferry_error_set_errno(error, errno, "read", path);
    while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ferry_error_set_errno(error, errno, "read", path);
        g_string_append_len(text, buffer, n);
        if (text->len > max_bytes) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "cannot read %s: longer than %zu bytes", path, max_bytes);
            return false;
        }
    }
    if (memchr(text->str, '\0', text->len) != NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "cannot read %s: it has a 0 byte",
                    path);
        return false;
    }

    *ret = g_string_free(g_steal_pointer(&text), FALSE);
    return true;
}

bool
ferry_file_remove(const char *path, GError **error)
{
    if (unlink(path) < 0) {
        if (errno == ENOENT)
            return true;
        return ferry_error_set_errno(error, errno, "remove", path);
    }
    return sync_folder_of(path, error);
}
