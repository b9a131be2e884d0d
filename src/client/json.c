#include "client/json.h"

#include "base/error.h"

/* Counts brackets outside strings: enough to bound the recursion of the parser that follows, which
 * finds everything else that may be wrong. */
static bool
depth_is_bounded(const char *text, size_t length)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > FERRY_JSON_MAX_DEPTH)
            return false;
    }
    return true;
}

bool
ferry_json_parse(const char *text, size_t length, json_t **ret, GError **error)
{
    json_error_t where;
    json_t *value = NULL;

    if (!depth_is_bounded(text, length)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "the JSON is nested more than %d levels deep", FERRY_JSON_MAX_DEPTH);
        return false;
    }
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (value == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "this is not JSON, line %d, column %d: %s", where.line, where.column,
                    where.text);
        return false;
    }
    *ret = value;
    return true;
}
