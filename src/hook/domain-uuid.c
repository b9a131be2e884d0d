#include "hook/domain-uuid.h"

#include <ctype.h>
#include <string.h>

#include "hook/tag.h"

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
    HookTags tags = { .at = xml };
    HookTag tag = { 0 };

    while (hook_tags_next(&tags, &tag)) {
        if (tag.depth == 0 && !hook_tag_is(&tag, "domain"))
            return false;
        if (tag.depth == 1 && !tag.closes && hook_tag_is(&tag, "uuid"))
            return take_uuid(tag.end + 1, ret);
    }
    return false;
}
