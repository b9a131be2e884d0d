#include "daemon/config.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define MAX_BYTES (64 * 1024)
#define MAX_VFS   65535 /* the kernel's counter has 16 bits */
#define NO_VFS    G_MAXUINT

typedef enum { KIND_PATH, KIND_TEXT, KIND_INTEGER, KIND_SWITCH } Kind;

typedef struct {
    const char *section, *key;
    Kind kind;
    size_t offset;    /* in FerryConfig: of a char *, or of an int64_t */
    const char *text; /* default of a path or text */
    int64_t value;    /* default of an integer or a switch */
    int64_t least, most;
} Row;

#define TEXT(section, key, field, fallback)                                                        \
    {                                                                                              \
        section, key, KIND_TEXT, offsetof(FerryConfig, field), fallback, 0, 0, 0                   \
    }
#define PATH(section, key, field, fallback)                                                        \
    {                                                                                              \
        section, key, KIND_PATH, offsetof(FerryConfig, field), fallback, 0, 0, 0                   \
    }
#define NUMBER(section, key, field, fallback, least, most)                                         \
    {                                                                                              \
        section, key, KIND_INTEGER, offsetof(FerryConfig, field), NULL, fallback, least, most      \
    }

/* clang-format off */
static const Row rows[] = {
    PATH("daemon", "socket", socket, "/run/ferry/ferryd.sock"),
    TEXT("daemon", "listen", listen, NULL),
    PATH("daemon", "state_dir", state_dir, "/var/lib/ferry"),
    TEXT("daemon", "name", name, NULL),
    PATH("tls", "ca", ca, "/etc/ferry/tls/ca.pem"),
    PATH("tls", "cert", cert, "/etc/ferry/tls/cert.pem"),
    PATH("tls", "key", key, "/etc/ferry/tls/key.pem"),
    TEXT("libvirt", "uri", uri, "qemu:///system"),
    PATH("libvirt", "socket", libvirt_socket, "/run/libvirt/libvirt-sock"),
    PATH("libvirt", "memory_tls_dir", memory_tls_dir, "/etc/pki/qemu"),
    /*                                                               default least most */
    NUMBER("migrate", "lease_s",            lease_s,                     120,  5, 86400),
    NUMBER("migrate", "prepare_timeout_s",  prepare_timeout_s,            60,  1, 3600),
    NUMBER("migrate", "no_progress_s",      no_progress_s,               150,  5, 86400),
    NUMBER("migrate", "transfer_timeout_s", transfer_timeout_s,            0,  0, 604800),
    NUMBER("migrate", "loaded_timeout_ms",  loaded_timeout_ms,             0,  0, 3600000),
    NUMBER("migrate", "detach_timeout_s",   detach_timeout_s,             30,  5, 120),
    NUMBER("migrate", "attach_timeout_s",   attach_timeout_s,             30,  1, 600),
    NUMBER("migrate", "vf_settle_ms",       vf_settle_ms,               3000,  0, 600000),
    NUMBER("migrate", "in_doubt_s",         in_doubt_s,                    2,  1, 3600),
    NUMBER("migrate", "go_retry_ms",        go_retry_ms,                  50, 10, 5000),
    NUMBER("migrate", "libvirt_retry_ms",   libvirt_retry_ms,            200, 10, 5000),
    NUMBER("migrate", "peer_keepalive_s",   peer_keepalive_s,              1,  1, 60),
    NUMBER("migrate", "tombstone_days",     tombstone_days,               30,  7, 3650),
    NUMBER("migrate", "link_mib_s",         link_mib_s,                    0,  0, 1048576),
    NUMBER("migrate", "max_out",            max_out,                       2,  1, 64),
    NUMBER("migrate", "max_in",             max_in,                        2,  1, 64),
    { "migrate", "tls", KIND_SWITCH, offsetof(FerryConfig, tls), NULL, 1, 0, 1 },
};
/* clang-format on */

static char **
text_of(FerryConfig *self, const Row *row)
{
    return (char **)((char *)self + row->offset);
}

static int64_t *
number_of(FerryConfig *self, const Row *row)
{
    return (int64_t *)((char *)self + row->offset);
}

static bool
is_text(const Row *row)
{
    return row->kind == KIND_PATH || row->kind == KIND_TEXT;
}

void
ferry_config_free(FerryConfig *self)
{
    if (self == NULL)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (is_text(&rows[i]))
            g_free(*text_of(self, &rows[i]));
    }
    g_ptr_array_unref(self->pfs);
    g_free(self->path);
    g_free(self);
}

static void
pf_free(gpointer data)
{
    FerryPfConfig *self = data;

    g_free(self->name);
    g_free(self);
}

static FerryConfig *
config_new(const char *path)
{
    FerryConfig *self = g_new0(FerryConfig, 1);

    self->path = g_strdup(path);
    self->pfs = g_ptr_array_new_with_free_func(pf_free);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (is_text(&rows[i]))
            *text_of(self, &rows[i]) = g_strdup(rows[i].text);
        else
            *number_of(self, &rows[i]) = rows[i].value;
    }
    return self;
}

/* Where we are in the file, for messages. */
typedef struct {
    const char *path;
    unsigned line;
    char *section;     /* NULL before the first */
    FerryPfConfig *pf; /* of the config; NULL unless it is in a [pf NAME] */
    bool is_set[G_N_ELEMENTS(rows)];
    FerryConfig *config;
} Reader;

static bool complain(const Reader *self, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static bool
complain(const Reader *self, GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s:%u: %s", self->path, self->line, what);
    return false;
}

static bool
take_path(Reader *self, const Row *row, const char *value, GError **error)
{
    if (!g_path_is_absolute(value))
        return complain(self, error, "%s = %s: not an absolute path", row->key, value);
    g_free(*text_of(self->config, row));
    *text_of(self->config, row) = g_strdup(value);
    return true;
}

static bool
take_text(Reader *self, const Row *row, const char *value, GError **error)
{
    (void)error;
    g_free(*text_of(self->config, row));
    *text_of(self->config, row) = g_strdup(value);
    return true;
}

static bool
take_integer(Reader *self, const Row *row, const char *value, GError **error)
{
    if (g_ascii_string_to_signed(value, 10, row->least, row->most, number_of(self->config, row),
                                 NULL))
        return true;
    return complain(self, error, "%s = %s: not a whole number from %" PRId64 " to %" PRId64,
                    row->key, value, row->least, row->most);
}

static bool
take_switch(Reader *self, const Row *row, const char *value, GError **error)
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0)
        return complain(self, error, "%s = %s: neither yes nor no", row->key, value);
    *number_of(self->config, row) = yes;
    return true;
}

static bool (*const takers[])(Reader *, const Row *, const char *, GError **) = {
    [KIND_PATH] = take_path,
    [KIND_TEXT] = take_text,
    [KIND_INTEGER] = take_integer,
    [KIND_SWITCH] = take_switch,
};

static FerryPfConfig *
find_pf(const FerryConfig *config, const char *name)
{
    for (guint i = 0; i < config->pfs->len; i++) {
        FerryPfConfig *pf = g_ptr_array_index(config->pfs, i);

        if (strcmp(pf->name, name) == 0)
            return pf;
    }
    return NULL;
}

/* A section of a PF is one for each name. */
static bool
take_pf(Reader *self, const char *name, GError **error)
{
    if (name[0] == '\0' || strpbrk(name, " \t/") != NULL)
        return complain(self, error, "[pf %s] is not [pf NAME]: a netdev or a PCI address", name);
    self->pf = find_pf(self->config, name);
    if (self->pf != NULL)
        return true;
    self->pf = g_new0(FerryPfConfig, 1);
    self->pf->name = g_strdup(name);
    self->pf->n_vfs = NO_VFS;
    g_ptr_array_add(self->config->pfs, self->pf);
    return true;
}

static bool
take_pf_value(Reader *self, const char *key, const char *value, GError **error)
{
    guint64 n_vfs = 0;

    if (strcmp(key, "vfs") != 0)
        return complain(self, error, "there is no key %s in [pf %s]: see ferryd.conf(5)", key,
                        self->pf->name);
    if (self->pf->n_vfs != NO_VFS)
        return complain(self, error, "vfs is there twice");
    if (!g_ascii_string_to_unsigned(value, 10, 0, MAX_VFS, &n_vfs, NULL))
        return complain(self, error, "vfs = %s: not a whole number from 0 to %d", value, MAX_VFS);
    self->pf->n_vfs = (unsigned)n_vfs;
    return true;
}

/* A section without its key says nothing. */
static void
drop_empty_pfs(FerryConfig *config)
{
    for (guint i = config->pfs->len; i > 0; i--) {
        const FerryPfConfig *pf = g_ptr_array_index(config->pfs, i - 1);

        if (pf->n_vfs == NO_VFS)
            g_ptr_array_remove_index(config->pfs, i - 1);
    }
}

static bool
take_section(Reader *self, const char *line, GError **error)
{
    size_t length = strlen(line);

    g_free(self->section);
    self->section = g_strndup(line + 1, length < 2 ? 0 : length - 2);
    self->pf = NULL;
    if (line[length - 1] != ']')
        return complain(self, error, "\"%s\" is not a section: a ] is missing", line);
    if (g_str_has_prefix(self->section, "pf "))
        return take_pf(self, g_strchug(self->section + strlen("pf ")), error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].section, self->section) == 0)
            return true;
    }
    return complain(self, error, "there is no section [%s]: see ferryd.conf(5)", self->section);
}

static bool
take_value(Reader *self, const char *key, const char *value, GError **error)
{
    if (self->pf != NULL)
        return take_pf_value(self, key, value, error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i];

        if (strcmp(row->section, self->section) != 0 || strcmp(row->key, key) != 0)
            continue;
        if (self->is_set[i])
            return complain(self, error, "%s is there twice", key);
        self->is_set[i] = true;
        return takers[row->kind](self, row, value, error);
    }
    return complain(self, error, "there is no key %s in [%s]: see ferryd.conf(5)", key,
                    self->section);
}

static bool
take_line(Reader *self, char *line, GError **error)
{
    char *equals = NULL;

    g_strstrip(line);
    if (line[0] == '\0' || line[0] == '#')
        return true;
    if (line[0] == '[')
        return take_section(self, line, error);
    equals = strchr(line, '=');
    if (equals == NULL)
        return complain(self, error, "\"%s\" is neither [section] nor key = value", line);
    if (self->section == NULL)
        return complain(self, error, "\"%s\" stands before any [section]", line);
    *equals = '\0';
    return take_value(self, g_strchomp(line), g_strchug(equals + 1), error);
}

/* Not GKeyFile: it can say neither in which line something stands nor that it stands there twice.
 */
bool
ferry_config_parse(const char *path, const char *text, FerryConfig **ret, GError **error)
{
    g_autoptr(FerryConfig) config = config_new(path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Reader reader = { .path = path, .config = config };
    bool ok = true;

    for (size_t i = 0; ok && lines[i] != NULL; i++) {
        reader.line = (unsigned)i + 1;
        ok = g_utf8_validate(lines[i], -1, NULL) ? take_line(&reader, lines[i], error)
                                                 : complain(&reader, error, "this is not UTF-8");
    }
    g_free(reader.section);
    drop_empty_pfs(config);
    if (ok)
        *ret = g_steal_pointer(&config);
    return ok;
}

bool
ferry_config_load(const char *path, FerryConfig **ret, GError **error)
{
    g_autofree char *text = NULL;

    return ferry_file_read(path, MAX_BYTES, &text, error) &&
           ferry_config_parse(path, text, ret, error);
}
