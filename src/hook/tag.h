#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * Steps through the tags of an XML text, with nothing but libc.  Comments, CDATA, processing
 * instructions and quoted attribute values are stepped over, so that nothing written in a name, a
 * description or another program's metadata can pass for an element.  What is no well-formed XML
 * ends the stepping; it is no validation.
 */
typedef struct {
    const char *at; /* begin with the whole text */
    unsigned depth; /* of elements that are open; begin with 0 */
} HookTags;

/** One tag, of an element that begins, ends or is empty. */
typedef struct {
    const char *begin; /* its '<' */
    const char *end;   /* its '>' */
    unsigned depth;    /* how many elements are around it; the same at an element's begin and end */
    bool closes;       /* </a> */
    bool is_empty;     /* <a/> */
} HookTag;

/** Returns: false at the end, and where the text is no XML any more */
bool hook_tags_next(HookTags *self, HookTag *ret);

/** Whether the element has that name: "uuid", "ferry:mdev". */
bool hook_tag_is(const HookTag *self, const char *name);

/** A stretch of the XML text, as it stands there: entities are not resolved. */
typedef struct {
    const char *text;
    size_t length;
} HookSpan;

/**
 * Steps through a tag's attributes.
 *
 * @at: (inout): NULL at first
 *
 * Returns: false when there are no more
 */
bool hook_tag_next_attribute(const HookTag *self,
                             const char **at,
                             HookSpan *ret_name,
                             HookSpan *ret_value);

bool hook_span_is(HookSpan self, const char *text);

/** Copies what fits, with a 0 byte. */
void hook_span_copy(HookSpan self, char *ret, size_t n_bytes);
