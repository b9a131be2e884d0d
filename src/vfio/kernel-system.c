/* The machine's own system calls. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfio/kernel.h"

static int
system_open(void *data, const char *path, int flags)
{
    (void)data;
    return open(path, flags);
}

static long
system_ioctl(void *data, int fd, unsigned long request, void *argument)
{
    (void)data;
    return ioctl(fd, request, argument);
}

static long
system_read(void *data, int fd, void *buf, size_t size)
{
    (void)data;
    return read(fd, buf, size);
}

static long
system_write(void *data, int fd, const void *buf, size_t size)
{
    (void)data;
    return write(fd, buf, size);
}

static long
system_pread(void *data, int fd, void *buf, size_t size, uint64_t offset)
{
    (void)data;
    return pread(fd, buf, size, (off_t)offset);
}

static long
system_pwrite(void *data, int fd, const void *buf, size_t size, uint64_t offset)
{
    (void)data;
    return pwrite(fd, buf, size, (off_t)offset);
}

const FerryKernelSystem *
ferry_kernel_system(void)
{
    static const FerryKernelSystem system = { .open = system_open,
                                              .ioctl = system_ioctl,
                                              .read = system_read,
                                              .write = system_write,
                                              .pread = system_pread,
                                              .pwrite = system_pwrite };

    return &system;
}
