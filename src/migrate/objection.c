#include "migrate/objection.h"

/* @alias: (nullable) */
static void G_GNUC_PRINTF(4, 0)
    add(json_t *reasons, const char *code, const char *alias, const char *format, va_list args)
{
    g_autofree char *message = g_strdup_vprintf(format, args);

    json_array_append_new(
        reasons, json_pack("{s:s, s:s*, s:s}", "code", code, "alias", alias, "message", message));
}

void
ferry_object(json_t *reasons, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(reasons, code, NULL, format, args);
    va_end(args);
}

void
ferry_object_to(json_t *reasons, const char *alias, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(reasons, code, alias, format, args);
    va_end(args);
}

json_t *
ferry_objection(const char *code, const char *format, ...)
{
    json_t *reasons = json_array();
    va_list args;

    va_start(args, format);
    add(reasons, code, NULL, format, args);
    va_end(args);
    return reasons;
}

void
ferry_object_remedy(json_t *reasons, const char *remedy)
{
    ferry_object_value(reasons, "remedy", json_string(remedy));
}

void
ferry_object_value(json_t *reasons, const char *name, json_t *value)
{
    size_t n = json_array_size(reasons);

    g_assert(n > 0);
    (void)json_object_set_new(json_array_get(reasons, n - 1), name, value);
}
