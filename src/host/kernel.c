#include "host/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"

static int
write_file(void *data, const char *path, const char *text)
{
    const int *root = data;
    FERRY_AUTOFD int fd = openat(*root, path, O_WRONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return errno;
    do
        n = write(fd, text, strlen(text));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    return (size_t)n == strlen(text) ? 0 : EIO;
}

FerryKernel
ferry_kernel_real(const int *root)
{
    static const FerryKernelOps ops = { write_file };

    return (FerryKernel){ .root = *root, .ops = &ops, .data = (void *)root };
}
