#include "cli/reasons.h"

#include "cli/table.h"

static char *
member(const json_t *reason, const char *key)
{
    const char *text = json_string_value(json_object_get(reason, key));

    return text ? ferry_table_printable(text) : NULL;
}

char *
ferry_reasons_format(const json_t *reasons)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i, reason)
    {
        g_autofree char *code = member(reason, "code");
        g_autofree char *message = member(reason, "message");
        g_autofree char *remedy = member(reason, "remedy");

        g_string_append_printf(text, "  %s: %s\n", code ? code : "no code",
                               message ? message : "no message");
        if (remedy)
            g_string_append_printf(text, "    %s\n", remedy);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
