#include "host/json-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

char *
ferry_json_file_text(int folder, const char *name, GError **error)
{
    FERRY_AUTOFD int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *text = g_malloc0(FERRY_JSON_FILE_MAX_BYTES + 2);
    struct stat status;
    size_t n_bytes = 0;
    ssize_t n = 0;

    if (fd < 0 || fstat(fd, &status) < 0) {
        (void)ferry_error_set_errno(error, errno, "read", name);
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s is no regular file", name);
        return NULL;
    }
    while ((n = read(fd, text + n_bytes, FERRY_JSON_FILE_MAX_BYTES + 1 - n_bytes)) > 0)
        n_bytes += (size_t)n;
    if (n < 0) {
        (void)ferry_error_set_errno(error, errno, "read", name);
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* Brackets outside strings bound the parser's recursion; it finds all else that may be wrong.
 * Returns: the line where it gets too deep, 0 when it does not */
static unsigned
find_depth(const char *text)
{
    unsigned depth = 0;
    unsigned line = 1;
    bool in_string = false;

    for (const char *c = text; *c != '\0'; c++) {
        line += *c == '\n';
        if (in_string && *c == '\\' && c[1] != '\0')
            c++;
        else if (*c == '"')
            in_string = !in_string;
        else if (!in_string && (*c == '{' || *c == '['))
            depth++;
        else if (!in_string && (*c == '}' || *c == ']') && depth > 0)
            depth--;
        if (depth > FERRY_JSON_FILE_MAX_DEPTH)
            return line;
    }
    return 0;
}

json_t *
ferry_json_file_parse(const char *text, GError **error)
{
    const bool is_long = strlen(text) > FERRY_JSON_FILE_MAX_BYTES;
    const unsigned deep = is_long ? 0 : find_depth(text);
    json_error_t failure;
    json_t *json = NULL;

    if (is_long)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "it is longer than %zu bytes",
                    FERRY_JSON_FILE_MAX_BYTES);
    else if (deep != 0)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "line %u: nested more than %d levels deep", deep, FERRY_JSON_FILE_MAX_DEPTH);
    if (is_long || deep != 0)
        return NULL;
    json = json_loads(text, JSON_REJECT_DUPLICATES, &failure);
    if (json == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "line %d: %s", failure.line,
                    failure.text);
    return json;
}
