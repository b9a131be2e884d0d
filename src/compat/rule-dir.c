#include "compat/rule-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "base/file.h"

static const char *const system_dirs[] = {
    [FERRY_RULE_DIR_USR] = "/usr/share/ferry/compat.d",
    [FERRY_RULE_DIR_RUN] = "/run/ferry/compat.d",
    [FERRY_RULE_DIR_ETC] = "/etc/ferry/compat.d",
};
G_STATIC_ASSERT(G_N_ELEMENTS(system_dirs) == FERRY_N_RULE_DIRS);

typedef DIR FerryDir;
static void
dir_close(FerryDir *dir)
{
    (void)closedir(dir); /* it was only read */
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDir, dir_close)

static bool
is_dev_null(const struct stat *facts)
{
    return S_ISCHR(facts->st_mode) && major(facts->st_rdev) == 1 && minor(facts->st_rdev) == 3;
}

/* Why a file is not read at all, or NULL. */
static const char *
refusal(const struct stat *facts, FerryTrust trust)
{
    if (!S_ISREG(facts->st_mode))
        return "it is not a regular file";
    if (facts->st_size > FERRY_RULE_FILE_BYTES_MAX)
        return "it is larger than 1 MiB";
    if (trust == FERRY_TRUST_ANY)
        return NULL;
    if (facts->st_uid != 0)
        return "it does not belong to root";
    if ((facts->st_mode & S_IWOTH) != 0 || ((facts->st_mode & S_IWGRP) != 0 && facts->st_gid != 0))
        return "others than root can write it";
    return NULL;
}

/* At most one byte more than allowed, so that a file which grows meanwhile is found out. */
static FerryRuleFile *
read_open_file(int fd, unsigned priority, const char *name)
{
    size_t limit = FERRY_RULE_FILE_BYTES_MAX + 1;
    g_autofree char *text = g_malloc(limit);
    size_t size = 0;

    while (size < limit) {
        ssize_t n = read(fd, text + size, limit - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ferry_rule_file_new_refused(priority, name, g_strerror(errno));
        if (n == 0)
            break;
        size += (size_t)n;
    }
    return ferry_rule_file_new(priority, name, text, size);
}

static FerryRuleFile *
read_file(int dir_fd, const char *path, const char *name, unsigned priority, FerryTrust trust)
{
    /* Not blocking: a named pipe has no place here, and must not stop us. */
    FERRY_AUTOFD int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts;
    const char *why = NULL;

    if (fd < 0 || fstat(fd, &facts) != 0)
        return ferry_rule_file_new_refused(priority, name, g_strerror(errno));
    if (is_dev_null(&facts))
        return ferry_rule_file_new(priority, name, "", 0);
    why = refusal(&facts, trust);
    if (why != NULL)
        return ferry_rule_file_new_refused(priority, name, why);
    return read_open_file(fd, priority, name);
}

static bool
read_entries(FerryDir *dir,
             const char *path,
             unsigned priority,
             FerryTrust trust,
             GPtrArray *files,
             GError **error)
{
    for (;;) {
        const struct dirent *entry = NULL;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 || ferry_error_set_errno(error, errno, "read", path);
        if (ferry_rule_file_name_is_valid(entry->d_name))
            g_ptr_array_add(files,
                            read_file(dirfd(dir), entry->d_name, entry->d_name, priority, trust));
    }
}

bool
ferry_rule_dir_read(const char *path,
                    unsigned priority,
                    FerryTrust trust,
                    GPtrArray *files,
                    GError **error)
{
    g_autoptr(FerryDir) dir = opendir(path);
    g_autofree char *name = NULL;

    if (dir != NULL)
        return read_entries(dir, path, priority, trust, files, error);
    if (errno != ENOTDIR)
        return ferry_error_set_errno(error, errno, "open rule directory", path);
    name = g_path_get_basename(path);
    if (!ferry_rule_file_name_is_valid(name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot use rule file %s: its name is not letters, digits, '.', '_' or '-' "
                    "and \".json\" at the end; rename it",
                    path);
        return false;
    }
    g_ptr_array_add(files, read_file(AT_FDCWD, path, name, priority, trust));
    return true;
}

bool
ferry_rule_dir_read_system(const char *root, GPtrArray *files, GError **error)
{
    for (unsigned i = 0; i < FERRY_N_RULE_DIRS; i++) {
        g_autofree char *path = g_strconcat(root, system_dirs[i], NULL);
        g_autoptr(GError) local = NULL;

        if (ferry_rule_dir_read(path, i, FERRY_TRUST_ROOT, files, &local) ||
            g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NOT_FOUND))
            continue;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return true;
}
