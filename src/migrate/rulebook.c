#include "migrate/rulebook.h"

#include <sys/stat.h>

#include "compat/rule-dir.h"

/* As ferry_rule_dir_read_system() has them. */
static const char *const folders[] = { "/usr/share/ferry/compat.d", "/run/ferry/compat.d",
                                       "/etc/ferry/compat.d" };
G_STATIC_ASSERT(G_N_ELEMENTS(folders) == FERRY_N_RULE_DIRS);

struct _FerryRulebook {
    char *root;
    char *stamp; /* of the files that @rules were read from */
    FerryRules *rules;
};

FerryRulebook *
ferry_rulebook_new(const char *root)
{
    FerryRulebook *self = g_new0(FerryRulebook, 1);

    self->root = g_strdup(root);
    return self;
}

void
ferry_rulebook_free(FerryRulebook *self)
{
    if (self == NULL)
        return;
    g_free(self->root);
    g_free(self->stamp);
    ferry_rules_free(self->rules);
    g_free(self);
}

/* A file that was written over has another time or size, one that was renamed into place another
 * inode.  The order of a folder's entries does not change while its entries do not. */
static void
stamp_file(GString *stamp, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat status;

    if (stat(path, &status) < 0)
        return;
    g_string_append_printf(stamp, "%s %ju %jd %jd.%09ld %u\n", path, (uintmax_t)status.st_ino,
                           (intmax_t)status.st_size, (intmax_t)status.st_mtim.tv_sec,
                           status.st_mtim.tv_nsec, status.st_mode + status.st_uid);
}

static char *
take_stamp(const FerryRulebook *self)
{
    g_autoptr(GString) stamp = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_strconcat(self->root, folders[i], NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name = NULL;

        while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
            stamp_file(stamp, folder, name);
    }
    return g_string_free(g_steal_pointer(&stamp), FALSE);
}

bool
ferry_rulebook_rules(FerryRulebook *self, const FerryRules **ret, GError **error)
{
    g_autofree char *stamp = take_stamp(self);
    g_autoptr(GPtrArray) files = NULL;

    if (g_strcmp0(stamp, self->stamp) != 0) {
        files = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
        if (!ferry_rule_dir_read_system(self->root, files, error))
            return false;
        ferry_rules_free(self->rules);
        self->rules = ferry_rules_new(files);
        g_free(self->stamp);
        self->stamp = g_steal_pointer(&stamp);
    }
    *ret = self->rules;
    return true;
}
