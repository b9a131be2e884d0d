#include "hook/tag.h"

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

/* Returns: at the next tag's '<', NULL when there is none */
static const char *
find_tag(const char *at)
{
    const char *begin = strchr(at, '<');

    while (begin != NULL) {
        const char *after = step_over_opaque(begin);

        if (after == begin)
            return begin;
        begin = after != NULL ? strchr(after, '<') : NULL;
    }
    return NULL;
}

bool
hook_tags_next(HookTags *self, HookTag *ret)
{
    const char *begin = find_tag(self->at);
    const char *end = begin != NULL ? find_tag_end(begin) : NULL;
    HookTag tag = { 0 };

    if (end == NULL || begin[1] == '!' || (begin[1] == '/' && self->depth == 0))
        return false;
    tag = (HookTag){ .begin = begin, .end = end, .closes = begin[1] == '/' };
    tag.is_empty = !tag.closes && end[-1] == '/';
    tag.depth = tag.closes ? self->depth - 1 : self->depth;
    self->depth = tag.depth + (tag.closes || tag.is_empty ? 0 : 1);
    self->at = end;
    *ret = tag;
    return true;
}

static bool
is_name_end(char c)
{
    return c == '>' || c == '/' || isspace((unsigned char)c);
}

bool
hook_tag_is(const HookTag *self, const char *name)
{
    const char *at = self->begin + (self->closes ? 2 : 1);
    const size_t n = strlen(name);

    return strncmp(at, name, n) == 0 && is_name_end(at[n]);
}

bool
hook_tag_next_attribute(const HookTag *self,
                        const char **at,
                        HookSpan *ret_name,
                        HookSpan *ret_value)
{
    const char *name = *at != NULL ? *at : self->begin + strcspn(self->begin, " \t\r\n/>");
    const char *quote = NULL, *end = NULL;

    name += strspn(name, " \t\r\n");
    if (name >= self->end)
        return false;
    quote = name + strcspn(name, "\"'>");
    end = quote < self->end ? strchr(quote + 1, *quote) : NULL;
    if (end == NULL || end > self->end)
        return false;
    *ret_name = (HookSpan){ name, strcspn(name, "= \t\r\n") };
    *ret_value = (HookSpan){ quote + 1, (size_t)(end - quote - 1) };
    *at = end + 1;
    return true;
}

bool
hook_span_is(HookSpan self, const char *text)
{
    return self.length == strlen(text) && memcmp(self.text, text, self.length) == 0;
}

void
hook_span_copy(HookSpan self, char *ret, size_t n_bytes)
{
    const size_t n = self.length < n_bytes ? self.length : n_bytes - 1;

    memcpy(ret, self.text, n);
    ret[n] = '\0';
}
