#pragma once

#include <stdbool.h>
#include <stddef.h>

/** What ferryd said. */
typedef enum {
    HOOK_ANSWER_YES,
    HOOK_ANSWER_NO,      /* with its reason */
    HOOK_ANSWER_GARBAGE, /* no HTTP, or not all of it */
} HookAnswer;

/**
 * Reads an HTTP answer: its status and, unless that is a success, the member "detail" of its JSON.
 *
 * @text: the whole answer, with a 0 byte after it
 * @ret_why: (out): the reason in printable text, cut to @n_bytes; the status when there is none;
 *           "" when the answer is yes
 */
HookAnswer hook_answer_read(const char *text, char *ret_why, size_t n_bytes);
