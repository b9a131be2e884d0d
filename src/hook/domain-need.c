#include "hook/domain-need.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hook/tag.h"

#define NAMESPACE    "urn:ferry:guest:1"
#define PREFIX_BYTES 64

/* The attribute that decides.  A managed mdev says so; a hybrid refuses unless it says otherwise.
 */
/* clang-format off */
static const struct {
    const char *element;
    const char *attribute;
    const char *value;
    HookNeed with; /* the attribute has that value */
    HookNeed without;
    HookDevices devices; /* looked for at least with these */
} elements[] = {
    { "mdev",   "managed",  "yes",     HOOK_NEED_FERRYD,         HOOK_NEED_NOTHING, HOOK_ALL_DEVICES },
    { "hybrid", "on-no-vf", "degrade", HOOK_NEED_CAN_DO_WITHOUT, HOOK_NEED_FERRYD,  HOOK_HYBRIDS     },
};
/* clang-format on */

/* The part of the XML in which a prefix stands for our namespace: one element.  It may be declared
 * again and again, but nobody writes one declaration within another. */
typedef struct {
    bool is_open;
    unsigned depth;
    char prefix[PREFIX_BYTES]; /* "ferry:", or "" for the default namespace */
} Scope;

static void
enter_scope(Scope *self, const HookTag *tag)
{
    const char *at = NULL;
    HookSpan name, value;

    while (!tag->closes && hook_tag_next_attribute(tag, &at, &name, &value)) {
        if (!hook_span_is(value, NAMESPACE) || name.length < strlen("xmlns") ||
            strncmp(name.text, "xmlns", strlen("xmlns")) != 0)
            continue;
        *self = (Scope){ .is_open = true, .depth = tag->depth };
        if (name.length > strlen("xmlns:"))
            (void)snprintf(self->prefix, sizeof(self->prefix),
                           "%.*s:", (int)(name.length - strlen("xmlns:")),
                           name.text + strlen("xmlns:"));
    }
}

static void
leave_scope(Scope *self, const HookTag *tag)
{
    if ((tag->closes || tag->is_empty) && tag->depth == self->depth)
        self->is_open = false;
}

static HookNeed
need_of(const HookTag *tag, size_t row, char ret_alias[static HOOK_ALIAS_BYTES])
{
    HookNeed need = elements[row].without;
    const char *at = NULL;
    HookSpan name, value;

    ret_alias[0] = '\0';
    while (hook_tag_next_attribute(tag, &at, &name, &value)) {
        if (hook_span_is(name, "alias"))
            hook_span_copy(value, ret_alias, HOOK_ALIAS_BYTES);
        if (hook_span_is(name, elements[row].attribute) && hook_span_is(value, elements[row].value))
            need = elements[row].with;
    }
    return need;
}

static HookNeed
judge_tag(const Scope *scope,
          const HookTag *tag,
          HookDevices devices,
          char ret_alias[static HOOK_ALIAS_BYTES])
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        char name[PREFIX_BYTES + 16];

        (void)snprintf(name, sizeof(name), "%s%s", scope->prefix, elements[i].element);
        if (elements[i].devices >= devices && hook_tag_is(tag, name))
            return need_of(tag, i, ret_alias);
    }
    return HOOK_NEED_NOTHING;
}

HookNeed
hook_find_need(const char *xml, HookDevices devices, char ret_alias[static HOOK_ALIAS_BYTES])
{
    HookTags tags = { .at = xml };
    HookTag tag = { 0 };
    Scope scope = { 0 };
    HookNeed most = HOOK_NEED_NOTHING;

    ret_alias[0] = '\0';
    if (strstr(xml, NAMESPACE) == NULL)
        return HOOK_NEED_NOTHING;
    while (most != HOOK_NEED_FERRYD && hook_tags_next(&tags, &tag)) {
        char alias[HOOK_ALIAS_BYTES] = "";
        HookNeed need = HOOK_NEED_NOTHING;

        enter_scope(&scope, &tag);
        if (scope.is_open && !tag.closes)
            need = judge_tag(&scope, &tag, devices, alias);
        if (need > most) {
            most = need;
            memcpy(ret_alias, alias, sizeof(alias));
        }
        leave_scope(&scope, &tag);
    }
    return most;
}
