#include "hook/domain-uuid.h"

#include <ctype.h>
#include <string.h>

/* Stretches that are no elements and may hold any bytes up to their end. */
/* clang-format off */
static const struct {
    const char *begin;
    const char *end;
} opaque[] = {
    { "<!--",      "-->" },
    { "<![CDATA[", "]]>" },
    { "<?",        "?>"  },
};
/* clang-format on */

/* @at: at a '<'.  Returns: after the opaque stretch that begins there, @at when none does, NULL
 * when it never ends */
static const char *
step_over_opaque(const char *at)
{
    for (size_t i = 0; i < sizeof(opaque) / sizeof(opaque[0]); i++) {
        if (strncmp(at, opaque[i].begin, strlen(opaque[i].begin)) != 0)
            continue;
        at = strstr(at + strlen(opaque[i].begin), opaque[i].end);
        return at != NULL ? at + strlen(opaque[i].end) : NULL;
    }
    return at;
}

/* @at: at a '<'.  Returns: at the tag's '>', which a quoted value may hold, too; NULL when it never
 * ends */
static const char *
find_tag_end(const char *at)
{
    char quote = '\0';

    for (; *at != '\0'; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '>')
            return at;
    }
    return NULL;
}

static bool
is_named(const char *tag, const char *name)
{
    const size_t n = strlen(name);

    return strncmp(tag + 1, name, n) == 0 &&
           (tag[1 + n] == '>' || isspace((unsigned char)tag[1 + n]));
}

/* @text: what follows <uuid>; white space around it is allowed, as libvirt allows it in a file */
static bool
take_uuid(const char *text, char ret[static HOOK_UUID_LENGTH + 1])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    char uuid[HOOK_UUID_LENGTH + 1] = "";

    text += strspn(text, " \t\r\n");
    for (size_t i = 0; i < HOOK_UUID_LENGTH; i++) {
        if (form[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
        uuid[i] = (char)tolower((unsigned char)text[i]);
    }
    text += HOOK_UUID_LENGTH;
    if (text[strspn(text, " \t\r\n")] != '<')
        return false;
    memcpy(ret, uuid, sizeof(uuid));
    return true;
}

bool
hook_find_uuid(const char *xml, char ret[static HOOK_UUID_LENGTH + 1])
{
    unsigned depth = 0; /* of elements that are open */

    for (const char *at = strchr(xml, '<'); at != NULL; at = strchr(at, '<')) {
        const char *after = step_over_opaque(at);
        const char *end = NULL;

        if (after != at) {
            at = after;
            if (at == NULL)
                return false;
            continue;
        }
        end = find_tag_end(at);
        if (end == NULL || at[1] == '!' || (at[1] == '/' && depth == 0))
            return false;
        if (depth == 0 && !is_named(at, "domain"))
            return false;
        if (depth == 1 && is_named(at, "uuid"))
            return take_uuid(end + 1, ret);
        if (at[1] == '/')
            depth--;
        else if (end[-1] != '/')
            depth++;
        at = end;
    }
    return false;
}
