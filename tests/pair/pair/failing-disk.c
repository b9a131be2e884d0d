/*
 * A disk that fails, for a ferryd with this in LD_PRELOAD: while /run/ferry-disk exists and says
 * "sync", nothing reaches the disk (EIO); while it says "write", nothing can be written (EROFS,
 * as of a file system that went read-only).  Only SQLite's files are meant: fsync and pwrite are
 * called by nobody else in a way that matters here.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
fails(const char *what)
{
    char text[16] = "";
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/run/ferry-disk", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    (void)!syscall(SYS_read, fd, text, sizeof(text) - 1);
    (void)syscall(SYS_close, fd);
    return strcmp(text, what) == 0;
}

static int
sync_or_fail(int number, int fd)
{
    if (fails("sync")) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int
fsync(int fd)
{
    return sync_or_fail(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    return sync_or_fail(SYS_fdatasync, fd);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    if (fails("write")) {
        errno = EROFS;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return pwrite64(fd, bytes, size, offset);
}
