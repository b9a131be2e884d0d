#include "cli/compat-input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "compat/rule-dir.h"

static bool
read_all(int fd, const char *path, size_t max_bytes, GByteArray *bytes, GError **error)
{
    uint8_t block[16384];

    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ferry_error_set_errno(error, errno, "read", path);
        if (n == 0)
            return true;
        g_byte_array_append(bytes, block, (guint)n);
        if (bytes->len > max_bytes) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "cannot use %s: it has more than %zu bytes", path, max_bytes);
            return false;
        }
    }
}

bool
ferry_compat_read(const char *path, size_t max_bytes, char **ret, size_t *size, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    FERRY_AUTOFD int opened = -1;
    int fd = STDIN_FILENO;

    if (strcmp(path, "-") != 0) {
        opened = open(path, O_RDONLY | O_CLOEXEC);
        if (opened < 0)
            return ferry_error_set_errno(error, errno, "open", path);
        fd = opened;
    }
    if (!read_all(fd, path, max_bytes, bytes, error))
        return false;
    *size = bytes->len;
    g_byte_array_append(bytes, (const uint8_t *)"", 1);
    *ret = (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
    return true;
}

FerryFacts *
ferry_compat_read_facts(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t size = 0;

    /* Above the limit of a description it is malformed, which is an answer. */
    if (!ferry_compat_read(path, FERRY_COMPAT_INPUT_MAX, &text, &size, error))
        return NULL;
    return ferry_facts_parse(text, size);
}

GPtrArray *
ferry_compat_read_rule_files(const FerryArguments *arguments, GError **error)
{
    const char *value = ferry_arguments_value(arguments, "rules");
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_auto(GStrv) paths = NULL;

    if (value == NULL) {
        if (!ferry_rule_dir_read_system("", files, error))
            return NULL;
        return g_steal_pointer(&files);
    }
    paths = g_strsplit(value, FERRY_COMPAT_RULES_SEPARATOR, -1);
    for (unsigned i = 0; paths[i] != NULL; i++) {
        if (!ferry_rule_dir_read(paths[i], i, FERRY_TRUST_ANY, files, error))
            return NULL;
    }
    return g_steal_pointer(&files);
}

FerryRules *
ferry_compat_read_rules(const FerryArguments *arguments, GError **error)
{
    g_autoptr(GPtrArray) files = ferry_compat_read_rule_files(arguments, error);

    return files != NULL ? ferry_rules_new(files) : NULL;
}

json_t *
ferry_compat_read_json(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t size = 0;
    g_autoptr(FerryFault) fault = NULL;
    json_t *json = NULL;

    if (!ferry_compat_read(path, FERRY_COMPAT_INPUT_MAX, &text, &size, error))
        return NULL;
    json = ferry_json_read_large(text, size, &fault);
    if (json == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "cannot use %s: %s", path,
                    fault->reason);
    return json;
}

size_t
ferry_compat_count_words(const FerryArguments *arguments)
{
    size_t n = 0;

    while (ferry_arguments_word(arguments, n) != NULL)
        n++;
    return n;
}

bool
ferry_compat_check_words(const FerryArguments *arguments, GError **error)
{
    size_t n_stdin = 0;

    for (size_t i = 0; i < ferry_compat_count_words(arguments); i++)
        n_stdin += strcmp(ferry_arguments_word(arguments, i), "-") == 0;
    if (n_stdin < 2)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "standard input (-) can be read only once: put the other one into a file");
    return false;
}

void
ferry_compat_print_line(const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *clean = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    clean = ferry_table_printable(text);
    printf("%s\n", clean);
}
