#include "host/sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

static void
make_printable(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (!g_ascii_isprint(*c) && *c != '\n' && *c != '\t')
            *c = '?';
}

char *
ferry_sysfs_text(int folder, const char *path)
{
    /* O_NONBLOCK: a recorded tree may have a FIFO or worse where a file should be */
    FERRY_AUTOFD int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char buffer[FERRY_SYSFS_MAX_BYTES + 1];
    ssize_t n = fd >= 0 ? read(fd, buffer, FERRY_SYSFS_MAX_BYTES) : -1;

    if (n < 0)
        return NULL;
    buffer[n] = '\0';
    make_printable(buffer);
    return g_strdup(g_strstrip(buffer));
}

bool
ferry_sysfs_number(int folder, const char *path, uint64_t limit, uint64_t *ret)
{
    g_autofree char *text = ferry_sysfs_text(folder, path);
    const bool is_hex = text != NULL && g_str_has_prefix(text, "0x");
    guint64 number = 0;

    if (text == NULL || !g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0,
                                                    limit, &number, NULL))
        return false;
    *ret = number;
    return true;
}

char *
ferry_sysfs_link(int folder, const char *path)
{
    char target[FERRY_SYSFS_MAX_BYTES + 1];
    ssize_t n = readlinkat(folder, path, target, FERRY_SYSFS_MAX_BYTES);
    const char *slash = NULL;

    if (n <= 0)
        return NULL;
    target[n] = '\0';
    make_printable(target);
    slash = strrchr(target, '/');
    return g_strdup(slash != NULL ? slash + 1 : target);
}

int
ferry_sysfs_open(int folder, const char *path)
{
    return openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
ferry_sysfs_list(int folder, const char *path)
{
    FERRY_AUTOFD int fd = ferry_sysfs_open(folder, path);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    g_autoptr(GPtrArray) names = NULL;

    if (stream == NULL)
        return NULL;
    (void)ferry_fd_steal(&fd); /* closedir closes it */
    names = g_ptr_array_new_with_free_func(g_free);
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        if (entry->d_name[0] != '.')
            g_ptr_array_add(names, g_strdup(entry->d_name));
    (void)closedir(stream); /* it was only read */
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}
