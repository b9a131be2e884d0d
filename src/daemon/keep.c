#include "daemon/keep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "daemon/config.h"

#define MAX_BYTES (64 * 1024)

struct _FerryKeep {
    char *path;
    pthread_mutex_t lock; /* one change at a time: each is made of reading and writing */
};

FerryKeep *
ferry_keep_new(const char *path)
{
    FerryKeep *self = g_new0(FerryKeep, 1);

    self->path = g_strdup(path);
    (void)pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
ferry_keep_free(FerryKeep *self)
{
    if (self == NULL)
        return;
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self->path);
    g_free(self);
}

/* Returns: whether @line is "[pf NAME]" with one of the names */
static bool
is_section_of(const char *line, const char *const *names)
{
    g_autofree char *text = g_strstrip(g_strdup(line));
    const size_t length = strlen(text);

    if (!g_str_has_prefix(text, "[pf ") || text[length - 1] != ']')
        return false;
    text[length - 1] = '\0';
    return g_strv_contains(names, g_strchug(text + strlen("[pf ")));
}

static bool
is_section(const char *line)
{
    return line[strspn(line, " \t")] == '[';
}

static bool
is_vfs(const char *line)
{
    g_autofree char *text = g_strchug(g_strdup(line));

    return g_str_has_prefix(text, "vfs") && g_strchug(text + strlen("vfs"))[0] == '=';
}

/* Where the value is to stand: its line, or that of its section's head; -1 when there is none. */
static int
find_line(char *const *lines, const char *const *names, bool *ret_is_value)
{
    int head = -1;
    bool is_inside = false;

    *ret_is_value = false;
    for (int i = 0; lines[i] != NULL; i++) {
        if (is_section(lines[i])) {
            is_inside = is_section_of(lines[i], names);
            head = is_inside ? i : head;
        } else if (is_inside && is_vfs(lines[i])) {
            *ret_is_value = true;
            return i;
        }
    }
    return head;
}

char *
ferry_keep_edit(const char *text, const char *const *names, unsigned n_vfs)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    bool is_value = false;
    const int at = find_line(lines, names, &is_value);
    g_autofree char *value = g_strdup_printf("vfs = %u", n_vfs);
    char *before = NULL;

    if (at < 0)
        return g_strdup_printf("%s%s%s[pf %s]\n%s\n", text,
                               text[0] == '\0' || g_str_has_suffix(text, "\n") ? "" : "\n",
                               text[0] == '\0' ? "" : "\n", names[0], value);
    before = lines[at];
    lines[at] = is_value ? g_steal_pointer(&value) : g_strconcat(before, "\n", value, NULL);
    g_free(before);
    return g_strjoinv("\n", lines);
}

/* A configuration that is a link stays one; one that is not there yet is made. */
static bool
read_file(const char *path, char **ret_text, char **ret_path, mode_t *ret_mode, GError **error)
{
    char *real = realpath(path, NULL);
    struct stat status;

    *ret_mode = 0644;
    *ret_path = g_strdup(real != NULL ? real : path);
    free(real);
    if (stat(*ret_path, &status) == 0)
        *ret_mode = status.st_mode & 07777;
    else if (errno == ENOENT)
        return (*ret_text = g_strdup("")) != NULL;
    return ferry_file_read(*ret_path, MAX_BYTES, ret_text, error);
}

static bool
write_vfs(const char *path, const char *const *names, unsigned n_vfs, GError **error)
{
    g_autofree char *real = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    g_autofree char *folder = NULL;
    g_autoptr(FerryConfig) checked = NULL;
    mode_t mode = 0;

    if (!read_file(path, &before, &real, &mode, error))
        return false;
    after = ferry_keep_edit(before, names, n_vfs);
    /* What is wrong in it already is told now, and not by a ferryd that does not start. */
    if (!ferry_config_parse(path, after, &checked, error))
        return false;
    folder = g_path_get_dirname(real);
    if (g_mkdir_with_parents(folder, 0755) < 0)
        return ferry_error_set_errno(error, errno, "make folder", folder);
    return ferry_file_write(real, after, mode, error);
}

static bool
set_vfs(void *data, const char *const *names, unsigned n_vfs, GError **error)
{
    FerryKeep *self = data;
    bool ok = false;

    (void)pthread_mutex_lock(&self->lock);
    ok = write_vfs(self->path, names, n_vfs, error);
    (void)pthread_mutex_unlock(&self->lock);
    return ok;
}

const FerryKeepOps *
ferry_keep_ops(void)
{
    static const FerryKeepOps ops = { set_vfs };

    return &ops;
}
